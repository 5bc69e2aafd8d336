//! The real Postfix is reachable by each of its doors, with Python as the client.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use testkit::{NullClient, Postfix};

const CLIENT: &str = r#"
import smtplib, socket, ssl, sys
door, place, user, password, ca = sys.argv[1:]
trust = ssl.create_default_context(cafile=ca)
class Unix(smtplib.SMTP):
    def _get_socket(self, host, port, timeout):
        s = socket.socket(socket.AF_UNIX); s.connect(place); return s
if door == "smtps":
    c = smtplib.SMTP_SSL("127.0.0.1", int(place), context=trust)
elif door == "unix":
    c = Unix("localhost", 1)
else:
    c = smtplib.SMTP("127.0.0.1", int(place))
if door == "submission":
    c.starttls(context=trust)
if door in ("smtps", "submission"):
    c.login(user.split('@')[0], password)
c.sendmail("a@example.com", [door + "@example.org"], b"Subject: x\r\n\r\n.dot\r\nby " + door.encode() + b"\r\n")
c.quit()
"#;

#[test]
fn each_door_delivers_the_bytes() {
    let postfix = Postfix::start();
    let doors = [
        ("smtp", postfix.smtp_port().to_string()),
        ("smtps", postfix.smtps_port().to_string()),
        ("submission", postfix.submission_port().to_string()),
        ("unix", postfix.socket().display().to_string()),
    ];
    for (door, place) in doors {
        let mut client = Command::new("python3");
        client.args(["-c", CLIENT, door, &place, Postfix::USER, Postfix::PASSWORD]);
        let output = client.arg(postfix.certificate()).output().expect("python3");
        assert!(output.status.success(), "{door}: {}", String::from_utf8_lossy(&output.stderr));
        let mail = postfix.mail_to(&format!("{door}@example.org"));
        assert_eq!(mail.from, "a@example.com");
        assert_eq!(String::from_utf8_lossy(&mail.bytes), format!("Subject: x\r\n\r\n.dot\r\nby {door}\r\n"));
    }
}

#[test]
fn a_null_client_starts_again_over_what_a_kill_left_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let mut client = NullClient::new(folder.path(), 1);
    client.start();
    client.kill();
    // A file whose writer was killed before it got its name: postsuper tells of it.
    let left = folder.path().join("queue/incoming/124487.24681");
    std::fs::write(&left, "").expect("a writable folder");
    std::fs::set_permissions(&left, Permissions::from_mode(0o600)).expect("our file");
    std::os::unix::fs::chown(&left, Some(12_501), Some(12_501)).expect("root");
    client.start();
}
