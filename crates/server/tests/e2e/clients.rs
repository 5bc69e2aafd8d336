//! Stock clients against our SMTP door; their mail goes through to the relay byte by byte.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use testkit::{Daemon, Sink, peers};

use crate::{daemon, raw, until_status};

const MAIL: &str = "From: a@example.com\r\nTo: ada@example.org\r\nSubject: Stock\r\n\
                    Date: Thu, 01 Jan 2026 00:00:00 +0000\r\nMessage-ID: <1@example.com>\r\n\r\n.dot\r\nText\r\n";

const PYTHON: &str = "
import smtplib, sys
port, user, key, file = sys.argv[1:]
with smtplib.SMTP('127.0.0.1', int(port)) as c:
    c.login(user, key)
    c.sendmail('a@example.com', ['ada@example.org'], open(file, 'rb').read())
";

/// Runs a client that sends `MAIL`; the relay and the API must show it.
async fn check(client: impl FnOnce(&Daemon, &Path) -> Command) {
    let sink = Sink::tcp(0, true).await.unwrap();
    let daemon = daemon(sink.port());
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("mail.eml");
    std::fs::write(&file, MAIL).unwrap();
    let mut client = client(&daemon, &file);
    let mut child =
        client.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // a client that reads no standard input may be gone before it is written
    let _unread = child.stdin.take().unwrap().write_all(MAIL.replace("\r\n", "\n").as_bytes()).is_err();
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{}{}", text(&output.stdout), text(&output.stderr));
    let latest = daemon.api.get("/emails/latest?to=ada@example.org&wait=10s").unwrap();
    let id = latest.json["id"].as_str().expect("an id");
    until_status(&daemon, id, &["sent"]);
    let mails = sink.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (mails[0].from.as_str(), mails[0].to.as_slice()),
        ("a@example.com", &["ada@example.org".to_owned()][..])
    );
    let bytes = text(&mails[0].bytes);
    assert_eq!(bytes, text(&raw(&daemon, id)));
    let (header, body) = bytes.split_once("\r\n\r\n").expect("header and body");
    // swaks ends its data with an empty line of its own before the final dot
    let sent = body.strip_suffix("\r\n\r\n").map_or(body.to_owned(), |b| format!("{b}\r\n"));
    assert_eq!(sent, ".dot\r\nText\r\n");
    assert!(header.contains("Subject: Stock"), "{header}");
}

fn unpacked(path: &str) -> PathBuf {
    peers().join(path)
}

#[tokio::test(flavor = "multi_thread")]
async fn python_smtplib() {
    check(|daemon, file| {
        let mut python = Command::new("python3");
        python.args(["-c", PYTHON, &daemon.smtp_port.to_string(), &daemon.user, &daemon.api.key]).arg(file);
        python
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn swaks() {
    check(|daemon, file| {
        let mut swaks = Command::new("perl");
        swaks.arg(unpacked("swaks/usr/bin/swaks")).args(["--server", "127.0.0.1", "--port"]);
        swaks.arg(daemon.smtp_port.to_string()).args(["--from", "a@example.com", "--to", "ada@example.org"]);
        swaks.args(["--auth", "PLAIN", "--auth-user", &daemon.user, "--auth-password", &daemon.api.key]);
        swaks.arg("--data").arg(format!("@{}", file.display()));
        swaks
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn swaks_without_login_from_loopback() {
    check(|daemon, file| {
        let mut swaks = Command::new("perl");
        swaks.arg(unpacked("swaks/usr/bin/swaks")).args(["--server", "127.0.0.1", "--port"]);
        swaks.arg(daemon.smtp_port.to_string()).args(["--from", "a@example.com", "--to", "ada@example.org"]);
        swaks.arg("--data").arg(format!("@{}", file.display()));
        swaks
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn msmtp() {
    check(|daemon, _| {
        let mut msmtp = Command::new(unpacked("msmtp/usr/bin/msmtp"));
        msmtp.args(["--host=127.0.0.1", &format!("--port={}", daemon.smtp_port), "--from=a@example.com"]);
        msmtp.args(["--auth=plain", "--tls=off", "ada@example.org"]).arg(format!("--user={}", daemon.user));
        msmtp.arg(format!("--passwordeval=echo {}", daemon.api.key));
        msmtp
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn curl() {
    check(|daemon, file| {
        let mut curl = Command::new("curl");
        curl.args(["-sS", &format!("smtp://127.0.0.1:{}", daemon.smtp_port), "--mail-from", "a@example.com"]);
        curl.args([
            "--mail-rcpt",
            "ada@example.org",
            "--user",
            &format!("{}:{}", daemon.user, daemon.api.key),
        ]);
        curl.arg("--upload-file").arg(file);
        curl
    })
    .await;
}
