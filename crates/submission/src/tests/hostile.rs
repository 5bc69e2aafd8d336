//! Clients that break off in TLS, and messages made to hurt whoever reads them.

use super::mailer::real;
use super::*;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use tokio::io::AsyncReadExt;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// A client in TLS by STARTTLS, one recipient named.
async fn in_tls(at: SocketAddr, certificate: &Certificate) -> TlsStream<TcpStream> {
    let mut clear = BufReader::new(TcpStream::connect(at).await.unwrap());
    for line in ["", "EHLO c\r\n", "STARTTLS\r\n"] {
        clear.write_all(line.as_bytes()).await.unwrap();
        let mut reply = String::from("250-");
        while reply.as_bytes()[3] == b'-' {
            reply.clear();
            clear.read_line(&mut reply).await.unwrap();
        }
    }
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(certificate.pem.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("localhost").unwrap();
    TlsConnector::from(Arc::new(config)).connect(name, clear.into_inner()).await.unwrap()
}

#[tokio::test]
async fn b6_96_what_follows_the_end_of_tls_in_clear_is_not_read() {
    for (begin, rest) in [
        ("DATA\r\n", "Subject: x\r\n\r\nhalf"),
        ("BDAT 20 LAST\r\n", "Subject: x\r\n\r\n"),
        ("BDAT 4\r\n", "A: b"),
    ] {
        let certificate = Certificate::new();
        let tls = Some(certificate.acceptor().config().clone());
        let door = open(House::new(), SubmissionSettings { tls, ..settings() }).await;
        let mut client = in_tls(door.at, &certificate).await;
        let opening = format!("EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\n{begin}");
        client.write_all(opening.as_bytes()).await.unwrap();
        client.write_all(rest.as_bytes()).await.unwrap();
        client.flush().await.unwrap();
        let (socket, session) = client.get_mut();
        session.send_close_notify();
        let mut end = Vec::new();
        session.write_tls(&mut end).unwrap();
        end.extend_from_slice(b"ab\r\n.\r\nMAIL FROM:<evil@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nevil\r\n.\r\n");
        socket.write_all(&end).await.unwrap();
        let mut heard = Vec::new();
        // An end without ours of TLS is an end as well.
        drop(client.read_to_end(&mut heard).await);
        assert!(!String::from_utf8_lossy(&heard).contains("queued"), "{begin}");
        door.stop.send(true).unwrap();
        drop(client);
        door.task.await.unwrap();
        assert!(door.house.bodies().is_empty(), "{begin}");
    }
}

#[tokio::test]
async fn b6_112_headers_and_parts_without_end_are_refused_or_taken_in_linear_time() {
    let door = real().await;
    let from = "From: a@b.c\r\nSubject: s\r\n";
    let lines = |line: &str, count: usize| line.repeat(count);
    let kind = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n";
    let part = "--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\u{e4}\r\n";
    let deep = |levels: usize| {
        let level =
            |n: usize| format!("--b{n}\r\nContent-Type: multipart/mixed; boundary=b{}\r\n\r\n", n + 1);
        let inner: String = (0..levels).map(level).collect();
        format!(
            "{from}MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b0\r\n\r\n{inner}\u{e4}\r\n"
        )
    };
    let folded = format!("X: y\r\n{}", lines(&format!(" {}\r\n", "x".repeat(98)), 2_000));
    for (name, message, want) in [
        ("one field of 200 KB", format!("{from}{folded}\r\nx"), "554 5.6.0"),
        ("1,900 fields", format!("{from}{}\r\nx", lines("X: y\r\n", 1_900)), "250 2.0.0"),
        ("10,000 fields", format!("{from}{}\r\nx", lines("X: y\r\n", 10_000)), "554 5.6.0"),
        ("no blank line", from.to_owned(), "250 2.0.0"),
        ("a line that is no field", format!("{from}x\r\n\r\ny"), "554 5.6.0"),
        ("a leading continuation", format!(" x\r\n{from}\r\ny"), "554 5.6.0"),
        ("parts in parts", deep(100), "250 2.0.0"),
        ("parts in parts in parts", deep(20_000), "250 2.0.0"),
        ("100,000 parts", format!("{from}{kind}\r\n{}--b--\r\n", lines(part, 100_000)), "250 2.0.0"),
        (
            "100,000 parts unended",
            format!("{from}{kind}\r\n{}", lines("--b\r\n\r\n\u{e4}", 100_000)),
            "250 2.0.0",
        ),
    ] {
        let mut client = Client::over(TcpStream::connect(door.at).await.unwrap());
        client.check(&OPENING).await;
        client.check(&[("DATA", "354")]).await;
        client.say(&format!("{message}\r\n.\r\n")).await;
        let reply = client.hear().await;
        assert!(reply.starts_with(want), "{name}: {reply}");
    }
}
