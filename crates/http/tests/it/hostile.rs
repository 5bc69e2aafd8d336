//! Requests whose end is a matter of opinion, and clients that speak no HTTP/1.1.

use crate::house::house;
use postrider_http::{HttpLimits, Listener, Trust, serve};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

/// What is written in one go, and the first line of every answer until the door closes.
async fn answers(written: &str) -> Vec<String> {
    let house = house(Trust::Open);
    let (_close, closes) = watch::channel(false);
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let limits = HttpLimits { header_timeout: Duration::from_millis(300), ..HttpLimits::default() };
    tokio::spawn(serve(Listener::Tcp(tcp), house.router.clone(), limits, closes));
    let mut client = TcpStream::connect(address).await.unwrap();
    // A door that has heard enough may close while we write.
    drop(client.write_all(written.as_bytes()).await);
    let mut heard = Vec::new();
    drop(timeout(PATIENCE, client.read_to_end(&mut heard)).await.expect("the door closes"));
    let text = String::from_utf8_lossy(&heard).into_owned();
    text.split("HTTP/1.1 ").skip(1).map(|answer| answer[..3].to_owned()).collect()
}

const SECOND: &str = "GET /emails HTTP/1.1\r\nHost: localhost\r\n\r\n";

#[tokio::test]
async fn b8_136_a_request_has_one_end() {
    // Both are taken where the end is beyond doubt; else what follows is not read as a request.
    let (both, first, none) = (&["422", "200"][..], &["422"][..], &["400"][..]);
    for (fields, body, want) in [
        ("Content-Length: 2\r\n", "{}", both),
        ("Transfer-Encoding: chunked\r\n", "2\r\n{}\r\n0\r\n\r\n", both),
        // RFC 9112 6.3: by its chunks, and closed.
        ("Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n", first),
        ("Transfer-Encoding: chunked\r\nContent-Length: 6\r\n", "0\r\n\r\n", first),
        ("Content-Length: 2\r\nContent-Length: 3\r\n", "{}", none),
        ("Content-Length: 2, 2\r\n", "{}", none),
        ("Content-Length: +5\r\n", "{}   ", none),
        ("Content-Length: -1\r\n", "", none),
        ("Content-Length: 0x2\r\n", "{}", none),
        ("Content-Length: 99999999999999999999999\r\n", "{}", none),
        ("Content-Length : 2\r\n", "{}", none),
        ("Transfer-Encoding: gzip\r\n", "x", none),
        ("Transfer-Encoding: chunked, gzip\r\n", "0\r\n\r\n", none),
        ("Transfer-Encoding: chunked\r\n", "zz\r\n", none),
        ("Transfer-Encoding: chunked\r\n", "ffffffffffffffffff\r\n", none),
        ("X: a\r\n folded\r\nContent-Length: 2\r\n", "{}", none),
        ("X: a\0b\r\n", "", none),
    ] {
        let request = format!("POST /emails HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n{body}{SECOND}");
        assert_eq!(answers(&request).await, want, "{fields:?} {body:?}");
    }
}

#[tokio::test]
async fn b8_136_other_versions_and_endless_heads_are_closed_upon() {
    let get = |fields: String| format!("GET /emails HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
    for (name, written, want) in [
        ("HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0".to_owned(), &["400"][..]),
        ("TLS", "\x16\x03\x01\x02\0\x01\0\x01".to_owned(), &["400"]),
        ("SMTP", "EHLO c\r\nMAIL FROM:<a@b.c>\r\n".to_owned(), &["400"]),
        ("many fields", get("X: y\r\n".repeat(10_000)), &["431"]),
        ("one long field", get(format!("X: {}\r\n", "y".repeat(200_000))), &["431"]),
        ("a long path", format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(70_000)), &["414"]),
        ("a head without end", "GET / HTTP/1.1\r\nHost: localhost\r\nX: ".to_owned(), &[]),
        (
            "endless extensions of a chunk",
            format!(
                "POST /emails HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n1;{}",
                "x".repeat(200_000)
            ),
            &["400"],
        ),
    ] {
        // Its words may be lost to a client that still writes when the door closes.
        let seen = answers(&written).await;
        assert!(seen.len() <= 1 && seen.iter().all(|code| want.contains(&code.as_str())), "{name}: {seen:?}");
    }
}
