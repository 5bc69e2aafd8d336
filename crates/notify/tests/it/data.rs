//! Data that lacks something, does not fit, or means harm.

use crate::house::{House, event, field, house, house_with, profile, sample, templates};
use mail_parser::MessageParser;
use postrider_notify::{Notifier, NotifyError};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The sample of an event without what stands at a path; the fields that are then mistaken.
fn without(house: &House, name: &str, path: &str) -> Vec<String> {
    let mut json = sample(name);
    let mut at = &mut json;
    let names: Vec<&str> = path.split('.').collect();
    let (last, above) = names.split_last().unwrap();
    for key in above {
        at = &mut at[*key];
    }
    at.as_object_mut().unwrap().remove(*last).unwrap();
    house.faults(name, &json)
}

#[test]
fn what_is_missing_is_told_by_name() {
    let house = house();
    for (name, path) in [
        ("issue.comment", "data.repository.full_name"),
        ("issue.comment", "data.issue.number"),
        ("issue.comment", "data.issue.title"),
        ("issue.comment", "data.issue.url"),
        ("issue.comment", "data.comment.id"),
        ("issue.comment", "actor"),
        ("release", "data.release.id"),
        ("release", "data.release.tag"),
        ("release", "actor"),
        ("repo.transfer", "data.url"),
        ("repo.transfer", "actor"),
        ("team.invite", "data.team.name"),
        ("team.invite", "actor"),
        ("user.activate", "data.url"),
        ("user.reset_password", "data.user.name"),
        ("user.activate_email", "data.email"),
        ("user.new", "data.user.email"),
        ("workflow_run", "data.run.status"),
    ] {
        let faults = without(&house, name, path);
        let told = |field: &String| field == path || field.starts_with(&format!("{path}."));
        assert!(faults.iter().any(told), "{name} {path}: {faults:?}");
    }
}

#[test]
fn a_template_says_what_it_lacks() {
    let bill = "Bill {{ bill.number }}\n---\n{{ actor.name }} {{ bill.sum }}";
    let house = house_with(&[("bill.txt", bill)], |builder| builder);
    let check = |json: Value, field: &str| assert_eq!(house.faults("bill", &json), [field], "{json}");
    let to = json!(["a@x.example"]);
    check(json!({"recipients": to, "data": {"bill": {}}}), "data.bill.number");
    check(json!({"recipients": to, "actor": "A", "data": {"bill": {"number": 1}}}), "data.bill.sum");
}

#[test]
fn a_template_without_a_subject_is_its_authors_fault() {
    let house = house_with(&[("mute.txt", "hello")], |builder| builder);
    let event = event(&json!({"recipients": ["a@x.example"]}));
    let told = house.notifier.plan(&house.caller, "mute", &event);
    let Err(NotifyError::Template(text)) = told else { panic!("{told:?}") };
    assert!(text.contains("mute makes no subject"), "{text}");
}

#[test]
fn b7_125_data_of_an_event_is_data() {
    let house = house();
    let mut json = sample("issue.comment");
    json["recipients"] = json!(["a@x.example"]);
    let hostile = "{{7*7}} {% include \"_layouts/mail.html\" %}</td><script>alert(1)</script>";
    json["data"]["comment"] = json!({"id": 1, "text": hostile});
    json["data"]["issue"]["title"] = json!("</td><script> {{7*7}} & \"quotes\"");
    let mail = house.draft("issue.comment", &json);
    let html = mail.html.unwrap();
    assert!(
        html.contains("{{7*7}}") && html.contains("&lt;/td&gt;&lt;script&gt;alert(1)&lt;/script&gt;"),
        "{html}"
    );
    assert!(!html.contains("<script>") && !html.contains("49"), "{html}");
    assert!(mail.subject.contains("</td><script> {{7*7}} & \"quotes\""), "a subject is plain");

    json["data"]["issue"]["title"] = json!("x\r\nBcc: victim@x.example");
    assert_eq!(house.faults("issue.comment", &json), ["data"]);
    json["data"]["issue"]["title"] = json!("x");
    json["data"]["comment"]["url"] = json!("javascript:alert(1)");
    assert_eq!(house.faults("issue.comment", &json), ["data"], "no link of a mail runs a script");
}

#[test]
fn names_and_ids_stay_within_their_fields() {
    let mut json = sample("issue.close");
    json["recipients"] = json!([{"address": "a@x.example", "name": "Jürgen \"J\" <x@y.z>, Dr."}]);
    json["actor"] = json!({"name": "Æsir, <root@x.example>", "username": "æsir"});
    let url = "https://x.example/Müller/päck";
    json["data"]["repository"] = json!({"full_name": "Müller & Söhne/päck age", "url": url});
    let mail = house().draft("issue.close", &json);
    let at = "2026-01-01T00:00:00Z".parse().unwrap();
    let composed = message::compose(&mail, &profile(), at, 7).unwrap();
    assert!(composed.header.is_ascii());
    assert_eq!((composed.envelope.to.len(), composed.envelope.to[0].address.as_str()), (1, "a@x.example"));
    let raw = [&composed.header[..], &composed.body[..]].concat();
    let parsed = MessageParser::default().parse(&raw).unwrap();
    let from = parsed.from().unwrap().first().unwrap();
    assert_eq!(from.name(), Some("Æsir, <root@x.example>"));
    assert_eq!(from.address(), Some("forge@forge.example"));
    let id = field(&mail, "Message-ID");
    assert!(id.starts_with("<M%C3%BCller%20&%20S%C3%B6hne/p%C3%A4ck%20age/issues/12/close/"), "{id}");
    assert_eq!(field(&mail, "List-Archive"), "<https://x.example/M%C3%BCller/p%C3%A4ck>");
    let list = field(&mail, "List-ID");
    assert!(list.ends_with("<p-ck-age.M-ller---S-hne.forge.example>"), "{list}");
}

#[tokio::test]
async fn the_data_of_an_event_is_bounded_with_that_of_its_recipients() {
    let house = house_with(&[("ping.txt", "Ping\n---\n{{ s|length }}")], |builder| builder);
    let to =
        |n: usize, own: usize| json!({"address": format!("p{n}@x.example"), "data": {"o": "x".repeat(own)}});
    for (shared, own, fits) in [(990_000, 1_000, true), (1_000_000, 0, false), (10, 334_000, false)] {
        let all: Vec<Value> = (0..3).map(|n| to(n, own)).collect();
        let json = json!({"id": "1", "recipients": all, "data": {"s": "x".repeat(shared)}});
        let done = house.notifier.notify(&house.caller, "ping", &event(&json)).await;
        match done {
            Ok(_) => assert!(fits),
            Err(NotifyError::Invalid(faults)) => assert!(!fits && faults[0].field == "data", "{faults:?}"),
            Err(other) => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_text_of_an_event_is_bounded() {
    let house = house_with(&[("long.txt", "Long\n---\n{{ s }}{{ s }}{{ own }}")], |builder| builder);
    let long = |count: usize| {
        let to = (0..count).map(|n| json!({"address": format!("p{n}@x.example"), "data": {"own": n}}));
        json!({"recipients": to.collect::<Vec<_>>(), "data": {"s": "x".repeat(900_000)}})
    };
    assert_eq!(house.plan("long", &long(30)).groups.len(), 30);
    assert_eq!(house.faults("long", &long(40)), ["recipients"]);
}

/// So that a template which takes its time holds up nobody else.
#[tokio::test]
async fn mails_are_made_off_the_runtimes_threads() {
    let house = house();
    let (here, elsewhere) = (std::thread::current().id(), Arc::new(AtomicBool::new(false)));
    let (set, seen) = (templates(&[]), elsewhere.clone());
    let shelf = move || {
        seen.store(std::thread::current().id() != here, Ordering::Relaxed);
        set.clone()
    };
    let notifier = Notifier::builder(house.mailer.clone()).build(shelf).unwrap();
    notifier.notify(&house.caller, "issue.close", &event(&sample("issue.close"))).await.unwrap();
    assert!(elsewhere.load(Ordering::Relaxed));
}
