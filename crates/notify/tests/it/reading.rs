//! The JSON of an event: what is read, and what is told of mistakes.

use postrider_notify::Event;
use serde_json::{Value, json};

fn check(json: Value, fields: &[&str]) {
    let mut found: Vec<_> =
        Event::read(json.clone()).unwrap_err().into_iter().map(|fault| fault.field).collect();
    found.sort();
    assert_eq!(found, fields, "{json}");
}

#[test]
fn every_mistake_is_told_by_its_field() {
    let to = |recipient: Value| json!({"recipients": [recipient]});
    let with = |key: &str, value: Value| json!({"recipients": ["a@x.example"], key: value});
    check(json!([]), &["body", "recipients"]);
    check(json!({}), &["recipients"]);
    check(json!({"recipients": []}), &["recipients"]);
    check(json!({"recipients": "a@x.example"}), &["recipients"]);
    check(to(json!("nobody")), &["recipients[0]"]);
    check(to(json!({"name": "x"})), &["recipients[0].address"]);
    check(to(json!({"address": "a@x.example", "reason": "two words"})), &["recipients[0].reason"]);
    check(to(json!({"address": "a@x.example", "languge": "de"})), &["recipients[0].languge"]);
    check(
        to(json!({"address": "a@x.example", "unsubscribe": "javascript:x"})),
        &["recipients[0].unsubscribe"],
    );
    check(to(json!({"address": "a@x.example", "wants_own": "yes"})), &["recipients[0].wants_own"]);
    check(to(json!({"address": "a@x.example", "reply_to": "x"})), &["recipients[0].reply_to"]);
    check(with("actor", json!({})), &["actor.name"]);
    check(with("at", json!("yesterday")), &["at"]);
    check(with("data", json!([])), &["data"]);
    check(with("thread", json!({"step": "x"})), &["thread.id"]);
    for id in ["", " ", "a\nb", &"x".repeat(301)] {
        check(with("thread", json!(id)), &["thread.id"]);
        check(with("thread", json!({"id": id})), &["thread.id"]);
    }
    check(with("list", json!({"archive": "x", "ID": "y"})), &["list.ID", "list.archive"]);
    check(with("precedence", json!("junk")), &["precedence"]);
    check(with("subject", json!("x")), &["subject"]);
    let many: Vec<String> = (0..1_001).map(|n| format!("p{n}@x.example")).collect();
    check(json!({"recipients": many}), &["recipients"]);
}

#[test]
fn null_is_as_good_as_nothing() {
    let json = json!({"id": null, "actor": null, "thread": null, "list": null, "at": null, "data": null,
        "recipients": [{"address": "A <a@x.example>", "name": null, "data": null}]});
    let event = Event::read(json).unwrap();
    assert_eq!(event.recipients[0].mailbox.name.as_deref(), Some("A"));
    assert_eq!(event, Event { recipients: event.recipients.clone(), ..Event::default() });
}

#[test]
fn an_actor_is_named_by_what_is_known() {
    let actor = |json: Value| {
        let event = Event::read(json!({"recipients": ["a@x.example"], "actor": json})).unwrap();
        event.actor.unwrap().name
    };
    assert_eq!(actor(json!("Ada")), "Ada");
    assert_eq!(actor(json!({"username": "ada"})), "ada");
    assert_eq!(actor(json!({"name": "Ada", "username": "ada"})), "Ada");
    assert_eq!(actor(json!({"address": "ada@x.example"})), "ada@x.example");
}
