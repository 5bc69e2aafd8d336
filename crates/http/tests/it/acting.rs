//! Changing what was accepted, and how the house does.

use crate::house::house;
use axum::http::StatusCode;
use postrider_http::Trust;
use serde_json::json;

#[tokio::test]
async fn each_action_answers_with_the_new_state_or_too_late() {
    let house = house(Trust::Open);
    let id = house.send("x", &["a@x.example"]).await;
    let steps = [
        ("hold", StatusCode::OK, "held"),
        ("release", StatusCode::OK, "queued"),
        ("cancel", StatusCode::OK, "cancelled"),
        ("cancel", StatusCode::CONFLICT, ""),
        ("release", StatusCode::CONFLICT, ""),
        ("retry", StatusCode::CONFLICT, ""),
    ];
    for (verb, status, state) in steps {
        let reply = house.call("POST", &format!("/emails/{id}/{verb}"), &[], "").await;
        assert_eq!(reply.status, status, "{verb}: {}", reply.text());
        match status {
            StatusCode::OK => assert_eq!(reply.json(), json!({"object": "email", "id": id, "status": state})),
            _ => assert_eq!(reply.json()["code"], "too_late"),
        }
    }
    let id = house.send("y", &["a@x.example"]).await;
    house.deliver().await;
    let reply = house.call("POST", &format!("/emails/{id}/cancel"), &[], "").await;
    assert_eq!(reply.status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_message_is_rescheduled() {
    let house = house(Trust::Open);
    let mail = json!({"from": "a@x.example", "to": "b@x.example", "subject": "s", "text": "t",
        "scheduled_at": "2030-01-01T00:30:00Z"});
    let id = house.post("/emails", &mail).await.id();
    let uri = format!("/emails/{id}");
    assert_eq!(house.get(&uri).await.json()["scheduled_at"], "2030-01-01T00:30:00Z");
    let reply = house.call("PATCH", &uri, &[], r#"{"scheduled_at":"2030-01-01T00:45:00Z"}"#).await;
    assert_eq!((reply.status, &reply.json()["id"]), (StatusCode::OK, &json!(id)));
    assert_eq!(house.get(&uri).await.json()["scheduled_at"], "2030-01-01T00:45:00Z");
    for body in ["{}", r#"{"scheduled_at":"in 1 hour"}"#, r#"{"subject":"x"}"#] {
        let reply = house.call("PATCH", &uri, &[], body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
    }
}

#[tokio::test]
async fn the_house_tells_how_it_does() {
    let house = house(Trust::Open);
    house.send("x", &["a@x.example"]).await;
    assert_eq!(house.get("/livez").await.status, StatusCode::OK);
    for path in ["/readyz", "/healthz"] {
        let told = house.get(path).await.json();
        let warned = told["warnings"][0].as_str().is_some_and(|text| text.contains("in memory"));
        assert!(told["status"] == "ok" && told["durable"] == false && warned, "{path}: {told}");
        assert_eq!(told["reasons"], json!([]), "{path}");
    }
    let counts = house.get("/queue").await.json();
    assert_eq!((&counts["by_status"]["queued"], &counts["unsettled"]), (&json!(1), &json!(1)), "{counts}");
    assert_eq!(house.get("/relays").await.json(), json!({"object": "list", "data": [], "has_more": false}));
}
