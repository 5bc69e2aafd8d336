//! Acting on many messages at once.

use crate::house::{House, START, house};
use axum::http::StatusCode;
use envelope::Reply;
use postrider_http::Trust;
use queue::state::KeyScope;
use queue::{Attempt, AttemptRecipient, LeaseAsk, Next, RecipientState, Settlement, Store};
use serde_json::{Value, json};
use std::time::Duration;

async fn select(house: &House, body: Value) -> Value {
    let reply = house.post("/queue/select", &body).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()
}

async fn status(house: &House, id: &str) -> String {
    house.get(&format!("/emails/{id}")).await.json()["status"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn conditions_choose_and_a_dry_run_changes_nothing() {
    let house = house(Trust::Open);
    let sent = house.send("sent", &["ok@x.example", "refused@x.example"]).await;
    house.deliver().await;
    let tagged = json!({"from": "a@x.example", "to": "b@y.example", "subject": "s", "text": "t",
        "tags": [{"name": "kind", "value": "news"}]});
    let tagged = house.post("/emails", &tagged).await.id();
    let plain = house.send("plain", &["Carol@x.example"]).await;
    let chosen = async |action: &str, conditions: &str| -> Vec<String> {
        let body = json!({"where": conditions, "action": action, "dry_run": true});
        let answer = select(&house, body).await;
        assert_eq!((&answer["object"], &answer["dry_run"]), (&json!("selection"), &json!(true)));
        assert_eq!(answer["matched"], answer["changed"]);
        answer["data"].as_array().unwrap().iter().map(|d| d["id"].as_str().unwrap().to_owned()).collect()
    };
    let cases: &[(&str, &str, &[&String])] = &[
        ("hold", "", &[&plain, &tagged]),
        ("hold", "to=carol@X", &[&plain]),
        ("hold", "tag=news", &[&tagged]),
        ("hold", "tag=kind", &[&tagged]),
        ("hold", "tag=kind:news since=1h", &[&tagged]),
        ("hold", "tag=kind:other", &[]),
        ("hold", "since=2031-01-01T00:00:00Z", &[]),
        ("retry", "", &[&sent]),
        ("retry", "code=550 relay=here", &[&sent]),
        ("retry", "code=5.1.1", &[&sent]),
        ("retry", "code=554", &[]),
        ("retry", "relay=there", &[]),
        ("retry", "status=queued,partial", &[&plain, &tagged, &sent]),
        ("purge", "", &[&sent]),
        ("release", "", &[]),
        ("cancel", "status=queued tag=news", &[&tagged]),
    ];
    for (action, conditions, expected) in cases {
        assert_eq!(
            &chosen(action, conditions).await.iter().collect::<Vec<_>>(),
            expected,
            "{action} {conditions}"
        );
    }
    assert_eq!(status(&house, &plain).await, "queued");
}

#[tokio::test]
async fn each_is_acted_on_and_the_unfit_are_told() {
    let house = house(Trust::Open);
    let settled = house.send("settled", &["a@x.example"]).await;
    house.deliver().await;
    let waiting = house.send("waiting", &["b@x.example"]).await;
    let held = select(&house, json!({"ids": [waiting, settled], "action": "hold"})).await;
    assert_eq!((&held["matched"], &held["changed"]), (&json!(2), &json!(1)), "{held}");
    assert_eq!(held["data"][0], json!({"id": waiting, "status": "held", "problem": null}));
    assert!(held["data"][1]["problem"].as_str().unwrap().contains("sent"), "{held}");
    let purged = select(&house, json!({"where": "", "action": "purge"})).await;
    assert_eq!((&purged["matched"], &purged["changed"]), (&json!(1), &json!(1)), "{purged}");
    assert_eq!(house.get(&format!("/emails/{settled}")).await.status, StatusCode::NOT_FOUND);
    assert_eq!(status(&house, &waiting).await, "held");
    select(&house, json!({"where": "to=b@x", "action": "release"})).await;
    assert_eq!(status(&house, &waiting).await, "queued");
    select(&house, json!({"where": "", "action": "cancel"})).await;
    assert_eq!(status(&house, &waiting).await, "cancelled");
}

#[tokio::test]
async fn a_list_shows_what_waits_page_by_page() {
    let house = house(Trust::Open);
    house.send("settled", &["ok@x.example", "no@x.example"]).await;
    house.deliver().await;
    let old = house.send("old", &["b@x.example"]).await;
    let new = house.send("new", &["b@x.example", "c@x.example"]).await;
    let page = select(&house, json!({"where": "", "action": "list", "limit": 1})).await;
    assert_eq!((&page["object"], &page["has_more"]), (&json!("list"), &json!(true)));
    assert_eq!((&page["data"][0]["id"], page["data"].as_array().unwrap().len()), (&json!(new), 1));
    assert_eq!(page["data"][0]["recipients"], json!(["b@x.example", "c@x.example"]));
    let page = select(&house, json!({"where": "", "action": "list", "after": new})).await;
    assert_eq!((&page["data"][0]["id"], &page["has_more"]), (&json!(old), &json!(false)));
    assert_eq!((&page["data"][0]["attempts"], &page["data"][0]["last_reply"]), (&json!(0), &json!(null)));
    let settled = select(&house, json!({"where": "status=partial", "action": "list"})).await;
    assert_eq!(settled["data"][0]["last_reply"], "550 5.1.1 <b>nobody</b> here");
    let named = select(&house, json!({"ids": [old, new], "action": "list"})).await;
    assert_eq!(named["data"].as_array().unwrap().len(), 2);
}

/// Each recipient's answer, and what is final of it; the rest waits.
fn answered(answers: &[(u32, Option<Reply>, Option<RecipientState>)]) -> Settlement {
    let result = |(index, reply, _): &(u32, Option<Reply>, _)| AttemptRecipient {
        index: *index,
        command: "RCPT".into(),
        reply: reply.clone(),
        cause: reply.is_none().then(|| "the connection broke".into()),
    };
    let attempt = Attempt {
        at: START.parse().unwrap(),
        relay: "here".into(),
        peer: "127.0.0.1:25".into(),
        recipients: answers.iter().map(result).collect(),
        transcript: String::new(),
        remote_id: None,
    };
    Settlement {
        finals: answers.iter().filter_map(|(index, _, state)| Some((*index, (*state)?))).collect(),
        next: Next::RetryIn(Duration::ZERO),
        attempt: Some(attempt),
        counted: true,
        in_doubt: false,
        only: None,
    }
}

#[tokio::test]
async fn regress_a_list_tells_why_a_mail_waits_and_not_what_another_recipient_was_told() {
    let house = house(Trust::Open);
    house.send("one", &["gone@x.example", "full@x.example", "well@x.example"]).await;
    let (gone, full) = (Reply::new(550, "5.1.1 nobody"), Reply::new(452, "4.2.2 full"));
    let well = Reply::new(250, "2.1.5 Ok");
    let (failed, sent) = (Some(RecipientState::Failed), Some(RecipientState::Sent));
    let steps = [
        (
            vec![(0, Some(gone), failed), (1, Some(full), None), (2, Some(well.clone()), sent)],
            "452 4.2.2 full",
        ),
        (vec![(1, None, None)], "the connection broke"),
        (vec![(1, Some(well), sent)], "550 5.1.1 nobody"),
    ];
    for (answers, told) in steps {
        let store = house.mailer.store();
        let lease = store.lease(LeaseAsk::new("default", 1)).await.unwrap().pop().unwrap();
        store.settle(vec![(lease, answered(&answers))]).await.unwrap();
        let page = select(&house, json!({"where": "", "action": "list"})).await;
        let page = if page["data"][0].is_null() {
            select(&house, json!({"where": "status=partial", "action": "list"})).await
        } else {
            page
        };
        assert_eq!(page["data"][0]["last_reply"], told);
    }
}

#[tokio::test]
async fn many_pages_are_chosen_and_the_answer_is_bounded() {
    let house = house(Trust::Open);
    for round in 0..12 {
        let subject = round.to_string();
        let mail = json!({"from": "a@x.example", "to": "b@x.example", "subject": subject, "text": "t"});
        let reply = house.post("/emails/batch", &json!(vec![mail; 100])).await;
        assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text());
    }
    let held = select(&house, json!({"where": "status=queued", "action": "hold"})).await;
    assert_eq!((&held["changed"], &held["has_more"]), (&json!(1_200), &json!(true)));
    assert_eq!(held["data"].as_array().unwrap().len(), 1_000);
    assert_eq!(house.get("/queue").await.json()["by_status"]["held"], 1_200);
}

#[tokio::test]
async fn mistakes_are_told_and_only_an_admin_may() {
    let house = house(Trust::Keys);
    let admin = house.key("admin", "default", &[KeyScope::Admin]);
    let sender = house.key("sender", "default", &[KeyScope::Send, KeyScope::Read]);
    let call = async |key: &str, body: &str| {
        let bearer = format!("Bearer {key}");
        house.call("POST", "/queue/select", &[("authorization", bearer.as_str())], body.to_owned()).await
    };
    let refused = [
        ("{}", "action: is missing"),
        (r#"{"action":"hold"}"#, "where: is missing"),
        (r#"{"action":"explode","where":""}"#, "list, cancel, retry, hold, release or purge"),
        (r#"{"action":"hold","where":"","ids":[]}"#, "one of them"),
        (r#"{"action":"hold","ids":["x"]}"#, "ids[0]: must be an email's id"),
        (r#"{"action":"hold","where":"status=late"}"#, "status=late is not one of"),
        (r#"{"action":"hold","where":"failed"}"#, "key=value"),
        (r#"{"action":"hold","where":"colour=red"}"#, "colour is not a known key"),
        (r#"{"action":"hold","where":"to=a to=b"}"#, "to is given twice"),
        (r#"{"action":"hold","where":"since=99999999999999999d"}"#, "too long ago"),
        (r#"{"action":"hold","where":"since=2x"}"#, "since=2x must be like"),
        (r#"{"action":"hold","where":"","dry_run":1}"#, "must be true or false"),
        (r#"{"action":"hold","where":"","colour":1}"#, "colour: is not a known key"),
        (r#"{"action":"list","where":"","limit":1001}"#, "limit: must be 1 to 1000"),
        (r#"{"action":"list","where":"","after":"x"}"#, "after: must be an email's id"),
    ];
    for (body, said) in refused {
        let reply = call(&admin, body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        assert!(reply.json()["detail"].as_str().unwrap().contains(said), "{body}: {}", reply.text());
    }
    assert_eq!(call(&sender, r#"{"action":"hold","where":""}"#).await.status, StatusCode::FORBIDDEN);
    assert_eq!(call(&admin, r#"{"action":"hold","where":""}"#).await.status, StatusCode::OK);
}
