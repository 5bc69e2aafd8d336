//! Logging in, and not logging in.

use crate::peer::{HELLO, TAKEN, plain, script, send_one, shown, trouble_text};
use postrider_send::smtp::{Credentials, Security, SmtpSettings};

fn with_password(mut settings: SmtpSettings) -> SmtpSettings {
    settings.credentials = Some(Credentials { user: "u".into(), secret: "hunter2".into() });
    settings
}

const PLAIN: &str = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH PLAIN LOGIN";

#[tokio::test]
async fn plain_and_login_work_on_loopback() {
    let plain_login = script(&[PLAIN, "C: AUTH PLAIN AHUAaHVudGVyMg==\nS: 235 ok", TAKEN]);
    let peer = plain(&[&plain_login]).await;
    let outcome = send_one(with_password(peer.settings(Security::Plain))).await;
    assert_eq!(shown(&outcome), ["accepted 250 2.0.0 Ok: queued as 77"]);

    let login =
        "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dQ==\nS: 334 UGFzc3dvcmQ6\nC: aHVudGVyMg==\nS: 235 ok";
    let peer = plain(&[&script(&[PLAIN, login, TAKEN])]).await;
    let mut settings = with_password(peer.settings(Security::Plain));
    settings.auth = Some("login".into());
    assert_eq!(shown(&send_one(settings).await), ["accepted 250 2.0.0 Ok: queued as 77"]);
}

#[tokio::test]
async fn a_refused_login_is_the_relay_s_trouble_and_shows_no_secret() {
    let peer = plain(&[&script(&[PLAIN, "C: AUTH PLAIN\nS: 535 5.7.8 no"])]).await;
    let outcome = send_one(with_password(peer.settings(Security::Plain))).await;
    assert_eq!(shown(&outcome), ["not attempted Auth Auth"]);
    assert!(outcome.transcript.contains("-> AUTH PLAIN ***\n<- 535 5.7.8 no"), "{}", outcome.transcript);
    let all = format!("{outcome:?}");
    assert!(!all.contains("hunter2") && !all.contains("AHUAaHVudGVyMg"), "{all}");
}

#[tokio::test]
async fn no_offer_of_auth_is_an_error_not_a_way_around() {
    let peer = plain(&[&script(&[HELLO, TAKEN])]).await;
    let outcome = send_one(with_password(peer.settings(Security::Plain))).await;
    assert_eq!(shown(&outcome), ["not attempted Auth Auth"]);
    assert!(trouble_text(&outcome).contains("offers no AUTH"));
}

#[tokio::test]
async fn starttls_stripped_means_no_password_and_no_mail() {
    let peer = plain(&[&script(&[PLAIN, "C: AUTH PLAIN\nS: 235 ok", TAKEN])]).await;
    let outcome = send_one(with_password(peer.settings(Security::StartTls { required: true }))).await;
    assert_eq!(shown(&outcome), ["not attempted Settings Tls"]);
    assert_eq!(peer.lines(), ["EHLO localhost"]);
}
