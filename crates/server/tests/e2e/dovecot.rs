//! Delivery to the real Dovecot by LMTP: an answer for each recipient. First that it does what the tests count on.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use serde_json::json;
use testkit::{Daemon, Dovecot};

use crate::{SECTIONS, binary, raw, until_status};

/// One LMTP transaction in one write; the answers to the recipients and to the text for each of them.
fn lmtp(stream: impl std::io::Read + Write, to: &[&str]) -> Vec<String> {
    let mut line = BufReader::new(stream);
    let mut say = String::from("LHLO x\r\nMAIL FROM:<a@example.com>\r\n");
    for name in to {
        say.push_str(&format!("RCPT TO:<{name}@example.net>\r\n"));
    }
    say.push_str("DATA\r\nSubject: x\r\n\r\n..dot\r\n.\r\nQUIT\r\n");
    line.get_mut().write_all(say.as_bytes()).unwrap();
    let answers = line.lines().map(Result::unwrap).filter(|line| line.as_bytes()[3] == b' ');
    answers.map(|line| line.split(' ').take(2).collect::<Vec<_>>().join(" ")).collect()
}

#[test]
fn lmtp_answers_for_each_recipient_over_tcp_and_the_socket() {
    let dovecot = Dovecot::start();
    let over_tcp = TcpStream::connect(("127.0.0.1", dovecot.lmtp_port())).unwrap();
    let expected = "220 mx.example.net|250 STARTTLS|250 2.1.0|250 2.1.5|250 2.1.5|550 5.1.1|354 OK|250 2.0.0|552 5.2.2|221 2.0.0";
    assert_eq!(lmtp(over_tcp, &["ada", "full", "nobody"]).join("|"), expected);
    assert_eq!(dovecot.mail_to("ada").bytes, b"Subject: x\r\n\r\n.dot\r\n");
    assert_eq!(dovecot.mail_to("ada").from, "a@example.com");
    let over_unix = UnixStream::connect(dovecot.lmtp_socket()).unwrap();
    assert!(lmtp(over_unix, &["r199"]).contains(&"250 2.0.0".to_owned()));
    dovecot.mail_to("r199");
    assert!(dovecot.mailbox("full").is_empty());
}

#[test]
fn b5_88_a_full_mailbox_fails_its_recipient_alone_over_tcp_and_the_socket() {
    let dovecot = Dovecot::start();
    let urls = [
        format!("lmtp://127.0.0.1:{}", dovecot.lmtp_port()),
        format!("lmtp+unix://{}", dovecot.lmtp_socket().display()),
    ];
    for (url, name) in urls.iter().zip(["ada", "bob"]) {
        let daemon = Daemon::start(binary(), "", &format!("[postrider.relay]\nURL = {url}\n{SECTIONS}"));
        let to = [format!("{name}@example.net"), "full@example.net".into(), "nobody@example.net".into()];
        let id = daemon
            .api
            .send(&json!({"from": "a@example.com", "to": to, "subject": "Grüße", "text": ".\n.x\n"}));
        let email = until_status(&daemon, &id, &["partial"]);
        let shown = |n: usize| email["recipients"][n].to_string();
        assert!(shown(0).contains("sent") && shown(0).contains("250"), "{url}: {email:#}");
        assert!(shown(1).contains("failed") && shown(1).contains("552"), "{url}: {email:#}");
        assert!(shown(2).contains("failed") && shown(2).contains("550"), "{url}: {email:#}");
        let (remote_id, log) = (email["remote_id"].as_str().unwrap_or_default(), dovecot.log());
        assert!(
            !remote_id.is_empty() && log.contains(&format!("<{remote_id}>")),
            "{remote_id:?} is not in {log}"
        );
        let stored = dovecot.mail_to(name);
        assert_eq!(String::from_utf8_lossy(&stored.bytes), String::from_utf8_lossy(&raw(&daemon, &id)));
        assert_eq!(stored.from, "a@example.com");
        assert!(dovecot.mailbox("full").is_empty());
    }
}
