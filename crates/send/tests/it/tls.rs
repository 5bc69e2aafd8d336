//! TLS from the start and by STARTTLS; certificates that fit and that do not.

use crate::authority::Authority;
use crate::peer::{HELLO, Peer, QUIT, TAKEN, mail, plain, script, send, send_one, shown, trouble_text};
use postrider_send::SmtpSender;
use postrider_send::smtp::{Credentials, Security, SettingsError, SmtpSettings, TlsSettings};
use std::time::Duration;

const OK: [&str; 1] = ["accepted 250 2.0.0 Ok: queued as 77"];
const STARTTLS: &str = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250 STARTTLS\nC: STARTTLS\nS: 220 go\nTLS";
const INSIDE: &str = "C: EHLO\nS: 250-mx\nS: 250-PIPELINING\nS: 250 AUTH PLAIN\nC: AUTH PLAIN\nS: 235 ok";

#[tokio::test]
async fn smtps_checks_an_address_against_the_certificate() {
    let authority = Authority::new(&["127.0.0.1"]);
    let peer = authority.peer(script(&["TLS", HELLO, TAKEN])).await;
    let outcome = send_one(authority.trusted(peer.settings(Security::Implicit))).await;
    assert_eq!(shown(&outcome), OK);
    assert!(outcome.transcript.contains("~> MAIL"), "{}", outcome.transcript);
}

#[tokio::test]
async fn starttls_then_login() {
    let authority = Authority::new(&["127.0.0.1"]);
    let peer = authority.peer(script(&[STARTTLS, INSIDE, TAKEN])).await;
    let mut settings = authority.trusted(peer.settings(Security::StartTls { required: true }));
    settings.credentials = Some(Credentials { user: "u".into(), secret: "pw".into() });
    assert_eq!(shown(&send_one(settings).await), OK);
    peer.assert_followed();
}

#[tokio::test]
async fn a_certificate_of_another_name_or_authority_is_refused() {
    let other_name = Authority::new(&["other.example"]);
    let peer = other_name.peer(script(&["TLS", HELLO, TAKEN])).await;
    let outcome = send_one(other_name.trusted(peer.settings(Security::Implicit))).await;
    assert_eq!(shown(&outcome), ["not attempted Tls Tls"]);

    let stranger = Authority::new(&["127.0.0.1"]);
    let peer = stranger.peer(script(&["TLS", HELLO, TAKEN])).await;
    let outcome = send_one(other_name.trusted(peer.settings(Security::Implicit))).await;
    assert_eq!(shown(&outcome), ["not attempted Tls Tls"]);
    assert!(trouble_text(&outcome).contains("CA_FILE"), "{}", trouble_text(&outcome));
    assert!(peer.bodies().is_empty());
}

#[tokio::test]
async fn a_server_name_may_be_set_and_any_certificate_be_forced() {
    let authority = Authority::new(&["mx.example"]);
    let peer = authority.peer(script(&["TLS", HELLO, TAKEN])).await;
    let mut settings = authority.trusted(peer.settings(Security::Implicit));
    settings.tls.server_name = Some("mx.example".into());
    assert_eq!(shown(&send_one(settings).await), OK);

    let peer = authority.peer(script(&["TLS", HELLO, TAKEN])).await;
    let mut settings = peer.settings(Security::Implicit);
    settings.tls.trust_any = true;
    assert_eq!(shown(&send_one(settings).await), OK);
}

#[tokio::test]
async fn octets_smuggled_in_before_tls_end_the_connection() {
    let authority = Authority::new(&["127.0.0.1"]);
    let injected = STARTTLS.replace("S: 220 go\n", "S: 220 go\\r\\n250-mx\\r\\n250 AUTH LOGIN\n");
    let peer = authority.peer(injected).await;
    let outcome = send_one(authority.trusted(peer.settings(Security::StartTls { required: true }))).await;
    assert_eq!(shown(&outcome), ["not attempted Misbehaved Tls"]);
}

#[tokio::test]
async fn b4_86_tls_to_a_plain_port_fails_at_once_and_names_the_remedy() {
    let peer = plain(&[&script(&[HELLO, "HANG"])]).await;
    let outcome = send_one(Authority::new(&["x"]).trusted(peer.settings(Security::Implicit))).await;
    assert_eq!(shown(&outcome), ["not attempted Tls Tls"]);
    assert!(trouble_text(&outcome).contains("smtp+starttls://"), "{}", trouble_text(&outcome));
}

#[tokio::test]
async fn b4_86_plain_to_a_tls_port_is_found_out_and_names_the_remedy() {
    let authority = Authority::new(&["127.0.0.1"]);
    for security in [Security::Plain, Security::StartTls { required: true }] {
        let peer = authority.peer(script(&["TLS", HELLO, TAKEN])).await;
        let mut settings = authority.trusted(peer.settings(security));
        settings.deadlines.suspicion = Duration::from_secs(1);
        let outcome = send_one(settings).await;
        assert_eq!(shown(&outcome), ["not attempted Misbehaved Greeting"]);
        assert!(trouble_text(&outcome).contains("smtps://"), "{}", trouble_text(&outcome));
        assert_eq!(peer.lines(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_large_text_goes_through_tls_whole() {
    let authority = Authority::new(&["127.0.0.1"]);
    let peer = authority.peer(script(&["TLS", HELLO, TAKEN])).await;
    let sender = SmtpSender::new(authority.trusted(peer.settings(Security::Implicit))).unwrap();
    let body = ".dot\r\nline\r\n".repeat(100_000);
    let outcome = send(&sender, vec![mail(1, &["b@example.com"], &body)]).await.remove(0);
    assert_eq!(shown(&outcome), OK);
    let want = format!("Subject: x\r\n\r\n{}.\r\n", body.replace(".dot", "..dot"));
    assert!(peer.bodies()[0] == want.as_bytes());
}

#[tokio::test]
async fn sessions_are_resumed_and_tls_1_3_has_a_channel_to_bind_to() {
    let authority = Authority::new(&["127.0.0.1"]);
    let peer = authority.peer(script(&["TLS", HELLO, QUIT])).await;
    let sender = SmtpSender::new(authority.trusted(peer.settings(Security::Implicit))).unwrap();
    let mut exporters = Vec::new();
    for resumed in [false, true] {
        let seen = sender.examine().await;
        let tls = seen.tls.expect("TLS");
        assert_eq!((&*tls.version, tls.resumed), ("TLSv1_3", resumed), "{}", seen.transcript);
        assert_eq!(tls.certificate.unwrap().names, ["127.0.0.1".into()]);
        exporters.push(tls.exporter.unwrap().expose().to_vec());
    }
    assert_eq!(peer.exporters(), exporters);
    assert_ne!(exporters[0], exporters[1]);

    let old =
        Peer::tcp(&[script(&["TLS", HELLO, QUIT])], Some(authority.only(&rustls::version::TLS12))).await;
    let seen = SmtpSender::new(authority.trusted(old.settings(Security::Implicit))).unwrap().examine().await;
    let tls = seen.tls.expect("TLS");
    assert_eq!((&*tls.version, tls.exporter), ("TLSv1_2", None), "{}", seen.transcript);
}

/// A ServerHello of TLS 1.0, and the alert of a server that knows no more.
const TLS_1_0: [&str; 2] = [
    "\u{16}\u{3}\u{1}\0\u{2a}\u{2}\0\0\u{26}\u{3}\u{1}aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\0\0\u{2f}\0",
    "\u{15}\u{3}\u{1}\0\u{2}\u{2}\u{46}",
];

#[tokio::test]
async fn b4_78_what_follows_starttls_decides_and_a_password_never_goes_clear() {
    let authority = Authority::new(&["127.0.0.1"]);
    let check = async |answer: &str, required: bool, login: bool, expected: &str| {
        let hello = STARTTLS.rsplit_once("\nS: 220").unwrap().0;
        let clear = "C: MAIL\nS: 250 ok\nC: RCPT\nS: 250 ok\nC: DATA\nS: 354 go\nBODY\nS: 250 ok";
        let peer = authority.peer(script(&[hello, answer, clear])).await;
        let mut settings = authority.trusted(peer.settings(Security::StartTls { required }));
        settings.credentials = login.then(|| Credentials { user: "u".into(), secret: "pw".into() });
        let outcome = send_one(settings).await;
        let case = format!("{answer:?} required {required} login {login}: {}", outcome.transcript);
        assert!(shown(&outcome)[0].starts_with(expected), "{case}");
        assert!(!peer.lines().iter().any(|line| line.starts_with("AUTH")), "{case}");
        trouble_text_if_any(&outcome)
    };
    for refusal in ["S: 454 4.7.0 no entropy", "S: 500 what", "S: 501 no"] {
        check(refusal, false, false, "accepted").await;
        for (required, login) in [(true, false), (false, true), (true, true)] {
            check(refusal, required, login, "not attempted Tls Tls").await;
        }
    }
    for garbage in ["S: 250 ok", "S: 354 go", "S: 2", "S: hello"] {
        check(garbage, false, false, "not attempted Misbehaved").await;
    }
    // What comes before our ClientHello was read would be surplus to the 220, and is another case.
    for [hello, _] in [TLS_1_0, [TLS_1_0[1], ""]] {
        let text =
            check(&format!("S: 220 go\nREAD 5\nS: {hello}"), false, false, "not attempted Tls Tls").await;
        assert!(text.contains("1.2 or 1.3"), "{text}");
    }
    let text = check("S: 220 go\nREAD 5\nS: 500 what is this", false, true, "not attempted Tls Tls").await;
    assert!(text.contains("after it agreed to STARTTLS"), "{text}");
    check("S: 220 go\nHANGUP", false, false, "not attempted Tls Tls").await;
}

fn trouble_text_if_any(outcome: &postrider_send::MailOutcome) -> String {
    if shown(outcome)[0].starts_with("accepted") { String::new() } else { trouble_text(outcome) }
}

#[tokio::test]
async fn b4_80_a_reply_cut_off_inside_tls_is_no_answer() {
    let authority = Authority::new(&["127.0.0.1"]);
    let cut = TAKEN.replace("S: 250 2.0.0 Ok: queued as 77", "S: 250-2.0.0 Ok: queued as 77\nHANGUP");
    let peer = authority.peer(script(&["TLS", HELLO, &cut])).await;
    let outcome = send_one(authority.trusted(peer.settings(Security::Implicit))).await;
    assert_eq!(shown(&outcome), ["unknown Lost End"]);
    assert_eq!(peer.bodies().len(), 1);
}

#[tokio::test]
async fn b4_81_what_is_offered_inside_tls_counts_and_nothing_before_it() {
    let authority = Authority::new(&["127.0.0.1"]);
    let check = async |before: &str, inside: &str, expected: &str, said: &[&str]| {
        let starttls = STARTTLS.replace("S: 250 STARTTLS", &format!("S: 250-{before}\nS: 250 STARTTLS"));
        let login = "C: AUTH\nS: 334 VXNlcm5hbWU6\nC: \nS: 334 UGFzc3dvcmQ6\nC: \nS: 235 ok";
        let hello = format!("C: EHLO\nS: 250-mx\nS: 250-PIPELINING\nS: 250 {inside}\n{login}");
        let peer = authority.peer(script(&[&starttls, &hello, TAKEN])).await;
        let mut settings = authority.trusted(peer.settings(Security::StartTls { required: false }));
        settings.credentials = Some(Credentials { user: "u".into(), secret: "pw".into() });
        let outcome = send_one(settings).await;
        assert_eq!(shown(&outcome), [expected], "{before} {inside}: {}", outcome.transcript);
        let lines = peer.lines();
        let auth: Vec<&str> =
            lines.iter().filter(|line| line.starts_with("AUTH")).map(|line| &**line).collect();
        assert_eq!(auth, said, "{before} {inside}");
    };
    check("AUTH PLAIN", "DSN", "not attempted Auth Auth", &[]).await;
    check("AUTH PLAIN", "AUTH LOGIN", OK[0], &["AUTH LOGIN"]).await;
    check("DSN", "AUTH LOGIN", OK[0], &["AUTH LOGIN"]).await;
    check("AUTH LOGIN", "AUTH X-UNKNOWN", "not attempted Auth Auth", &[]).await;
}

#[test]
fn files_are_read_when_the_sender_is_made() {
    let authority = Authority::new(&["x"]);
    std::fs::write(authority.path("junk.pem"), "junk").unwrap();
    let check = |change: &dyn Fn(&mut TlsSettings), named: &str| {
        let endpoint = postrider_send::smtp::Endpoint::Tcp { host: "localhost".into(), port: 1 };
        let mut settings = authority.trusted(SmtpSettings::new(endpoint, Security::Implicit));
        change(&mut settings.tls);
        match SmtpSender::new(settings) {
            Err(SettingsError::File { path, cause }) => assert!(path.ends_with(named), "{path:?}: {cause}"),
            other => panic!("{named}: {other:?}"),
        }
    };
    let path = |name: &str| authority.path(name);
    check(&|tls| tls.ca_file = Some(path("none.pem")), "none.pem");
    check(&|tls| tls.ca_file = Some(path("junk.pem")), "junk.pem");
    check(&|tls| tls.client_cert = Some((path("none.pem"), path("key.pem"))), "none.pem");
    check(&|tls| tls.client_cert = Some((path("ca.pem"), path("junk.pem"))), "junk.pem");
}
