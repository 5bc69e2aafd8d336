//! `GET /emails…`: lists, one message, the newest, the bytes.

use crate::house::{House, house};
use axum::http::StatusCode;
use postrider_http::Trust;
use serde_json::json;

async fn subjects(house: &House, uri: &str) -> (Vec<String>, bool) {
    let page = house.get(uri).await.json();
    assert_eq!(page["object"], "list", "{page}");
    let rows = page["data"].as_array().unwrap();
    (rows.iter().map(|r| r["subject"].as_str().unwrap().to_owned()).collect(), page["has_more"] == true)
}

#[tokio::test]
async fn a_list_is_filtered_and_paged() {
    let house = house(Trust::Open);
    let mut ids = Vec::new();
    for (subject, to) in [("one", "a@x.example"), ("two", "b@x.example"), ("three", "a@y.example")] {
        ids.push(house.send(subject, &[to]).await);
    }
    let (first, second) = (&ids[0], &ids[1]);
    let cases = [
        ("/emails".to_owned(), &["three", "two", "one"][..], false),
        ("/emails?limit=2".into(), &["three", "two"], true),
        (format!("/emails?after={second}"), &["one"], false),
        (format!("/emails?before={first}"), &["three", "two"], false),
        ("/emails?to=A@x".into(), &["one"], false),
        ("/emails?subject=TWO".into(), &["two"], false),
        ("/emails?q=y.example".into(), &["three"], false),
        ("/emails?status=queued&q=".into(), &["three", "two", "one"], false),
        ("/emails?status=sent".into(), &[], false),
    ];
    for (uri, expected, more) in cases {
        assert_eq!(
            subjects(&house, &uri).await,
            (expected.iter().map(ToString::to_string).collect(), more),
            "{uri}"
        );
    }
    for (uri, field) in [
        ("/emails?status=gone", "status"),
        ("/emails?limit=0", "limit"),
        ("/emails?limit=1001", "limit"),
        ("/emails?after=x", "after"),
        ("/emails?sort=up", "sort"),
    ] {
        let reply = house.get(uri).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{uri}");
        assert_eq!(reply.json()["errors"][0]["field"], field);
    }
}

#[tokio::test]
async fn a_list_is_filtered_by_what_a_mail_bears() {
    let house = house(Trust::Open);
    let tagged = json!({"from": "a@x.example", "to": "b@y.example", "subject": "tagged", "text": "t",
        "external_id": "e-1", "tags": [{"name": "kind", "value": "news"}]});
    let tagged = house.post("/emails", &tagged).await.id();
    house.deliver().await;
    house.send("plain", &["b@y.example"]).await;
    let message_id =
        house.get(&format!("/emails/{tagged}")).await.json()["message_id"].as_str().unwrap().to_owned();
    let bare = message_id.trim_matches(['<', '>']);
    let cases = [
        ("tag=news".to_owned(), &["tagged"][..]),
        ("tag=kind:news".into(), &["tagged"]),
        ("tag=new".into(), &[]),
        ("external_id=e-1".into(), &["tagged"]),
        ("remote_id=PEER-1".into(), &["tagged"]),
        ("remote_id=PEER".into(), &[]),
        (format!("message_id={bare}"), &["tagged"]),
        (format!("message_id=%3C{bare}%3E"), &["tagged"]),
        (format!("message_id=x{bare}"), &[]),
        (format!("message_id={bare}&tag=other"), &[]),
        ("tag=&message_id=&remote_id=".into(), &["plain", "tagged"]),
    ];
    for (query, expected) in cases {
        let found = subjects(&house, &format!("/emails?{query}")).await;
        assert_eq!(found, (expected.iter().map(ToString::to_string).collect(), false), "{query}");
    }
}

#[tokio::test]
async fn one_message_shows_its_recipients_and_attempts() {
    let house = house(Trust::Open);
    let mail = json!({"from": "Ada <ada@example.org>", "to": ["x@y.example"], "cc": "c@y.example", "subject": "Grüße",
        "html": "<p>Hi</p>", "tags": [{"name": "n", "value": "v"}], "metadata": {"a": 1}, "external_id": "e-1"});
    let id = house.post("/emails", &mail).await.id();
    house.deliver().await;
    let seen = house.get(&format!("/emails/{id}")).await.json();
    let expected = json!({
        "object": "email", "id": id, "created_at": "2030-01-01T00:00:00Z", "subject": "Grüße",
        "html": "<p>Hi</p>", "text": "Hi", "status": "partial", "last_event": "partial", "external_id": "e-1",
        "remote_id": "PEER-1", "metadata": {"a": 1}, "tags": [{"name": "n", "value": "v"}], "bcc": [], "reply_to": [],
        "relay": "default", "possible_duplicate": false, "scheduled_at": null, "next_attempt_at": null,
        "envelope_from": "ada@example.org", "priority": "normal",
    });
    for (key, value) in expected.as_object().unwrap() {
        let got = &seen[key];
        // Line ends of the text parts are those of the message.
        assert!(got == value || got.as_str().map(str::trim_end) == value.as_str(), "{key}: {got}");
    }
    let states: Vec<_> =
        seen["recipients"].as_array().unwrap().iter().map(|r| (&r["address"], &r["state"])).collect();
    assert_eq!(states, [(&json!("x@y.example"), &json!("sent")), (&json!("c@y.example"), &json!("failed"))]);
    assert_eq!(
        seen["recipients"][1]["reply"],
        json!({"code": 550, "enhanced": "5.1.1", "text": "5.1.1 <b>nobody</b> here"})
    );
    let attempt = &seen["attempts"][0];
    assert_eq!((&attempt["relay"], &attempt["time"]), (&json!("here"), &json!("2030-01-01T00:00:00Z")));
    assert!(attempt["transcript"].as_str().unwrap().contains("RCPT TO"));
    assert_eq!(house.get("/emails/PEER-1").await.json()["id"], json!(id), "found by the peer's id");
}

#[tokio::test]
async fn the_newest_match_is_waited_for() {
    let house = house(Trust::Open);
    house.send("old", &["a@x.example"]).await;
    house.send("new", &["a@x.example"]).await;
    assert_eq!(house.get("/emails/latest?to=a@x.example").await.json()["subject"], "new");
    assert_eq!(house.get("/emails/latest?to=a@x.example&subject=old").await.json()["subject"], "old");
    assert_eq!(house.get("/emails/latest?to=b@x.example").await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.get("/emails/latest?wait=1h").await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let waiting = house.get("/emails/latest?to=b@x.example&wait=60s");
    let sending = async {
        // The other one looks first, finds nothing and waits.
        tokio::task::yield_now().await;
        house.send("other", &["c@x.example"]).await;
        house.send("awaited", &["b@x.example"]).await
    };
    let (found, id) = tokio::join!(waiting, sending);
    assert_eq!(found.json()["id"], json!(id));
}

#[tokio::test]
async fn the_bytes_are_there_until_they_are_gone() {
    let house = house(Trust::Open);
    let id = house.send("x", &["a@x.example"]).await;
    let reply = house.get(&format!("/emails/{id}/raw")).await;
    assert_eq!((reply.status, reply.header("content-type")), (StatusCode::OK, "message/rfc822"));
    assert!(reply.text().contains("Subject: x\r\n"));
    assert!(reply.header("content-disposition").starts_with("attachment"));
}

#[tokio::test]
async fn b8_137_odd_ids_are_nobody() {
    let house = house(Trust::Open);
    let long = "x".repeat(10_000);
    let ids = [
        "%2e%2e%2f",
        "%00",
        "..",
        "0",
        "00000000-0000-0000-0000-000000000000",
        "%ff",
        long.as_str(),
        "'\"<>",
    ];
    for id in ids.map(|id| id.replace(['"', '<', '>'], "%22")) {
        for (method, path) in [("GET", ""), ("GET", "/raw"), ("POST", "/cancel")] {
            let reply = house.call(method, &format!("/emails/{id}{path}"), &[], "").await;
            assert!(
                reply.status == StatusCode::NOT_FOUND || reply.status == StatusCode::BAD_REQUEST,
                "{id}{path}: {}",
                reply.status
            );
            assert_eq!(reply.header("content-type"), "application/json", "{id}{path}");
        }
    }
}

#[tokio::test]
async fn a_message_that_waits_tells_its_relays_trouble_and_one_that_went_no_hold() {
    let house = house(Trust::Open);
    let id = house.send("x", &["a@x.example"]).await;
    let show = async || house.get(&format!("/emails/{id}")).await.json();
    let seen = show().await;
    assert_eq!((&seen["waits_because"], &seen["next_attempt_at"]), (&json!(null), &json!(null)));
    house.call("POST", &format!("/emails/{id}/hold"), &[], "").await;
    assert_eq!(show().await["held_because"], "held by hand");
    house.call("POST", &format!("/emails/{id}/release"), &[], "").await;
    house.deliver().await;
    let seen = show().await;
    assert_eq!((&seen["status"], &seen["held_because"]), (&json!("sent"), &json!(null)));
}
