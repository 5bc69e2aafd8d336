//! `check` on the real Postfix and the real Dovecot.

use std::process::Output;

use serde_json::Value;
use testkit::{Daemon, Dovecot, Postfix};

use crate::{SECTIONS, binary};

/// The report of `check` with these flags.
fn check(daemon: &Daemon, flags: &[&str], exit: i32) -> Value {
    let words: Vec<&str> = ["check", "--json"].into_iter().chain(flags.iter().copied()).collect();
    let Output { status, stdout, stderr } = daemon.verb(&words).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert_eq!(status.code(), Some(exit), "{} {}", text(&stdout), text(&stderr));
    assert!(!text(&stdout).contains(Postfix::PASSWORD), "{}", text(&stdout));
    serde_json::from_slice(&stdout).unwrap()
}

fn codes(report: &Value) -> Vec<&str> {
    let findings = report["relays"][0]["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap()).collect()
}

#[test]
fn postfix_is_examined_pinned_and_gets_the_test_mail() {
    let postfix = Postfix::start();
    let mailer = |password: &str, port: u16| {
        format!(
            "PROTOCOL = smtps\nSMTP_ADDR = localhost\nSMTP_PORT = {port}\nUSER = user\nPASSWD = `{password}`"
        )
    };
    let forced = format!("[postrider.relay]\nFORCE_TRUST_SERVER_CERT = true\n{SECTIONS}");
    let daemon = Daemon::start(binary(), &mailer(Postfix::PASSWORD, postfix.smtps_port()), &forced);
    let report = check(&daemon, &[], 0);
    assert_eq!(codes(&report), ["any_certificate"], "{report:#}");
    let pin = report["relays"][0]["tls"]["certificate"]["sha256"].as_str().unwrap();

    let pinned = format!("[postrider.relay]\nFINGERPRINT = {pin}\n{SECTIONS}");
    let daemon = Daemon::start(binary(), &mailer(Postfix::PASSWORD, postfix.smtps_port()), &pinned);
    let report = check(&daemon, &["--to", "ada@example.org"], 0);
    assert_eq!((codes(&report), report["mail"]["status"].as_str()), (vec![], Some("sent")), "{report:#}");
    assert!(report["mail"].to_string().contains("queued as"), "{report:#}");
    assert!(postfix.mail_to("ada@example.org").received.contains("ESMTPSA"));

    let daemon = Daemon::start(binary(), &mailer("wrong", postfix.smtps_port()), &pinned);
    assert_eq!(codes(&check(&daemon, &[], 77)), ["auth_refused"]);
    let daemon = Daemon::start(binary(), &mailer("wrong", postfix.submission_port()), &pinned);
    assert_eq!(codes(&check(&daemon, &[], 78)), ["plain_port"]);
}

#[test]
fn lmtp_and_smtp_are_told_apart() {
    let (postfix, dovecot) = (Postfix::start(), Dovecot::start());
    for (url, exit, expected) in [
        (format!("lmtp://127.0.0.1:{}", dovecot.lmtp_port()), 0, ["smtputf8", "dsn"].as_slice()),
        (format!("lmtp+unix://{}", dovecot.lmtp_socket().display()), 0, &["smtputf8", "dsn"]),
        (format!("lmtp://127.0.0.1:{}", postfix.smtp_port()), 78, &["not_lmtp"]),
        (format!("smtp://127.0.0.1:{}", dovecot.lmtp_port()), 78, &["lmtp"]),
    ] {
        let daemon = Daemon::start(binary(), "", &format!("[postrider.relay]\nURL = {url}\n{SECTIONS}"));
        let report = check(&daemon, &[], exit);
        assert_eq!(codes(&report), expected, "{url}: {report:#}");
    }
}
