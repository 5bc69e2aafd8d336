//! Mail that a builder's keys sign.

use crate::bench::{PATIENCE, builder, message, recorder};
use message::dkim::verify;
use postrider::{DkimKey, KeyKind, Keyring, SigningKey, Status, Timestamp};

#[tokio::test]
async fn mail_is_signed_by_the_key_of_its_authors_domain() {
    let (sender, key) = (recorder(), SigningKey::generate(KeyKind::Ed25519).unwrap().0);
    let record = key.record();
    let mut keyring = Keyring::default();
    keyring.add(DkimKey::new("example.com", "s1", key, None), true);
    let mailer = builder(&sender).memory().dkim(keyring).open().await.unwrap();
    for mail in [message("ours"), message("foreign").from("a@example.net")] {
        assert_eq!(mailer.send(mail).await.unwrap().status, Status::Sent);
    }
    mailer.close(PATIENCE).await.unwrap();
    let of_key = |name: &str| (name == "s1._domainkey.example.com").then(|| record.clone());
    let calls = sender.calls();
    let seen: Vec<_> =
        calls.iter().map(|mail| verify(&mail.header, &mail.body, Timestamp::now(), of_key)).collect();
    assert!(seen[0].len() == 1 && seen[0][0].outcome.is_ok(), "{seen:?}");
    assert!(seen[1].is_empty(), "{seen:?}");
}
