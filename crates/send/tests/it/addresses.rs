//! Relays with several addresses, and sockets that lead nowhere.

use crate::peer::{HELLO, Peer, QUIT, TAKEN, script, send_one, shown, trouble_text};
use postrider_send::SmtpSender;
use postrider_send::smtp::{Endpoint, Security, SmtpSettings};
use std::net::IpAddr;
use std::os::unix::fs::symlink;

const OK: [&str; 1] = ["accepted 250 2.0.0 Ok: queued as 77"];

/// A relay at 127.0.0.1 and so on, one script each; `-`: nobody listens there.
async fn relay(scripts: &[&str]) -> (Vec<Option<Peer>>, SmtpSettings) {
    let ip = |n: usize| IpAddr::from([127, 0, 0, u8::try_from(n + 1).unwrap()]);
    let mut port = 0;
    let mut peers = Vec::new();
    for (n, text) in scripts.iter().enumerate() {
        if *text == "-" {
            peers.push(None);
            continue;
        }
        let peer = Peer::at(ip(n), port, text).await;
        if let Endpoint::Tcp { port: taken, .. } = &peer.endpoint {
            port = *taken;
        }
        peers.push(Some(peer));
    }
    let endpoint = Endpoint::Tcp { host: "mx.example".into(), port };
    let mut settings = SmtpSettings::new(endpoint, Security::Plain);
    settings.addresses = (0..scripts.len()).map(ip).collect();
    (peers, settings)
}

#[tokio::test]
async fn every_address_is_tried_until_one_serves() {
    let good = script(&[HELLO, TAKEN, QUIT]);
    for scripts in [
        ["-", "-", &good],
        ["S: 554 5.7.1 not here", "-", &good],
        ["S: 421 4.3.2 busy", "S: 220 mx\nC: EHLO\nS: 421 4.3.2 busy", &good],
        ["HANGUP", "S: hello", &good],
        [&good, "S: 554 never asked", "-"],
    ] {
        let (_peers, settings) = relay(&scripts).await;
        assert_eq!(shown(&send_one(settings).await), OK, "{scripts:?}");
    }
}

#[tokio::test]
async fn the_last_host_s_words_are_told_and_all_are_in_the_dialogue() {
    let (_peers, settings) = relay(&["S: 554 5.7.1 first", "-", "S: 421 4.3.2 last"]).await;
    let outcome = send_one(settings).await;
    assert_eq!(shown(&outcome), ["not attempted Busy Greeting"]);
    let said = &outcome.transcript;
    let words = ["127.0.0.1", "554 5.7.1 first", "127.0.0.3", "421 4.3.2 last"];
    let found: Vec<_> = words.map(|word| said.find(word)).to_vec();
    assert!(found.iter().all(Option::is_some) && found.is_sorted(), "{said}");
}

#[tokio::test]
async fn an_examination_goes_on_to_the_next_address_and_tells() {
    let good = script(&[HELLO, QUIT]);
    let (_peers, settings) = relay(&["S: 554 5.7.1 first", "-", &good]).await;
    let seen = SmtpSender::new(settings).unwrap().examine().await;
    assert_eq!(
        (seen.result, seen.address.map(|address| address.ip())),
        (Ok(()), Some([127, 0, 0, 3].into()))
    );
    let passed: Vec<_> = seen.passed_over.iter().map(|(address, _)| address.ip().to_string()).collect();
    assert_eq!(passed, ["127.0.0.1"]);
    let (_peers, settings) = relay(&["S: 554 5.7.1 first", "-"]).await;
    let seen = SmtpSender::new(settings).unwrap().examine().await;
    assert!(seen.passed_over.is_empty() && seen.transcript.contains("554 5.7.1 first"), "{seen:?}");
}

#[tokio::test]
async fn a_refused_login_is_not_tried_at_another_address() {
    let login = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250 AUTH PLAIN\nC: AUTH\nS: 535 5.7.8 no";
    let (peers, mut settings) = relay(&[login, login]).await;
    let secret = "pw".into();
    settings.credentials = Some(postrider_send::smtp::Credentials { user: "u".into(), secret });
    assert_eq!(shown(&send_one(settings).await), ["not attempted Auth Auth"]);
    let connections: Vec<_> = peers.iter().flatten().map(Peer::connections).collect();
    assert_eq!(connections, [1, 0]);
}

#[tokio::test]
async fn b3_70_a_name_that_does_not_resolve_is_the_relay_s_trouble() {
    let endpoint = Endpoint::Tcp { host: "no..name".into(), port: 25 };
    let outcome = send_one(SmtpSettings::new(endpoint, Security::Plain)).await;
    assert_eq!(shown(&outcome), ["not attempted Unreachable Connect"]);
    assert!(trouble_text(&outcome).contains("does not resolve"), "{}", trouble_text(&outcome));
}

#[tokio::test]
async fn b5_88_a_socket_that_leads_nowhere_is_the_relay_s_trouble() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("file"), "").unwrap();
    symlink(path("gone"), path("dangling")).unwrap();
    drop(std::os::unix::net::UnixListener::bind(path("left")).unwrap());
    for (name, words) in [
        ("missing", "is the server running"),
        ("dangling", "is the server running"),
        ("file", "nobody listens"),
        ("left", "nobody listens"),
    ] {
        let settings = SmtpSettings::new(Endpoint::Unix { path: path(name) }, Security::Plain);
        let outcome = send_one(settings).await;
        assert_eq!(shown(&outcome), ["not attempted Unreachable Connect"], "{name}");
        assert!(trouble_text(&outcome).contains(words), "{name}: {}", trouble_text(&outcome));
    }
    // A server that was started anew has a new socket at the old path.
    std::fs::remove_file(path("left")).unwrap();
    let peer = Peer::unix(&path("left"), &script(&[HELLO, TAKEN, QUIT]));
    assert_eq!(shown(&send_one(peer.settings(Security::Plain)).await), OK);
}
