//! Signing by the daemon: the key's record decides, and the `dkim` verbs say so.

use crate::run::{binary, run};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::time::Duration;
use testkit::{Daemon, Dns, Sink, until};

const PATIENCE: Duration = Duration::from_secs(60);

/// A key made by `dkim keygen`, and the record it printed.
fn keygen(folder: &Path, selector: &str) -> (PathBuf, Value) {
    let file = folder.join(format!("{selector}.pem"));
    let path = file.to_str().unwrap();
    let flags = ["dkim", "keygen", "--kind", "ed25519", "--domain", "example.com", "--selector", selector];
    let made = run(&[&flags[..], &["--out", path, "--json"]].concat(), "");
    assert_eq!((made.code, made.err.as_str()), (Some(0), ""), "{made:?}");
    assert!(std::fs::read_to_string(&file).unwrap().contains("PRIVATE KEY"));
    let again = run(&[&flags[..], &["--out", path]].concat(), "");
    assert!(
        again.code == Some(73) && again.err.contains("cannot be created"),
        "a key is never replaced: {again:?}"
    );
    (file, serde_json::from_str(&made.out).unwrap())
}

fn section(name: &str, selector: &str, file: &Path, more: &str) -> String {
    format!(
        "[postrider.dkim{name}]\nDOMAIN = example.com\nSELECTOR = {selector}\nKEY_FILE = {}\n{more}\n",
        file.display()
    )
}

fn send(daemon: &Daemon) -> String {
    daemon.api.send(&json!({"from": "a@example.com", "to": "b@example.org", "subject": "x", "text": "y"}))
}

fn arrived(sink: &Sink, nth: usize) -> Vec<u8> {
    until("the mail", PATIENCE, || sink.mails().get(nth).map(|mail| mail.bytes.clone()))
}

/// What `dkim verify --message` says of a mail.
fn verify(daemon: &Daemon, mail: &[u8]) -> (Option<i32>, String) {
    let path = daemon.config().with_file_name("arrived.eml");
    std::fs::write(&path, mail).unwrap();
    let config = daemon.config();
    let flags = ["--message", path.to_str().unwrap(), "--config", config.to_str().unwrap()];
    let ended = run(&[&["dkim", "verify"], &flags[..]].concat(), "");
    (ended.code, ended.out + &ended.err)
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_is_signed_once_the_record_is_there_and_a_new_key_signs_after_a_reload() {
    let (dns, sink, keys) = (Dns::start(), Sink::tcp(0, true).await.unwrap(), tempfile::tempdir().unwrap());
    let (file, record) = keygen(keys.path(), "s1");
    let relay = format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {}", sink.port());
    let resolver = format!("RESOLVER = {}", dns.address);
    let daemon = Daemon::start(binary(), &relay, &section("", "s1", &file, &resolver));
    let config = daemon.config().to_str().unwrap().to_owned();
    let told = run(&["dkim", "record", "--config", &config], "");
    assert_eq!(told.out.trim_end(), record["zone"].as_str().unwrap());

    // The record is not there yet: an unverifiable signature would be worse than none.
    send(&daemon);
    let mail = arrived(&sink, 0);
    assert!(!String::from_utf8_lossy(&mail).contains("DKIM-Signature"));
    assert!(daemon.log().contains("s1._domainkey.example.com has no TXT record"), "{}", daemon.log());
    let (code, said) = verify(&daemon, &mail);
    assert!(code == Some(65) && said.contains("bears no DKIM signature"), "{said}");
    let told = run(&["dkim", "verify", "--config", &config], "");
    assert!(told.code == Some(78) && told.err.contains("has no TXT record"), "{told:?}");

    dns.set(record["name"].as_str().unwrap(), &[record["text"].as_str().unwrap()]);
    let told = run(&["dkim", "verify", "--config", &config, "--json"], "");
    assert_eq!(
        (told.code, serde_json::from_str::<Value>(&told.out).unwrap()["record"].as_str()),
        (Some(0), Some("good"))
    );
    let reload = || assert_eq!(run(&["reload", "--config", &config], "").code, Some(0));
    reload();
    send(&daemon);
    let mail = arrived(&sink, 1);
    let (code, said) = verify(&daemon, &mail);
    assert!(code == Some(0) && said.contains("s1._domainkey.example.com  good (ed25519-sha256)"), "{said}");
    let changed = String::from_utf8(mail).unwrap().replace("Subject: x", "Subject: z");
    let (code, said) = verify(&daemon, changed.as_bytes());
    assert!(code == Some(65) && said.contains("a signed field was changed or added"), "{said}");

    let (file, record) = keygen(keys.path(), "s2");
    dns.set(record["name"].as_str().unwrap(), &[record["text"].as_str().unwrap()]);
    let text = std::fs::read_to_string(&config).unwrap();
    let rest = text.split("[postrider.dkim]").next().unwrap();
    std::fs::write(&config, format!("{rest}{}", section("", "s2", &file, &resolver))).unwrap();
    reload();
    send(&daemon);
    let (code, said) = verify(&daemon, &arrived(&sink, 2));
    assert!(code == Some(0) && said.contains("s2._domainkey"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b7_130_mail_that_must_be_signed_waits_and_says_why() {
    let (dns, sink, keys) = (Dns::start(), Sink::tcp(0, true).await.unwrap(), tempfile::tempdir().unwrap());
    let (file, _) = keygen(keys.path(), "s1");
    let relay = format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {}", sink.port());
    let more = format!("REQUIRED = true\nRESOLVER = {}", dns.address);
    let daemon = Daemon::start(binary(), &relay, &section("", "s1", &file, &more));
    let ids: Vec<String> = (0..20).map(|_| send(&daemon)).collect();
    let other = daemon.api.send(&json!({"from": "a@other.example", "to": "b@example.org", "text": "y"}));
    let sent = until("the other mail", PATIENCE, || {
        let email = daemon.api.email(&other);
        (email["status"] == "sent").then_some(email)
    });
    assert_eq!(sent["status"], "sent");
    let waits = until("the mail to wait", PATIENCE, || {
        let email = daemon.api.email(&ids[19]);
        (email["status"] == "deferred").then_some(email)
    });
    assert!(waits.to_string().contains("mail of example.com must be signed"), "{waits}");
    assert_eq!(sink.count(), 1);
    // It is no fault of the relay's.
    let relays = daemon.api.get("/relays").unwrap().json;
    assert!(relays.to_string().contains("\"trouble\":null"), "{relays}");
}
