//! Delivery to the real Postfix by each way Gitea's `[mailer]` knows.

use testkit::{Daemon, Postfix};

use crate::{SECTIONS, binary, mail, raw, until_status};

/// Sends one mail through a daemon with these `[mailer]` lines; Postfix must have its bytes.
#[track_caller]
fn check(postfix: &Postfix, mailer: &str, sections: &str, received: &str) {
    let daemon = Daemon::start(binary(), mailer, &format!("{SECTIONS}\n{sections}"));
    let id = daemon.api.send(&mail("ada@example.org", "Grüße aus Köln"));
    until_status(&daemon, &id, &["sent"]);
    let arrived = postfix.mail_to("ada@example.org");
    assert_eq!(arrived.from, "a@example.com");
    assert_eq!(String::from_utf8_lossy(&arrived.bytes), String::from_utf8_lossy(&raw(&daemon, &id)));
    assert!(arrived.received.contains(received), "{received:?} is not in {}", arrived.received);
    assert_eq!(postfix.mails().len(), 1);
}

fn signed_in() -> String {
    format!("USER = {}\nPASSWD = `{}`", "user", Postfix::PASSWORD)
}

#[test]
fn smtp_arrives() {
    let postfix = Postfix::start();
    let mailer = format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {}", postfix.smtp_port());
    check(&postfix, &mailer, "", "with ESMTP id");
}

#[test]
fn smtps_with_login_arrives_and_trusts_the_file() {
    let postfix = Postfix::start();
    let port = postfix.smtps_port();
    let mailer = format!("PROTOCOL = smtps\nSMTP_ADDR = localhost\nSMTP_PORT = {port}\n{}", signed_in());
    let relay = format!("[postrider.relay]\nCA_FILE = {}", postfix.certificate().display());
    check(&postfix, &mailer, &relay, "with ESMTPSA");
}

#[test]
fn starttls_with_login_arrives() {
    let postfix = Postfix::start();
    let mailer = format!(
        "PROTOCOL = smtp+starttls\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {}\nFORCE_TRUST_SERVER_CERT = true\n{}",
        postfix.submission_port(),
        signed_in()
    );
    check(&postfix, &mailer, "", "with ESMTPSA");
}

#[test]
fn unix_socket_arrives() {
    let postfix = Postfix::start();
    let mailer = format!("PROTOCOL = smtp+unix\nSMTP_ADDR = {}", postfix.socket().display());
    check(&postfix, &mailer, "", "with ESMTP id");
}

#[test]
fn a_stranger_s_certificate_is_refused_and_the_mail_waits() {
    let postfix = Postfix::start();
    let port = postfix.smtps_port();
    let mailer = format!("PROTOCOL = smtps\nSMTP_ADDR = localhost\nSMTP_PORT = {port}\n{}", signed_in());
    let daemon = Daemon::start(binary(), &mailer, SECTIONS);
    let id = daemon.api.send(&mail("ada@example.org", "Trust"));
    testkit::until("the daemon to speak of the certificate", crate::PATIENCE, || {
        daemon.log().to_lowercase().contains("certificate").then_some(())
    });
    assert!(daemon.api.email(&id)["status"] != "sent");
    assert!(postfix.mails().is_empty());
}
