//! What cannot work: the message and the exit code.

use crate::run::{Dev, run, settings};
use std::net::TcpListener;

/// Runs it; stderr is one readable block that holds all of `said`.
#[track_caller]
fn check(arguments: &[&str], stdin: &str, code: i32, said: &[&str]) {
    let ended = run(arguments, stdin);
    assert_eq!(ended.code, Some(code), "{arguments:?}: {}", ended.err);
    for text in said {
        assert!(ended.err.contains(text), "{arguments:?} lacks {text:?}: {}", ended.err);
    }
    assert!(!ended.err.contains("panicked") && !ended.err.contains("\u{1b}["), "{}", ended.err);
}

#[test]
fn flags() {
    check(&["frob"], "", 64, &["frob"]);
    check(&["send", "--text", "-"], "", 64, &["--to"]);
    check(&["send", "--to", "a@b.example"], "", 64, &["--text", "--html"]);
    check(&["send", "--to", "a@b.example", "--text", "-", "--html", "-"], "", 64, &["stdin"]);
    check(&["send", "--to", "a@b.example", "--text", "-", "--header", "X"], "", 64, &["colon"]);
    check(&["send", "--to", "a@b.example", "--text", "/no/file"], "", 74, &["--text /no/file"]);
    check(&["send", "--to", "a@b.example", "--html", "/no/file"], "", 74, &["--html /no/file"]);
    let attach = ["send", "--to", "a@b.example", "--text", "-", "--attach", "/no/file"];
    check(&attach, "x", 74, &["--attach /no/file"]);
    check(&["dev", "--http", "eighty"], "", 64, &["--http", "127.0.0.1:8025"]);
    check(&["dev", "--relay", "lmtp://x:y"], "", 64, &["--relay", "not a port"]);
    check(&["--log", "a=b=c", "compose"], "", 64, &["--log"]);
}

#[test]
fn messages() {
    let compose = |json: &str, said: &[&str]| {
        let (_folder, path) =
            settings("app.ini", "[mailer]\nENABLED = true\nPROTOCOL = dummy\nFROM = a@b.example\n");
        check(&["compose", "--config", &path], json, 65, said);
    };
    compose(r#"{"subject": "x", "text": "y"}"#, &["to"]);
    compose(
        r#"{"to": "a@b.example", "text": "y", "headers": {"X-A": "b\r\nBcc: c@d.example"}}"#,
        &["headers.X-A"],
    );
    compose(r#"{"to": "a@b.example", "subject": "x\r\nBcc: c@d.example", "text": "y"}"#, &["subject"]);
    compose(r#"{"to": "a b", "cc": "@", "text": "y"}"#, &["to", "cc"]);
    compose("{", &["postrider: "]);
}

#[test]
fn messages_through_the_daemon() {
    let dev = Dev::start();
    let data = dev.data.to_str().expect("UTF-8");
    let send = |flags: &[&str], said: &str| {
        check(&[&["send", "--data", data, "--text", "-"], flags].concat(), "x", 65, &[said]);
    };
    send(&["--to", "nobody"], "to");
    send(&["--to", "a@b.example", "--subject", "x\r\nBcc: c@d.example"], "subject");
    send(&["--to", "a@b.example", "--header", "X-A: b\nBcc: c@d.example"], "headers.X-A");
    let list = dev.api.get("/emails").expect("an answer").json;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(0));
}

#[test]
fn settings_files() {
    let refused = |text: &str, said: &[&str]| {
        let (_folder, path) = settings("app.ini", text);
        for verb in [&["serve"][..], &["config", "check"], &["config", "show"]] {
            check(&[verb, &["--config", &path]].concat(), "", 78, said);
        }
    };
    let on = "[mailer]\nENABLED = true\nFROM = a@b.example\n";
    refused("[mailer]\nENABLED = false\n", &["app.ini:2: [mailer] ENABLED: mail is switched off"]);
    refused(
        &format!("{on}PROTOCOL = dummy\n[postrider.http]\nLISTN = x\n[postrider]\nMEMORY = lots\n"),
        &["app.ini:6: [postrider.http] LISTN", "did you mean LISTEN?", "app.ini:8: [postrider] MEMORY"],
    );
    refused(
        &format!(
            "{on}SMTP_ADDR = m\nSMTP_PORT = 465\nUSE_CLIENT_CERT = true\nCLIENT_CERT_FILE = no.pem\nCLIENT_KEY_FILE = no.key\n"
        ),
        &["app.ini:7: [mailer] CLIENT_CERT_FILE", "no.pem", "app.ini:8: [mailer] CLIENT_KEY_FILE", "no.key"],
    );
    refused(
        &format!("{on}PROTOCOL = sendmail\nSENDMAIL_PATH = /no/such/program\n"),
        &["app.ini:5: [mailer] SENDMAIL_PATH", "/no/such/program"],
    );
    refused(
        "[postrider.relay]\nURL = smtp://127.0.0.1:2525\n[postrider.smtp]\nLISTEN = 127.0.0.1:2525\n",
        &["[postrider.relay] URL", "[postrider.smtp] LISTEN"],
    );
    check(&["serve", "--config", "/nonexistent.ini"], "", 78, &["/nonexistent.ini"]);
}

#[test]
fn ports_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    check(&["dev", "--http", &address, "--smtp", "127.0.0.1:0"], "", 69, &["--http", &address]);
    check(&["dev", "--smtp", &address, "--http", "127.0.0.1:0"], "", 69, &["--smtp", &address]);
    let (_folder, path) = settings(
        "postrider.toml",
        &format!("[postrider.relay]\nURL = \"dummy://\"\n[postrider.http]\nLISTEN = \"{address}\"\n"),
    );
    check(&["serve", "--config", &path], "", 69, &["[postrider.http] LISTEN", &address]);
}

#[test]
fn folders_that_cannot_be_used() {
    let (_folder, file) = settings("file", "");
    let inside = format!("{file}/data");
    check(&["dev", "--data", &inside, "--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0"], "", 73, &[&inside]);
    check(&["key", "list", "--data", &inside], "", 73, &[&inside]);
}

#[test]
fn a_folder_that_another_process_has() {
    let dev = Dev::start();
    let data = dev.data.to_str().expect("UTF-8");
    check(&["dev", "--data", data, "--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0"], "", 69, &[data]);
}

#[test]
fn no_daemon() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("UTF-8");
    let flags = ["send", "--data", data, "--to", "a@b.example", "--text", "-"];
    check(&flags, "x", 69, &["no daemon", data, "--config"]);
}
