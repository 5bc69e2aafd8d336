//! Signatures outlive a hop through a real Postfix, and no change does: dkimpy is the referee.

use crate::{PATIENCE, corpus};
use futures_util::{StreamExt, stream};
use message::dkim::{KeyKind, SignedFields, SigningKey};
use message::{Profile, Written, compose};
use send::smtp::{Endpoint, Security, SmtpSettings};
use send::{DkimKey, Keyring, Mail, RecipientOutcome, Sender, SigningSender, SmtpSender};
use serde_json::{Value, json};
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Arc;
use testkit::{Delivered, Postfix, peers, until};

const MAILS: u64 = 500;
/// One in so many is changed after the hop.
const CHANGED: u64 = 10;

fn at() -> jiff::Timestamp {
    jiff::Timestamp::from_second(1_700_000_000).unwrap()
}

fn keyring() -> Keyring {
    let mut ring = Keyring::default();
    for (selector, kind) in [("r1", KeyKind::Rsa), ("e1", KeyKind::Ed25519)] {
        ring.add(DkimKey::new("x.example", selector, SigningKey::generate(kind).unwrap().0, None), true);
    }
    ring
}

/// A varied mail of a signing author, to a recipient that tells its number.
fn mail(seed: u64) -> Mail {
    let (mut draft, _) = corpus::draft(seed);
    draft.from = Some(Written::Text("A\u{fc}thor <a@mail.x.example>".into()));
    let composed = compose(&draft, &Profile::default(), at(), u128::from(seed)).unwrap();
    let address = |text: &str| envelope::Address::parse(text).unwrap();
    let utf8_header = !composed.header.is_ascii();
    Mail {
        ticket: seed,
        from: address("a@x.example").into(),
        to: vec![address(&format!("r{seed}@example.org")).into()],
        ret: None,
        envid: None,
        header: composed.header,
        body: composed.body,
        eight_bit: utf8_header,
        utf8_header,
        urgent: false,
    }
}

async fn hop(postfix: &Postfix, ring: Arc<Keyring>) -> Vec<Delivered> {
    let endpoint = Endpoint::Tcp { host: "127.0.0.1".into(), port: postfix.smtp_port() };
    let relay = Arc::new(SmtpSender::new(SmtpSettings::new(endpoint, Security::Plain)).unwrap());
    let sender = SigningSender::new(relay, ring, SignedFields::default(), Arc::new(at));
    let mails = stream::iter((0..MAILS).map(mail)).boxed();
    let outcomes: Vec<_> = sender.send_batch(mails).collect().await;
    for outcome in &outcomes {
        let taken = matches!(outcome.recipients[0], RecipientOutcome::Accepted(_));
        assert!(taken, "{:?}\n{}", outcome.recipients, outcome.transcript);
    }
    until("all mails", PATIENCE, || {
        let mails = postfix.mails();
        (mails.len() >= MAILS as usize).then_some(mails)
    })
}

/// The line of dkim_referee.py for a mail that arrived.
fn line(mail: &Delivered) -> Value {
    let seed: u64 = mail.to.trim_start_matches('r').split('@').next().unwrap().parse().unwrap();
    let mut bytes = mail.bytes.clone();
    let good = !seed.is_multiple_of(CHANGED);
    if !good {
        let added = [&b"Subject: another\r\n"[..], b"Cc: c@z.example\r\n", b"Reply-To: c@z.example\r\n"];
        let at = usize::try_from(seed / CHANGED).unwrap() % added.len();
        bytes.splice(0..0, added[at].iter().copied());
    }
    let hex: String = bytes.iter().map(|b| format!("{b:02x}")).collect();
    json!({"seed": seed, "mail": hex, "good": good})
}

#[tokio::test(flavor = "multi_thread")]
async fn dkimpy_verifies_500_varied_mails_after_a_hop_through_postfix() {
    let (postfix, ring) = (Postfix::start(), Arc::new(keyring()));
    let records: serde_json::Map<_, _> =
        ring.keys().map(|key| (key.record_name(), key.key.record().into())).collect();
    let arrived = hop(&postfix, ring).await;
    assert_eq!(arrived.len(), MAILS as usize);
    let lines = arrived.iter().map(|mail| format!("{}\n", line(mail)));
    let input: String = std::iter::once(format!("{}\n", Value::from(records))).chain(lines).collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/../message/tests/it/dkim_referee.py");
    let mut python = Command::new("python3");
    python.arg(script).env("PYTHONPATH", peers().join("python"));
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), format!("{} signatures\n", MAILS * 2));
}
