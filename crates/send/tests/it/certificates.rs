//! Which certificates are believed, and what is said of the others.

use crate::authority::{Authority, authority_params, params};
use crate::peer::{HELLO, Peer, TAKEN, script, send_one, shown, trouble_text};
use postrider_send::smtp::{Security, SmtpSettings, TlsSettings};
use rcgen::{BasicConstraints, IsCa, date_time_ymd};
use std::sync::Arc;

const OK: [&str; 1] = ["accepted 250 2.0.0 Ok: queued as 77"];

/// Sends to a relay with this certificate; `""`: it is believed, else what the operator reads.
async fn check(authority: &Authority, trust: impl FnOnce(&mut TlsSettings), expected: &[&str]) {
    let peer = authority.peer(script(&["TLS", HELLO, TAKEN])).await;
    let mut settings = peer.settings(Security::Implicit);
    trust(&mut settings.tls);
    let outcome = send_one(settings).await;
    if expected.is_empty() {
        assert_eq!(shown(&outcome), OK);
        return;
    }
    assert_eq!(shown(&outcome), ["not attempted Tls Tls"], "{expected:?}");
    let text = trouble_text(&outcome);
    for fragment in expected {
        assert!(text.contains(fragment), "{fragment:?} is not in {text:?}");
    }
    assert!(peer.bodies().is_empty());
}

fn listing(authority: &Authority) -> impl FnOnce(&mut TlsSettings) + '_ {
    |tls| tls.ca_file = Some(authority.path("ca.pem"))
}

const HERE: &[&str] = &["127.0.0.1"];

#[tokio::test]
async fn a_listed_certificate_is_believed_and_still_checked_for_name_and_dates() {
    let good = Authority::new(HERE);
    check(&good, listing(&good), &[]).await;
    let other = Authority::new(&["mx.example", "*.example", "10.0.0.1"]);
    let told = ["for mx.example, *.example, 10.0.0.1, not for 127.0.0.1", "host"];
    check(&other, listing(&other), &told).await;
    let mut old = params(HERE);
    (old.not_before, old.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 2, 3));
    let old = Authority::of(&old);
    check(&old, listing(&old), &["ended on 2001-02-03T00:00:00Z", "127.0.0.1"]).await;
    let mut young = params(HERE);
    (young.not_before, young.not_after) = (date_time_ymd(2090, 1, 1), date_time_ymd(2091, 1, 1));
    let young = Authority::of(&young);
    check(&young, listing(&young), &["begins on 2090-01-01T00:00:00Z", "clock"]).await;
    let bare = Authority::of(&params(&[]));
    check(&bare, listing(&bare), &["\"the relay\" only in its Common Name", "FINGERPRINT"]).await;
}

#[tokio::test]
async fn a_server_marked_as_an_authority_is_believed_when_listed_and_explained_when_not() {
    let mut marked = params(HERE);
    marked.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let marked = Authority::of(&marked);
    check(&marked, listing(&marked), &[]).await;
    check(&marked, |_| {}, &["CA:TRUE", "CA_FILE", "\"the relay\""]).await;
}

#[tokio::test]
async fn a_chain_is_walked_to_the_authority_of_the_file() {
    let signed = Authority::signed_by(&authority_params(), &params(HERE));
    check(&signed, listing(&signed), &[]).await;
    let told = ["signed by \"the authority\"", "CA_FILE", "sent none"];
    check(&signed, |_| {}, &told).await;
    let stranger = Authority::signed_by(&authority_params(), &params(HERE));
    check(&signed, listing(&stranger), &["not trusted"]).await;
    let mut old = params(HERE);
    (old.not_before, old.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 2, 3));
    let old = Authority::signed_by(&authority_params(), &old);
    check(&old, listing(&old), &["ended on 2001-02-03"]).await;
    let own = Authority::new(HERE);
    check(&own, |_| {}, &["nobody but itself signed it", "SHA-256"]).await;
}

#[tokio::test]
async fn a_listed_server_s_key_signs_for_nobody() {
    let mut server = params(&["mx.example"]);
    server.is_ca = IsCa::ExplicitNoCa;
    let forged = Authority::signed_by(&server, &params(HERE));
    check(&forged, listing(&forged), &["not trusted"]).await;
}

#[tokio::test]
async fn a_pin_is_all_that_counts() {
    let mut odd = params(&["elsewhere.example"]);
    (odd.not_before, odd.not_after) = (date_time_ymd(2000, 1, 1), date_time_ymd(2001, 2, 3));
    let odd = Authority::of(&odd);
    let pin = odd.fingerprint();
    check(&odd, |tls| tls.fingerprints = vec![[0; 32], pin], &[]).await;
    let found: String = pin.iter().map(|octet| format!("{octet:02x}")).collect();
    check(&odd, |tls| tls.fingerprints = vec![[0; 32]], &[&found, "FINGERPRINT"]).await;
    check(&odd, |tls| tls.trust_any = true, &[]).await;
    let good = Authority::new(HERE);
    check(&good, |tls| (listing(&good)(tls), tls.fingerprints = vec![[0; 32]]).0, &["FINGERPRINT"]).await;
}

#[tokio::test]
async fn a_relay_may_want_a_certificate_of_ours() {
    let (relay, ours) = (Authority::new(HERE), Authority::new(&["us.example"]));
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let peer =
            async || Peer::tcp(&[script(&["TLS", HELLO, TAKEN])], Some(relay.wanting(&ours, version))).await;
        let with_ours = |mut settings: SmtpSettings| {
            settings.tls.client_cert = Some((ours.path("ca.pem"), ours.path("key.pem")));
            settings
        };
        let there = peer().await;
        let outcome = send_one(with_ours(relay.trusted(there.settings(Security::Implicit)))).await;
        assert_eq!(shown(&outcome), OK, "{version:?}");
        let there = peer().await;
        let text = trouble_text(&send_one(relay.trusted(there.settings(Security::Implicit))).await);
        assert!(text.contains("CLIENT_CERT_FILE"), "{version:?}: {text}");
    }
}

#[tokio::test]
async fn names_are_asked_for_as_they_travel() {
    let authority = Authority::new(&["xn--bcher-kva.example"]);
    let peer = authority.peer(script(&["TLS", HELLO, TAKEN])).await;
    let mut settings = authority.trusted(peer.settings(Security::Implicit));
    settings.tls.server_name = Some("bücher.example.".into());
    assert_eq!(shown(&send_one(settings).await), OK);
    assert_eq!(peer.names(), [Some("xn--bcher-kva.example".to_owned())]);
    let authority = Arc::new(Authority::new(HERE));
    let peer = authority.peer(script(&["TLS", HELLO, TAKEN])).await;
    assert_eq!(shown(&send_one(authority.trusted(peer.settings(Security::Implicit))).await), OK);
    assert_eq!(peer.names(), [None], "an address is never a name to ask for (RFC 6066 3)");
}
