//! Relays as the settings name them: each kind of URL at work, and the next by priority when the first
//! is away.

use crate::run::binary;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Daemon, Script, Sink, free_port, until};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixListener;

const PATIENCE: Duration = Duration::from_secs(30);

/// Sends one mail; what the API tells of it once it is sent.
fn sent(daemon: &Daemon) -> Value {
    let mail = json!({"to": "ada@example.org", "subject": "x", "text": "y"});
    let id = daemon.api.send(&mail);
    until("the mail to be sent", PATIENCE, || {
        let email = daemon.api.email(&id);
        (email["status"] == "sent").then_some(email)
    })
}

const LMTP: &str = "S: 220 lmtp\nC: LHLO\nS: 250 lmtp\nC: MAIL FROM:\nS: 250 Ok\nC: RCPT TO:<ada@example.org>$\n\
                    S: 250 Ok\nC: DATA\nS: 354 go\nC: .\nS: 250 2.0.0 kept for ada";

#[tokio::test(flavor = "multi_thread")]
async fn lmtp_over_tcp() {
    let script = Script::listen(LMTP).await.expect("a server");
    let relay = format!("[postrider.relay]\nURL = lmtp://127.0.0.1:{}", script.port());
    let daemon = Daemon::start(binary(), "", &relay);
    let email = sent(&daemon);
    assert!(email.to_string().contains("kept for ada"), "{email}");
    assert_eq!(script.outcomes().first(), Some(&Ok(())));
}

#[tokio::test(flavor = "multi_thread")]
async fn lmtp_over_a_socket() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("lmtp.sock");
    let listener = UnixListener::bind(&path).expect("a socket");
    let server = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a client");
        let mut stream = BufReader::new(stream);
        stream.write_all(b"220 lmtp\r\n").await.expect("said");
        let (mut first, mut line) = (String::new(), String::new());
        while stream.read_line(&mut line).await.is_ok_and(|n| n > 0) {
            let reply = match line.as_str() {
                "DATA\r\n" => "354 go\r\n",
                ".\r\n" => "250 kept\r\n",
                command
                    if ["LHLO", "MAIL", "RCPT", "RSET", "QUIT"]
                        .iter()
                        .any(|verb| command.starts_with(verb)) =>
                {
                    "250 Ok\r\n"
                }
                _ => "",
            };
            first = if first.is_empty() { line.clone() } else { first };
            stream.write_all(reply.as_bytes()).await.expect("said");
            if line == ".\r\n" {
                break;
            }
            line.clear();
        }
        first
    });
    let relay = format!("[postrider.relay]\nURL = lmtp+unix://{}", path.display());
    let daemon = Daemon::start(binary(), "", &relay);
    sent(&daemon);
    let first = server.await.expect("the server");
    assert!(first.starts_with("LHLO "), "{first}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_relay_by_priority_takes_what_the_first_cannot() {
    let sink = Sink::tcp(0, true).await.expect("a relay");
    let (away, port) = (free_port(), sink.port());
    let relays = format!(
        "[postrider.relay.spare]\nURL = smtp://127.0.0.1:{port}\nPRIORITY = 20\nRATE = 1000/s\n\
         [postrider.relay]\nURL = smtp://127.0.0.1:{away}\nPRIORITY = 5\n"
    );
    let daemon = Daemon::start(binary(), "", &relays);
    let email = sent(&daemon);
    assert_eq!(sink.count(), 1);
    assert!(email["attempts"].to_string().contains("spare"), "{email}");
}
