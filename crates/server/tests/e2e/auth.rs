//! Signing in at real servers by every mechanism that each offers, and not by a wrong password or a token that has ended.

use std::path::PathBuf;

use send::smtp::{Credentials, Endpoint, Security, SmtpSettings};
use send::{SmtpSender, TokenSource};
use testkit::{Aiosmtpd, Dovecot, Exim, OpenSmtpd, Postfix};

fn settings(port: u16, ca_file: PathBuf, mechanism: Option<&str>) -> SmtpSettings {
    let endpoint = Endpoint::Tcp { host: "localhost".into(), port };
    let mut settings = SmtpSettings::new(endpoint, Security::StartTls { required: true });
    settings.tls.ca_file = Some(ca_file);
    settings.auth = mechanism.map(Into::into);
    settings.unix_time = || 1_800_000_000;
    settings
}

fn with_password(mut settings: SmtpSettings, user: &str, password: &str) -> SmtpSettings {
    settings.credentials = Some(Credentials { user: user.into(), secret: password.into() });
    settings
}

/// Whether the server let us in, and the dialogue, which shows no secret.
async fn sign_in(settings: SmtpSettings) -> (bool, String) {
    let secret = settings.credentials.as_ref().map(|who| who.secret.clone());
    let seen = SmtpSender::new(settings).unwrap().examine().await;
    let said = format!("{seen:?}\n{}", seen.transcript);
    let secret = String::from_utf8_lossy(secret.as_ref().map_or(b"", |secret| secret.expose())).into_owned();
    assert!(secret.is_empty() || !said.contains(&secret), "{said}");
    (seen.result.is_ok(), said)
}

async fn check(case: &str, settings: SmtpSettings, lets_in: bool) {
    let (let_in, said) = sign_in(settings).await;
    assert_eq!(let_in, lets_in, "{case}: {said}");
    assert!(lets_in || said.contains("535 "), "{case}: {said}");
}

/// By each of these, with the right and a wrong password, and by the best of them.
async fn check_passwords(mechanisms: &[&str], best: &str, user: &str, password: &str, base: &SmtpSettings) {
    for mechanism in mechanisms {
        let pinned = SmtpSettings { auth: Some((*mechanism).into()), ..base.clone() };
        check(mechanism, with_password(pinned.clone(), user, password), true).await;
        check(mechanism, with_password(pinned, user, "wrong"), false).await;
    }
    let (let_in, said) = sign_in(with_password(base.clone(), user, password)).await;
    assert!(let_in && said.contains(&format!("AUTH {best}")), "{said}");
}

#[tokio::test]
async fn dovecot_lets_us_in_by_each_of_its_mechanisms() {
    let postfix = Postfix::start();
    let dovecot = Dovecot::before(postfix.smtp_port());
    let base = settings(dovecot.submission_port(), dovecot.certificate(), None);
    // Its NTLM needs Samba's winbind.
    let all = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"];
    check_passwords(&all, "SCRAM-SHA-256", Dovecot::USER, Dovecot::PASSWORD, &base).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("token");
    for mechanism in ["XOAUTH2", "OAUTHBEARER"] {
        let mut settings =
            with_password(SmtpSettings { auth: Some(mechanism.into()), ..base.clone() }, Dovecot::USER, "");
        settings.token = Some(TokenSource::File(file.clone()));
        std::fs::write(&file, Dovecot::token(Dovecot::USER)).unwrap();
        check(mechanism, settings.clone(), true).await;
        std::fs::write(&file, Dovecot::stale_token(Dovecot::USER)).unwrap();
        let (let_in, said) = sign_in(settings).await;
        let explained = said.contains("refuses the token (by") && said.contains("it says {");
        assert!(!let_in && explained && !said.contains(&Dovecot::stale_token(Dovecot::USER)), "{said}");
    }
}

#[tokio::test]
async fn postfix_with_cyrus_lets_us_in_by_each_of_its_mechanisms() {
    let postfix = Postfix::start();
    let base = settings(postfix.submission_port(), postfix.certificate(), None);
    let all = ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256", "NTLM"];
    check_passwords(&all, "SCRAM-SHA-256", Postfix::USER, Postfix::PASSWORD, &base).await;
}

#[tokio::test]
async fn exim_lets_us_in_by_each_of_its_mechanisms() {
    let exim = Exim::start();
    let base = settings(exim.port(), exim.certificate(), None);
    check_passwords(&["PLAIN", "LOGIN", "CRAM-MD5"], "PLAIN", Exim::USER, Exim::PASSWORD, &base).await;
    let mut settings =
        with_password(settings(exim.port(), exim.certificate(), Some("EXTERNAL")), Exim::USER, "");
    settings.tls.client_cert = Some(exim.client());
    check("EXTERNAL", settings.clone(), true).await;
    settings.credentials = Some(Credentials { user: "other".into(), secret: "".into() });
    check("EXTERNAL", settings, false).await;
}

#[tokio::test]
async fn opensmtpd_lets_us_in_by_each_of_its_mechanisms() {
    let server = OpenSmtpd::start();
    let base = settings(server.port(), server.certificate(), None);
    check_passwords(&["PLAIN", "LOGIN"], "PLAIN", OpenSmtpd::USER, OpenSmtpd::PASSWORD, &base).await;
}

#[tokio::test]
async fn aiosmtpd_lets_us_in_by_each_of_its_mechanisms() {
    let server = Aiosmtpd::start();
    let base = settings(server.port(), server.certificate(), None);
    check_passwords(&["PLAIN", "LOGIN"], "PLAIN", Aiosmtpd::USER, Aiosmtpd::PASSWORD, &base).await;
}
