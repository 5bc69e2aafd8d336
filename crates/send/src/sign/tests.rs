//! What reaches the relay behind the signer, and what the keys decide.

use super::*;
use crate::DummySender;
use envelope::Address;
use futures_util::stream;
use message::dkim::{KeyKind, SigningKey, verify};

const NOW: i64 = 1_700_000_000;

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

fn key(domain: &str, selector: &str) -> DkimKey {
    DkimKey::new(domain, selector, SigningKey::generate(KeyKind::Ed25519).unwrap().0, None)
}

fn mail(ticket: u64, header: &str) -> Mail {
    let address = |text: &str| Address::parse(text).unwrap();
    Mail {
        ticket,
        from: address("bounces@elsewhere.example").into(),
        to: vec![address("b@example.org").into()],
        ret: None,
        envid: None,
        header: Bytes::copy_from_slice(header.as_bytes()),
        body: "hello\r\n".into(),
        eight_bit: false,
        utf8_header: false,
        urgent: false,
    }
}

/// What reaches the sender behind, and the outcomes by ticket.
async fn pass(keyring: Keyring, headers: &[&str]) -> (Vec<Mail>, Vec<MailOutcome>) {
    let inner = Arc::new(DummySender::script(Vec::new()));
    let now = Arc::new(|| at(NOW));
    let sender = SigningSender::new(inner.clone(), Arc::new(keyring), SignedFields::default(), now);
    let mails: Vec<Mail> = (0..).zip(headers).map(|(n, header)| mail(n, header)).collect();
    let mut outcomes: Vec<_> = sender.send_batch(stream::iter(mails).boxed()).collect().await;
    outcomes.sort_by_key(|outcome| outcome.ticket);
    (inner.calls(), outcomes)
}

fn signed_by(mail: &Mail, keys: &Keyring) -> Vec<String> {
    let lookup = |name: &str| keys.keys().find(|k| k.record_name() == name).map(|k| k.key.record());
    let seen = verify(&mail.header, &mail.body, at(NOW), lookup);
    assert!(seen.iter().all(|one| one.outcome.is_ok()), "{seen:?}");
    seen.into_iter().map(|one| format!("{} {}", one.selector, one.domain)).collect()
}

#[tokio::test]
async fn mail_is_signed_by_the_keys_of_its_authors_domain() {
    let ring = || {
        let mut ring = Keyring::default();
        for (domain, selector) in [("x.example", "s1"), ("x.example", "s2"), ("deep.x.example", "s3")] {
            ring.add(DkimKey::new(domain, selector, SigningKey::from_pem(PEM).unwrap(), None), false);
        }
        ring
    };
    for (from, want) in [
        ("From: a@x.example\r\n\r\n", &["s1 x.example", "s2 x.example"][..]),
        ("From: a@mail.x.example\r\n\r\n", &["s1 x.example", "s2 x.example"]),
        ("From: a@deep.x.example\r\n\r\n", &["s3 deep.x.example"]),
        ("From: a@nx.example\r\n\r\n", &[]),
        ("From: a@example\r\n\r\n", &[]),
        ("From: b@y.example, a@x.example\r\n\r\n", &[]),
    ] {
        let (mails, outcomes) = pass(ring(), &[from]).await;
        assert_eq!(signed_by(&mails[0], &ring()), want, "{from}");
        assert!(mails[0].header.ends_with(from.as_bytes()), "the header stays as it was");
        assert!(matches!(outcomes[0].recipients[0], RecipientOutcome::Accepted(_)));
    }
}

const PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

#[tokio::test]
async fn b7_131_signed_mail_leaves_as_it_came() {
    let mut ring = Keyring::default();
    ring.add(key("x.example", "s1"), true);
    let header = "DKIM-Signature: v=1; d=x.example\r\nFrom: a@x.example\r\n\r\n";
    let (mails, _) = pass(ring, &[header]).await;
    assert_eq!(mails[0].header, header);
}

#[tokio::test]
async fn a_key_whose_record_is_not_there_signs_nothing() {
    let mut ring = Keyring::default();
    ring.add(key("x.example", "old"), false);
    ring.add(key("x.example", "new"), false);
    ring.keys().last().unwrap().set_published(Published::No);
    let record = ring.keys().next().unwrap().key.record();
    let (mails, _) = pass(ring, &["From: a@x.example\r\n\r\n"]).await;
    let seen = verify(&mails[0].header, &mails[0].body, at(NOW), |_| Some(record.clone()));
    let selectors: Vec<&str> = seen.iter().map(|one| one.selector.as_str()).collect();
    assert_eq!(selectors, ["old"]);
}

#[tokio::test]
async fn b7_130_without_a_usable_key_mail_waits_where_it_must_be_signed_and_only_there() {
    let mut ring = Keyring::default();
    ring.add(key("must.example", "s"), true);
    ring.add(key("may.example", "s"), false);
    ring.keys().for_each(|key| key.set_published(Published::No));
    let headers =
        ["From: a@must.example\r\n\r\n", "From: a@may.example\r\n\r\n", "From: a@other.example\r\n\r\n"];
    let (mails, outcomes) = pass(ring, &headers).await;
    let passed: Vec<&[u8]> = mails.iter().map(|mail| &mail.header[..]).collect();
    assert_eq!(passed, [headers[1].as_bytes(), headers[2].as_bytes()]);
    assert_eq!(outcomes.len(), 3);
    let RecipientOutcome::Refused { reply, .. } = &outcomes[0].recipients[0] else { panic!("{outcomes:?}") };
    assert_eq!(reply.code, 451);
    assert!(reply.to_string().contains("mail of must.example must be signed"), "{reply}");
}

#[test]
fn a_record_is_compared_with_the_key() {
    let (one, other) = (key("x.example", "s"), key("x.example", "s"));
    let record = one.key.record();
    for (records, want) in [
        (vec![record.clone()], None),
        (vec![record.replace("v=DKIM1; ", "t=y; ")], None),
        (vec![], Some("no TXT record")),
        (vec![other.key.record()], Some("another key")),
        (vec![record.clone(), "v=spf1 -all".into()], Some("2 TXT records")),
        (vec!["v=spf1 -all".into()], Some("cannot be used")),
        (vec!["v=DKIM1; k=ed25519; p=".into()], Some("revoked")),
    ] {
        match (one.compare(&records), want) {
            (Ok(()), None) => {}
            (Err(cause), Some(part)) => assert!(cause.contains(part), "{cause}"),
            (got, want) => panic!("{records:?}: {got:?}, not {want:?}"),
        }
    }
}
