//! `POST /events/{name}`.

use crate::house::{House, house_with};
use axum::http::StatusCode;
use notify::{Notifier, built_in};
use postrider::Mailbox;
use postrider_http::{Events, Trust};
use serde_json::{Value, json};
use std::sync::Arc;
use template::{Source, Templates};

/// With an event of the application's own.
fn forge() -> House {
    let house = house_with(Trust::Open, |s| s.profile.from = Mailbox::parse("forge@example.org").ok());
    let text = "Ping {{ number }}\n---\n!".to_owned();
    let ours = Source { name: "ping.txt".into(), text, origin: "ping.txt".into() };
    let templates = Templates::new(built_in().into_iter().chain([ours])).unwrap();
    let templates = Arc::new(templates);
    let notifier = Notifier::builder(house.mailer.clone()).build(move || templates.clone()).unwrap();
    House { router: Events::of(Some(&notifier), house.router), ..house }
}

fn ping(number: u32, to: Value) -> Value {
    json!({"data": {"number": number}, "recipients": to, "actor": {"name": "A", "address": "a@example.org"}})
}

#[tokio::test]
async fn an_event_is_mailed_and_who_is_left_out_is_told() {
    let house = forge();
    let to = json!(["b@example.org", "B <b@EXAMPLE.org>", "a@example.org", "c@example.org"]);
    let reply = house.post("/events/ping", &ping(1, to)).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text());
    let answer = reply.json();
    assert_eq!(answer["data"][0]["to"], "b@example.org");
    assert_eq!(answer["data"][1]["to"], "c@example.org");
    let left =
        json!([{"to": "b@example.org", "reason": "repeated"}, {"to": "a@example.org", "reason": "actor"}]);
    assert_eq!(answer["skipped"], left);
    let id = answer["data"][0]["id"].as_str().unwrap().to_owned();
    let mail = house.get(&format!("/emails/{id}")).await.json();
    assert_eq!((&mail["subject"], &mail["to"]), (&json!("Ping 1"), &json!(["b@example.org"])));
    assert_eq!(mail["tags"], json!([{"name": "event", "value": "ping"}]));
}

#[tokio::test]
async fn the_same_event_again_is_the_same_answer() {
    let house = forge();
    let key = [("idempotency-key", "k1")];
    let body = ping(1, json!(["b@example.org"])).to_string();
    let first = house.call("POST", "/events/ping", &key, body.clone()).await.json();
    assert_eq!(house.call("POST", "/events/ping", &key, body).await.json(), first);
    let mut own = ping(1, json!(["b@example.org"]));
    own["id"] = json!("k1");
    assert_eq!(house.post("/events/ping", &own).await.json(), first, "the header is for who has no id");
    own["data"]["number"] = json!(2);
    let refused = house.post("/events/ping", &own).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["code"], "idempotency_key_reused");
    assert_eq!(house.get("/emails").await.json()["data"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn mistakes_are_told_by_their_fields() {
    let house = forge();
    for (body, field) in [
        (json!({"data": {}, "recipients": ["b@example.org"]}), "data.number"),
        (json!({"data": {"number": 1}}), "recipients"),
        (ping(1, json!(["nobody"])), "recipients[0]"),
        (json!({"recipients": ["b@example.org"], "datta": {}}), "datta"),
        (json!([]), "body"),
    ] {
        let reply = house.post("/events/ping", &body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert_eq!(reply.json()["errors"][0]["field"], field, "{body}: {}", reply.text());
    }
    let twice = house.call("POST", "/events/ping", &[], "{\"data\":{},\"data\":{}}").await;
    assert_eq!(
        (twice.status, &twice.json()["errors"][0]["field"]),
        (StatusCode::UNPROCESSABLE_ENTITY, &json!("body"))
    );
}

#[tokio::test]
async fn unknown_names_are_told_with_those_there_are() {
    let house = forge();
    let body = ping(1, json!(["b@example.org"]));
    for (name, code, word) in [
        ("pin", "unknown_event", "ping, pull.approve"),
        ("send", "reserved_event", "reserved"),
        ("..%2fetc", "unknown_event", "there is no event"),
    ] {
        let reply = house.post(&format!("/events/{name}"), &body).await;
        assert_eq!((reply.status, &reply.json()["code"]), (StatusCode::NOT_FOUND, &json!(code)), "{name}");
        assert!(reply.text().contains(word), "{}", reply.text());
    }
    let nobody = crate::house::house(Trust::Open);
    let templates = Arc::new(Templates::new(built_in()).unwrap());
    let notifier = Notifier::builder(nobody.mailer.clone()).build(move || templates.clone()).unwrap();
    let nobody = House { router: Events::of(Some(&notifier), nobody.router), ..nobody };
    let welcome = json!({"data": {"user": {"name": "A"}, "url": "https://x.example/"}, "recipients": ["a@example.org"]});
    let refused = nobody.post("/events/user.welcome", &welcome).await;
    assert_eq!(refused.json()["errors"][0]["field"], "from", "{}", refused.text());
    let none = crate::house::house(Trust::Open).post("/events/ping", &body).await;
    assert_eq!((none.status, &none.json()["code"]), (StatusCode::NOT_FOUND, &json!("not_found")));
}

#[tokio::test]
async fn a_key_without_send_mails_no_event() {
    let house = forge();
    let key = house.key("reader", "p", &[queue::state::KeyScope::Read]);
    let bearer = format!("Bearer {key}");
    let body = ping(1, json!(["b@example.org"])).to_string();
    let reply = house.call("POST", "/events/ping", &[("authorization", &bearer)], body).await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN, "{}", reply.text());
}
