//! Real sockets: where a client comes from, and how the door closes.

use crate::house::{FAR, house};
use postrider_http::{HttpLimits, Listener, Trust, serve};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::watch;
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, path: &str) -> String {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn readiness_is_free_on_this_machine_only() {
    let house = house(Trust::Keys);
    let (close, closes) = watch::channel(false);
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("http.sock");
    let unix = UnixListener::bind(&path).unwrap();
    let limits = HttpLimits::default();
    let by_tcp = tokio::spawn(serve(Listener::Tcp(tcp), house.router.clone(), limits, closes.clone()));
    let by_unix = tokio::spawn(serve(Listener::Unix(unix), house.router.clone(), limits, closes));
    for (path_asked, code) in [("/readyz", "200"), ("/livez", "200"), ("/emails", "401")] {
        let answers = [
            ask(TcpStream::connect(address).await.unwrap(), path_asked).await,
            ask(UnixStream::connect(&path).await.unwrap(), path_asked).await,
        ];
        for answer in answers {
            assert!(answer.starts_with(&format!("HTTP/1.1 {code} ")), "{path_asked}: {answer}");
        }
    }
    let far = house.call_from(Some(FAR), "GET", "/readyz", &[], "").await;
    assert_eq!(far.status, 401, "not from elsewhere");
    close.send(true).unwrap();
    for door in [by_tcp, by_unix] {
        timeout(PATIENCE, door).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_closing_door_ends_answers_that_wait() {
    let house = house(Trust::Open);
    let (close, closes) = watch::channel(false);
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let limits = HttpLimits { drain: Duration::from_secs(3_600), ..HttpLimits::default() };
    let door = tokio::spawn(serve(Listener::Tcp(tcp), house.router.clone(), limits, closes));
    let mut events = TcpStream::connect(address).await.unwrap();
    events.write_all(b"GET /console/events HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut head = [0; 12];
    events.read_exact(&mut head).await.unwrap();
    assert_eq!(&head, b"HTTP/1.1 200");
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    idle.read_exact(&mut head).await.unwrap();
    close.send(true).unwrap();
    timeout(PATIENCE, door).await.expect("within the patience, not the drain").unwrap();
}

#[tokio::test]
async fn a_slow_head_is_not_waited_for() {
    let house = house(Trust::Open);
    let (_close, closes) = watch::channel(false);
    let tcp = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = tcp.local_addr().unwrap();
    let limits = HttpLimits { header_timeout: Duration::from_millis(50), ..HttpLimits::default() };
    tokio::spawn(serve(Listener::Tcp(tcp), house.router.clone(), limits, closes));
    let mut slow = TcpStream::connect(address).await.unwrap();
    slow.write_all(b"GET / HTTP/1.1\r\nHost:").await.unwrap();
    let mut answer = Vec::new();
    timeout(PATIENCE, slow.read_to_end(&mut answer)).await.expect("closed").unwrap();
    assert!(!answer.starts_with(b"HTTP/1.1 200"));
}
