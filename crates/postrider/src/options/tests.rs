//! What is refused of options, and how it is said.

use super::*;
use crate::Limits;
use std::time::Duration;

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

fn settings() -> MailerSettings {
    MailerSettings {
        profile: ::message::Profile::default(),
        limits: Limits::default(),
        expire_after: Duration::from_secs(3600),
        relays: vec!["default".into(), "backup".into()],
        hostname: "localhost".into(),
        first_try: Duration::ZERO,
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

#[test]
fn impossible_options_are_named() {
    let check = |options: Options, field: &str, word: &str| {
        let Err(mistakes) = Checked::new(options, &settings(), NOW) else { panic!("{field} was taken") };
        assert_eq!(mistakes.len(), 1, "{mistakes:?}");
        assert_eq!(mistakes[0].field, field);
        assert!(mistakes[0].problem.contains(word), "{mistakes:?}");
    };
    let none = Options::default;
    check(Options { expires_at: Some(NOW), ..none() }, "expires_at", "later");
    check(Options { scheduled_at: Some(at(9)), expires_at: Some(at(5)), ..none() }, "expires_at", "before");
    check(Options { idempotency_key: Some(String::new()), ..none() }, "idempotency_key", "256");
    check(Options { idempotency_key: Some("x".repeat(257)), ..none() }, "idempotency_key", "256");
    check(Options { external_id: Some("a\nb".into()), ..none() }, "external_id", "control");
    check(Options { info: Some("a\nb".into()), ..none() }, "info", "control");
    check(Options { relay: Some("nowhere".into()), ..none() }, "relay", "backup");
    check(Options { metadata: Some("x".repeat(20_001)), ..none() }, "metadata", "20000");
    check(Options { tags: vec![(String::new(), String::new()); 101], ..none() }, "tags", "100");
}

#[test]
fn defaults_are_filled_in() {
    let checked = Checked::new(Options::default(), &settings(), NOW).ok().unwrap();
    assert_eq!((checked.due_at, checked.expires_at, &*checked.route), (NOW, at(3600), "default"));
    let later = Options { scheduled_at: Some(at(100)), relay: Some("backup".into()), ..Options::default() };
    let checked = Checked::new(later, &settings(), NOW).ok().unwrap();
    assert_eq!((checked.due_at, checked.expires_at, &*checked.route), (at(100), at(3700), "backup"));
}

#[test]
fn header_fields_become_options() {
    let fields =
        |list: &[(&str, &str)]| list.iter().map(|(n, v)| (n.to_string(), v.to_string())).collect::<Vec<_>>();
    let given = fields(&[
        ("idempotency-key", " k1 "),
        ("tag", "campaign=spring"),
        ("tag", "x"),
        ("priority", "Bulk"),
        ("scheduled-at", "1970-01-01T00:01:40Z"),
    ]);
    let options = with_header_fields(Options::default(), &given).unwrap();
    assert_eq!(options.idempotency_key.as_deref(), Some("k1"));
    assert_eq!(options.tags, [("campaign".into(), "spring".into()), ("tag".into(), "x".into())]);
    assert_eq!((options.priority, options.scheduled_at), (Priority::Bulk, Some(at(100))));
    let wrong = fields(&[("priority", "high"), ("expires-at", "tomorrow"), ("colour", "red")]);
    let mistakes = with_header_fields(Options::default(), &wrong).unwrap_err();
    let names: Vec<_> = mistakes.iter().map(|m| m.field.as_str()).collect();
    assert_eq!(
        names,
        ["headers.X-Postrider-priority", "headers.X-Postrider-expires-at", "headers.X-Postrider-colour"]
    );
}
