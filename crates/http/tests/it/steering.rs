//! Pausing, resuming, draining, purging.

use crate::house::house;
use axum::http::StatusCode;
use postrider_http::Trust;
use queue::state::KeyScope;
use serde_json::json;

#[tokio::test]
async fn a_drain_takes_nothing_until_it_is_resumed() {
    let house = house(Trust::Open);
    let mail = json!({"from": "a@x.example", "to": "b@x.example", "subject": "s", "text": "t"});
    let drained = house.call("POST", "/queue/drain", &[], "").await.json();
    assert!(drained["refusing"].as_str().unwrap().contains("drained"), "{drained}");
    assert_eq!(house.post("/emails", &mail).await.status, StatusCode::SERVICE_UNAVAILABLE);
    for path in ["/readyz", "/healthz"] {
        assert_eq!(house.get(path).await.status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
    }
    let resumed = house.call("POST", "/queue/resume", &[], "").await.json();
    assert_eq!(resumed["refusing"], json!(null));
    assert_eq!(house.post("/emails", &mail).await.status, StatusCode::ACCEPTED);
}

#[tokio::test]
async fn a_pause_is_told_with_its_reason_and_kept() {
    let house = house(Trust::Open);
    let paused = house.call("POST", "/queue/pause", &[], r#"{"why":"the relay moves"}"#).await.json();
    assert_eq!((&paused["object"], &paused["paused"]), (&json!("queue"), &json!("the relay moves")));
    assert_eq!(house.state.pauses().unwrap().len(), 1);
    let paused = house.call("POST", "/queue/pause", &[], "").await.json();
    assert_eq!(paused["paused"], "paused by hand");
    assert_eq!(house.call("POST", "/queue/resume", &[], "").await.json()["paused"], json!(null));
    assert!(house.state.pauses().unwrap().is_empty());
    for body in [r#"{"reason":"x"}"#, r#"{"why":1}"#] {
        let refused = house.call("POST", "/queue/pause", &[], body).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
    for verb in ["pause", "resume"] {
        let reply = house.call("POST", &format!("/relays/nowhere/{verb}"), &[], "").await;
        assert_eq!((reply.status, &reply.json()["detail"]), (StatusCode::NOT_FOUND, &json!("no such relay")));
    }
    assert!(house.state.pauses().unwrap().is_empty());
}

#[tokio::test]
async fn a_purge_takes_what_is_settled() {
    let house = house(Trust::Open);
    house.send("settled", &["a@x.example"]).await;
    house.deliver().await;
    house.send("waiting", &["a@x.example"]).await;
    let purged = house.call("POST", "/queue/purge", &[], "").await.json();
    assert_eq!((&purged["action"], &purged["changed"]), (&json!("purge"), &json!(1)));
    assert_eq!(house.get("/queue").await.json()["unsettled"], 1);
}

#[tokio::test]
async fn only_an_admin_steers() {
    let house = house(Trust::Keys);
    let key = house.key("sender", "default", &[KeyScope::Send, KeyScope::Read]);
    let bearer = format!("Bearer {key}");
    let paths = [
        "/queue/pause",
        "/queue/resume",
        "/queue/drain",
        "/queue/purge",
        "/relays/a/pause",
        "/relays/a/resume",
    ];
    for path in paths {
        let reply = house.call("POST", path, &[("authorization", bearer.as_str())], "").await;
        assert_eq!(reply.status, StatusCode::FORBIDDEN, "{path}");
    }
}
