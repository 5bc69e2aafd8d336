//! Python's smtplib as a client that we did not write.

use super::*;

const BEFORE: &str = "
import smtplib, ssl, sys, base64
port, key = int(sys.argv[1]), sys.argv[2]
s = smtplib.SMTP('127.0.0.1', port, timeout=30)
def tls():
    c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
    assert s.starttls(context=c)[0] == 220
    s.ehlo()
    assert s.has_extn('auth') and not s.has_extn('starttls'), s.esmtp_features
def only(mechanism):
    s.esmtp_features['auth'] = mechanism
";

/// Runs a script; its exit code and what it complains of are the result.
async fn python(script: &str, settings: SubmissionSettings) -> Arc<House> {
    let door = open(House::new(), settings).await;
    let (port, script) = (door.at.port().to_string(), format!("{BEFORE}{script}"));
    let mut child = tokio::process::Command::new("python3");
    child.args(["-c", &script, &port, &door.house.key]).kill_on_drop(true);
    let ended = child.output().await.expect("python3 is there");
    assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    door.stop.send(true).unwrap();
    door.task.await.unwrap();
    door.house
}

fn strict() -> SubmissionSettings {
    SubmissionSettings { allow_local: false, ..with_tls() }
}

#[tokio::test]
async fn a_plain_mail() {
    let house = python(
        "
r = s.sendmail('a@b.c', ['d@e.f', 'g@h.i'], 'Subject: x\\r\\n\\r\\n.dot\\r\\n..two\\r\\n')
assert r == {}, r
s.sendmail('a@b.c', ['d@e.f'], 'Subject: again\\r\\n\\r\\ny\\r\\n')
s.quit()
",
        settings(),
    )
    .await;
    assert_eq!(house.bodies(), ["Subject: x\r\n\r\n.dot\r\n..two\r\n", "Subject: again\r\n\r\ny\r\n"]);
    let taken = house.taken.lock().unwrap();
    let to: Vec<_> = taken[0].1.envelope.to.iter().map(|r| r.address.as_str()).collect();
    assert_eq!((taken[0].1.envelope.from.as_str(), to), ("a@b.c", vec!["d@e.f", "g@h.i"]));
}

#[tokio::test]
async fn a_login_over_starttls() {
    for mechanism in ["PLAIN", "LOGIN"] {
        let script = format!(
            "
tls()
only('{mechanism}')
try:
    s.mail('a@b.c'); assert s.rcpt('d@e.f')[0] == 503; s.rset()
    s.login('tim', 'wrong'); assert False
except smtplib.SMTPAuthenticationError as e:
    assert e.smtp_code == 535
s.login('tim', key)
s.sendmail('a@b.c', ['d@e.f'], 'Subject: x\\r\\n\\r\\ny\\r\\n')
s.quit()
"
        );
        let house = python(&script, strict()).await;
        assert_eq!(house.bodies(), ["Subject: x\r\n\r\ny\r\n"]);
        let taken = house.taken.lock().unwrap();
        assert!(taken[0].0.key_id.is_some());
        assert!(taken[0].1.received.as_ref().unwrap().with == "with ESMTPSA", "{:?}", taken[0].1.received);
    }
}

#[tokio::test]
async fn eight_bit_and_unicode() {
    let house = python(
        "
s.ehlo()
s.sendmail('a@b.c', ['d@e.f'], b'Subject: x\\r\\n\\r\\n\\xc3\\xa4\\xff\\r\\n', mail_options=['BODY=8BITMIME'])
s.sendmail('j\\u00fcrgen@b.c', ['d@e.f'], b'Subject: x\\r\\n\\r\\ny\\r\\n', mail_options=['SMTPUTF8'])
s.quit()
",
        settings(),
    )
    .await;
    let taken = house.taken.lock().unwrap();
    assert_eq!(&*taken[0].1.raw, b"Subject: x\r\n\r\n\xc3\xa4\xff\r\n");
    assert_eq!(taken[1].1.envelope.from.as_str(), "jürgen@b.c");
    assert_eq!(taken[1].1.received.as_ref().unwrap().with, "with UTF8SMTP");
}

#[tokio::test]
async fn a_big_mail_and_one_too_big() {
    let house = python(
        "
line = b'.' + b'x' * 75 + b'\\r\\n'
s.sendmail('a@b.c', ['d@e.f'], b'Subject: x\\r\\n\\r\\n' + line * 60000)
try:
    s.sendmail('a@b.c', ['d@e.f'], line * 70000); assert False
except smtplib.SMTPSenderRefused as e:
    assert e.smtp_code == 552
s.mail('a@b.c'); s.rcpt('d@e.f')
assert s.data(line * 70000)[0] == 552
assert s.noop()[0] == 250
s.quit()
",
        SubmissionSettings { max_size: 5_000_000, ..with_tls() },
    )
    .await;
    let bodies = house.bodies();
    let line = format!(".{}\r\n", "x".repeat(75));
    assert_eq!(bodies, [format!("Subject: x\r\n\r\n{}", line.repeat(60_000))]);
    assert_eq!(house.budget.held(), 0);
}
