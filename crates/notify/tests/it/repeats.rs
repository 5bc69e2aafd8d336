//! Handing an event over: batches, and what happens when it comes again.

use crate::house::{House, event, house, house_with, sample};
use postrider::{Store, SubmitError};
use postrider_notify::{Notified, NotifyError};
use serde_json::{Value, json};

async fn notify(house: &House, name: &str, json: &Value) -> Result<Notified, NotifyError> {
    house.notifier.notify(&house.caller, name, &event(json)).await
}

fn many(count: usize) -> Value {
    (0..count).map(|n| json!({"address": format!("p{n}@x.example"), "reason": "subscribed"})).collect()
}

#[tokio::test]
async fn a_repeated_event_sends_nothing_twice() {
    let house = house();
    let mut event = sample("issue.comment");
    let first = notify(&house, "issue.comment", &event).await.unwrap();
    assert_eq!((first.mails.len(), house.stored().await), (2, 2));
    let again = notify(&house, "issue.comment", &event).await.unwrap();
    let ids = |n: &Notified| n.mails.iter().map(|m| (m.id, m.to.clone())).collect::<Vec<_>>();
    assert_eq!(ids(&again), ids(&first));
    assert!(again.mails.iter().all(|mail| mail.repeated) && first.mails.iter().all(|mail| !mail.repeated));
    // In another order, and with one who was not there before.
    event["recipients"].as_array_mut().unwrap().insert(0, json!("new@x.example"));
    event["recipients"].as_array_mut().unwrap().swap(1, 2);
    let more = notify(&house, "issue.comment", &event).await.unwrap();
    assert_eq!(more.mails.iter().map(|m| m.repeated).collect::<Vec<_>>(), [false, true, true]);
    assert_eq!(house.stored().await, 3);
    // The same id for something else.
    event["data"]["issue"]["title"] = json!("another");
    let refused = notify(&house, "issue.comment", &event).await;
    assert!(matches!(refused, Err(NotifyError::Submit(SubmitError::KeyReused(_)))), "{refused:?}");
    assert_eq!(house.stored().await, 3);
}

#[tokio::test]
async fn a_lasting_message_id_stands_in_for_the_events_own() {
    let house = house_with(&[("ping.txt", "Ping\n---\n!")], |builder| builder);
    let mut comment = sample("issue.comment");
    comment.as_object_mut().unwrap().remove("id");
    let ping = json!({"recipients": ["a@x.example"]});
    let thread = json!({"recipients": ["a@x.example"], "thread": "ping/1"});
    for (name, event, new) in [
        ("issue.comment", &comment, 2),
        ("issue.comment", &comment, 0),
        ("ping", &ping, 1),
        ("ping", &ping, 1),
        ("ping", &thread, 1),
        ("ping", &thread, 0),
    ] {
        let before = house.stored().await;
        notify(&house, name, event).await.unwrap();
        assert_eq!(house.stored().await, before + new, "{name} {event}");
    }
}

#[tokio::test]
async fn many_recipients_go_in_batches_and_share_their_text() {
    let house = house();
    let mut event = sample("issue.comment");
    event["recipients"] = many(250);
    let done = notify(&house, "issue.comment", &event).await.unwrap();
    assert_eq!((done.mails.len(), house.stored().await), (250, 250));
    let mut bodies = Vec::new();
    for mail in &done.mails {
        bodies.push(house.mailer.store().content(mail.id).await.unwrap().body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "one boundary, one body");
    let view = house.mailer.store().get(done.mails[0].id).await.unwrap().unwrap();
    assert_eq!(view.meta.tags, [("event".to_owned(), "issue.comment".to_owned())]);

    let own = house_with(&[("ping.txt", "Ping\n---\n!")], |builder| builder);
    let refused = notify(&own, "ping", &json!({"recipients": many(101)})).await;
    assert!(matches!(&refused, Err(NotifyError::Invalid(faults)) if faults[0].field == "id"), "{refused:?}");
    assert_eq!(own.stored().await, 0);
}

/// A Message-ID that the clock makes stands for nothing: the same event comes with another the next moment.
#[tokio::test]
async fn the_clock_makes_no_event_known_again() {
    let house = house();
    for name in ["issue.close", "pull.push", "pull.review_requested"] {
        let mut event = sample(name);
        let map = event.as_object_mut().unwrap();
        map.remove("id");
        map.remove("at");
        let keys = |event: &Value| -> Vec<bool> {
            let groups = house.plan(name, event).groups;
            groups.iter().flat_map(|g| &g.letters).map(|l| l.options.idempotency_key.is_some()).collect()
        };
        assert!(keys(&event).iter().all(|known| !known), "{name}");
        for (key, value) in [("at", "2026-11-26T09:00:00Z"), ("id", "e-1"), ("thread", "own/1")] {
            let mut event = event.clone();
            event[key] = json!(value);
            assert!(keys(&event).iter().all(|known| *known), "{name} {key}");
        }
        event["recipients"] = many(101);
        let refused = notify(&house, name, &event).await;
        let Err(NotifyError::Invalid(faults)) = &refused else { panic!("{name}: {refused:?}") };
        assert_eq!(faults[0].field, "id", "{name}");
    }
    assert_eq!(house.stored().await, 0);
}
