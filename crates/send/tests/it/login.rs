//! Logging in, and not logging in.

use crate::authority::Authority;
use crate::peer::{HELLO, TAKEN, mail, plain, script, send, send_one, shown, trouble_text};
use postrider_send::SmtpSender;
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

const SCRAM: &str =
    "C: EHLO\nS: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH PLAIN SCRAM-SHA-256 SCRAM-SHA-256-PLUS";

/// The peer checks against the exporter of its own end of the connection.
#[tokio::test]
async fn scram_is_bound_to_the_tls_connection() {
    let authority = Authority::new(&["127.0.0.1"]);
    let starttls = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS";
    for (security, opening) in
        [(Security::Implicit, "TLS\nS: 220 mx"), (Security::StartTls { required: true }, starttls)]
    {
        for (password, want) in
            [("hunter2", "accepted 250 2.0.0 Ok: queued as 77"), ("x", "not attempted Auth Auth")]
        {
            let peer = authority.peer(script(&[opening, SCRAM, &format!("SCRAM {password}"), TAKEN])).await;
            let outcome = send_one(authority.trusted(with_password(peer.settings(security)))).await;
            assert_eq!(shown(&outcome), [want], "{}", outcome.transcript);
            assert!(!outcome.transcript.contains("hunter2"));
        }
    }
}

/// TLS 1.2 gives nothing to bind to (RFC 9266 needs more of it than rustls can show).
#[tokio::test]
async fn without_a_binding_scram_goes_unbound() {
    let authority = Authority::new(&["127.0.0.1"]);
    let old = Some(authority.only(&rustls::version::TLS12));
    // "n,,n=u,r=": we do not bind, and do not claim that the server could not.
    let script = script(&["TLS\nS: 220 mx", SCRAM, "C: AUTH SCRAM-SHA-256 biwsbj11LHI9\nS: 535 no"]);
    let peer = crate::peer::Peer::tcp(&[script], old).await;
    send_one(authority.trusted(with_password(peer.settings(Security::Implicit)))).await;
    peer.assert_followed();
}

#[tokio::test]
async fn what_worked_is_tried_first_on_the_next_connection() {
    let hello = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH PLAIN CRAM-MD5 LOGIN";
    let login =
        "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: dQ==\nS: 334 UGFzc3dvcmQ6\nC: aHVudGVyMg==\nS: 235 ok";
    let first = script(&[hello, "C: AUTH PLAIN\nS: 504 5.5.4 no", login, TAKEN, "HANGUP"]);
    let peer = plain(&[&first, &script(&[hello, login, TAKEN, "HANG"])]).await;
    let sender = SmtpSender::new(with_password(peer.settings(Security::Plain))).unwrap();
    for n in 0..2 {
        let outcomes = send(&sender, vec![mail(n, &["b@example.com"], "hello\r\n")]).await;
        assert_eq!(shown(&outcomes[0]), ["accepted 250 2.0.0 Ok: queued as 77"]);
    }
    assert_eq!(peer.connections(), 2);
    peer.assert_followed();
}

#[tokio::test]
async fn external_signs_in_by_the_certificate_alone() {
    let authority = Authority::new(&["127.0.0.1"]);
    let hello = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH PLAIN EXTERNAL";
    let peer = authority.peer(script(&["TLS", hello, "C: AUTH EXTERNAL =\nS: 235 ok", TAKEN])).await;
    let mut settings = authority.trusted(peer.settings(Security::Implicit));
    settings.auth = Some("external".into());
    assert_eq!(shown(&send_one(settings).await), ["accepted 250 2.0.0 Ok: queued as 77"]);
    peer.assert_followed();
}
