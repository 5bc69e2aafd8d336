//! The real Dovecot does what the tests count on.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;

use testkit::Dovecot;

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
