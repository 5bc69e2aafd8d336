//! TLS from the start and by STARTTLS; certificates that fit and that do not.

use crate::peer::{HELLO, Peer, TAKEN, mail, plain, script, send, send_one, shown, trouble_text};
use postrider_send::SmtpSender;
use postrider_send::smtp::{Credentials, Security, SettingsError, SmtpSettings, TlsSettings};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tokio_rustls::TlsAcceptor;

struct Authority {
    folder: TempDir,
    acceptor: TlsAcceptor,
}

impl Authority {
    fn new(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), made.cert.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), made.signing_key.serialize_pem()).unwrap();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key.into())
            .unwrap();
        Self { folder, acceptor: TlsAcceptor::from(Arc::new(config)) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    async fn peer(&self, script: String) -> Peer {
        Peer::tcp(&[script], Some(self.acceptor.clone())).await
    }

    fn trusted(&self, mut settings: SmtpSettings) -> SmtpSettings {
        settings.tls.ca_file = Some(self.path("ca.pem"));
        settings
    }
}

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
async fn tls_to_a_plain_port_fails_at_once_and_names_the_remedy() {
    let peer = plain(&[&script(&[HELLO, "HANG"])]).await;
    let outcome = send_one(Authority::new(&["x"]).trusted(peer.settings(Security::Implicit))).await;
    assert_eq!(shown(&outcome), ["not attempted Tls Tls"]);
    assert!(trouble_text(&outcome).contains("smtp+starttls://"), "{}", trouble_text(&outcome));
}

#[tokio::test]
async fn plain_to_a_tls_port_is_found_out_and_names_the_remedy() {
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
