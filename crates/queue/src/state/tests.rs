//! Keys: made, found, refused, revoked, and seen by other processes.

use super::*;
use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::num::NonZeroU32;
use std::os::unix::fs::PermissionsExt;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn folder() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[test]
fn a_key_is_found_by_its_text_and_by_its_name() {
    let db = StateDb::in_memory().unwrap();
    let new = NewKey {
        project: "shop".into(),
        scopes: vec![KeyScope::Send],
        from_domains: vec!["a.example".into(), "b.example".into()],
        ..NewKey::named("web-1", NOW)
    };
    let made = db.create(&new).unwrap();
    assert!(made.key.starts_with("pr_") && made.key.len() == 46, "{}", made.key);
    assert!(!format!("{made:?}{db:?}").contains(&made.key));
    let found = db.by_key(&made.key).unwrap();
    assert_eq!((&*found.id, &*found.project, &found.scopes), (&*made.id, "shop", &new.scopes));
    assert_eq!(found.from_domains, new.from_domains);
    assert_eq!(db.by_name("web-1", &made.key), Some(found));
    for wrong in ["", "pr_", "pr_x", &made.key[..45], &format!("{} ", made.key)] {
        assert_eq!(db.by_key(wrong), None, "{wrong:?}");
        assert_eq!(db.by_name("web-1", wrong), None, "{wrong:?}");
    }
    assert_eq!(db.by_name("web-2", &made.key), None);
    let other = db.create(&NewKey::named("web-2", NOW)).unwrap();
    assert_eq!(db.by_name("web-1", &other.key), None);
}

#[test]
fn names_are_checked_and_unique_among_keys_that_count() {
    let db = StateDb::in_memory().unwrap();
    let long = "x".repeat(65);
    for name in ["", "A", "a b", "ä", "a/b", &long, "01890a5d-ac96-774b-bcce-b302099a8057"] {
        let got = db.create(&NewKey::named(name, NOW));
        assert!(matches!(got, Err(StateError::BadName(_))), "{name:?}");
    }
    let first = db.create(&NewKey::named("a.b_c-9", NOW)).unwrap();
    assert!(matches!(db.create(&NewKey::named("a.b_c-9", NOW)), Err(StateError::NameTaken(_))));
    db.revoke("a.b_c-9", NOW).unwrap();
    let second = db.create(&NewKey::named("a.b_c-9", NOW)).unwrap();
    assert_eq!(db.by_name("a.b_c-9", &first.key), None);
    assert_eq!(db.by_name("a.b_c-9", &second.key).unwrap().id, second.id);
    let none = NewKey { scopes: Vec::new(), ..NewKey::named("x", NOW) };
    assert!(matches!(db.create(&none), Err(StateError::NoScope)));
}

#[test]
fn a_revoked_key_is_listed_and_does_not_count() {
    let db = StateDb::in_memory().unwrap();
    let made = db.create(&NewKey::named("one", NOW)).unwrap();
    let later = Timestamp::from_second(9).unwrap();
    assert_eq!(db.revoke(&made.id, later).unwrap().revoked_at, Some(later));
    assert_eq!(db.revoke(&made.id, NOW).unwrap().revoked_at, Some(later));
    assert_eq!(db.by_key(&made.key), None);
    assert_eq!(db.list().unwrap()[0].revoked_at, Some(later));
    assert!(matches!(db.revoke("one", NOW), Err(StateError::NotFound)));
}

#[test]
fn what_another_process_writes_counts_at_once() {
    let dir = folder();
    let (ours, theirs) = (StateDb::open(dir.path()).unwrap(), StateDb::open(dir.path()).unwrap());
    assert_eq!(ours.by_key("pr_none"), None);
    let made = theirs.create(&NewKey::named("one", NOW)).unwrap();
    assert_eq!(ours.by_key(&made.key).unwrap().id, made.id);
    theirs.revoke("one", NOW).unwrap();
    assert_eq!(ours.by_key(&made.key), None);
}

#[test]
fn the_file_is_private_and_keeps_no_key() {
    let dir = folder();
    let made = StateDb::open(dir.path()).unwrap().create(&NewKey::named("one", NOW)).unwrap();
    let path = dir.path().join("state.db");
    assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    let bytes = std::fs::read(&path).unwrap();
    assert!(memchr::memmem::find(&bytes, b"CREATE TABLE keys").is_some());
    assert!(memchr::memmem::find(&bytes, made.key.as_bytes()).is_none());
    let db = StateDb::open(dir.path()).unwrap();
    assert_eq!(db.by_key(&made.key).unwrap().name, "one");
}

#[test]
fn a_newer_format_is_refused_and_left_alone() {
    let dir = folder();
    let path = dir.path().join("state.db");
    Connection::open(&path).unwrap().pragma_update(None, "user_version", 7).unwrap();
    let before = std::fs::read(&path).unwrap();
    let refusal = StateDb::open(dir.path()).unwrap_err().to_string();
    assert!(refusal.contains("format 7") && refusal.contains("newer postrider"), "{refusal}");
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

/// The exchange of RFC 7677 3: the server's signature comes out of the verifier.
#[test]
fn the_verifier_is_that_of_the_rfc() {
    let salt = STANDARD.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap().try_into().unwrap();
    let verifier = ScramVerifier::new(b"pencil", salt, NonZeroU32::new(4096).unwrap());
    let nonce = "rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
    let message =
        format!("n=user,r=rOprNGfwEbeRWgbNEkqO,r={nonce},s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096,c=biws,r={nonce}");
    let key = hmac::Key::new(hmac::HMAC_SHA256, &verifier.server_key);
    let signature = STANDARD.encode(hmac::sign(&key, message.as_bytes()));
    assert_eq!(signature, "6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

#[test]
fn an_unknown_user_has_a_stable_false_salt() {
    let dir = folder();
    let db = StateDb::open(dir.path()).unwrap();
    db.create(&NewKey::named("one", NOW)).unwrap();
    let nobody = db.scram("nobody").unwrap();
    assert_eq!(StateDb::open(dir.path()).unwrap().scram("nobody").unwrap(), nobody);
    assert_ne!(db.scram("someone").unwrap().salt, nobody.salt);
    assert_eq!(db.scram("one").unwrap().iterations, nobody.iterations);
}
