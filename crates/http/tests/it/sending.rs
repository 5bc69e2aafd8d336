//! `POST /emails`, `/emails/batch`, `/emails/raw`.

use crate::house::{House, house, house_with};
use axum::http::StatusCode;
use postrider::Limits;
use postrider_http::Trust;
use serde_json::{Value, json};

fn mail(subject: &str) -> Value {
    json!({"from": "a@example.org", "to": "b@example.org", "subject": subject, "html": "<p>x</p>"})
}

async fn count(house: &House) -> usize {
    house.get("/emails").await.json()["data"].as_array().unwrap().len()
}

#[tokio::test]
async fn one_message_is_taken_and_a_store_that_forgets_says_so() {
    let house = house(Trust::Open);
    let reply = house.post("/emails", &mail("x")).await;
    let id = reply.id();
    assert_eq!(reply.json(), json!({"id": id, "durable": false}));
    assert_eq!(house.get(&format!("/emails/{id}")).await.json()["subject"], "x");
}

#[tokio::test]
async fn b8_138_a_batch_is_taken_whole_or_not_at_all() {
    let house = house(Trust::Open);
    let reply = house.post("/emails/batch", &json!([mail("1"), mail("2")])).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED);
    assert_eq!(reply.json()["data"].as_array().unwrap().len(), 2);
    let mut second = mail("4");
    second["to"] = json!("nowhere");
    let cases = [
        (json!([mail("3"), second]), "[1].to"),
        (json!([mail("3"), {"x": 1}]), "[1].x"),
        (json!([]), "body"),
        (json!({}), "body"),
        (Value::Array(vec![mail("5"); 101]), "body"),
    ];
    for (body, field) in cases {
        let reply = house.post("/emails/batch", &body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{body}");
        let named = reply.json()["errors"][0]["field"].as_str().unwrap().to_owned();
        assert!(named.starts_with(field), "{field}: {named}");
    }
    assert_eq!(count(&house).await, 2);
}

#[tokio::test]
async fn an_idempotency_key_is_one_message() {
    let house = house(Trust::Open);
    let (key, same, other) = (("idempotency-key", "k1"), mail("x"), mail("y"));
    let reordered = r#"{"html":"<p>x</p>","subject":"x","to":"b@example.org","from":"a@example.org"}"#;
    let first = house.call("POST", "/emails", &[key], same.to_string()).await.id();
    assert_eq!(house.call("POST", "/emails", &[key], same.to_string()).await.id(), first);
    assert_eq!(house.call("POST", "/emails", &[key], reordered).await.id(), first);
    let refused = house.call("POST", "/emails", &[key], other.to_string()).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["name"], "invalid_idempotent_request");
    assert!(!refused.text().contains(&first), "the other message stays unknown");
    assert_eq!(count(&house).await, 1);

    let batch = json!([mail("1"), mail("2")]).to_string();
    let key = ("idempotency-key", "k2");
    let first = house.call("POST", "/emails/batch", &[key], batch.clone()).await.json();
    assert_eq!(house.call("POST", "/emails/batch", &[key], batch).await.json(), first);
    assert_ne!(first["data"][0]["id"], first["data"][1]["id"]);
    assert_eq!(count(&house).await, 3);

    let long = "k".repeat(257);
    for key in ["", long.as_str()] {
        let refused = house.call("POST", "/emails", &[("idempotency-key", key)], same.to_string()).await;
        assert_eq!(refused.status, StatusCode::BAD_REQUEST);
        assert_eq!(refused.json()["name"], "invalid_idempotency_key");
    }
}

#[tokio::test]
async fn a_finished_message_takes_its_envelope_from_the_query_or_its_header() {
    let header = "From: Ada <ada@example.org>\r\nTo: b@example.org\r\nCc: C <c@example.org>\r\nBcc: d@example.org\r\n\
                  Subject: raw\r\n\r\nbody\r\n";
    let cases = [
        ("/emails/raw", "ada@example.org", &["b@example.org", "c@example.org", "d@example.org"][..]),
        ("/emails/raw?to=x%40y.example", "ada@example.org", &["x@y.example"]),
        (
            "/emails/raw?to=x%40y.example&to=z%40y.example&from=f%40y.example",
            "f@y.example",
            &["x@y.example", "z@y.example"],
        ),
        ("/emails/raw?to=x%40y.example&from=", "", &["x@y.example"]),
    ];
    for (uri, from, to) in cases {
        let house = house(Trust::Open);
        let id = house.call("POST", uri, &[], header).await.id();
        let seen = house.get(&format!("/emails/{id}")).await.json();
        let addresses: Vec<_> =
            seen["recipients"].as_array().unwrap().iter().map(|r| r["address"].clone()).collect();
        assert_eq!(
            (seen["envelope_from"].as_str(), addresses),
            (Some(from), to.iter().map(|t| json!(t)).collect()),
            "{uri}"
        );
        let raw = house.get(&format!("/emails/{id}/raw")).await.text();
        assert!(
            raw.contains("Subject: raw\r\n") && raw.ends_with("\r\n\r\nbody\r\n") && !raw.contains("Bcc"),
            "{raw}"
        );
    }
    let refused = [
        ("/emails/raw?to=nowhere", header, "to"),
        ("/emails/raw?cc=a%40b.c", header, "cc"),
        ("/emails/raw", "From: a@example.org\r\n\r\nx\r\n", "to"),
        ("/emails/raw", "To: a@example.org\r\n\r\nx\r\n", "from"),
    ];
    for (uri, body, field) in refused {
        let reply = house(Trust::Open).call("POST", uri, &[], body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{uri}: {}", reply.text());
        assert_eq!(reply.json()["errors"][0]["field"], field, "{uri}");
    }
}

#[tokio::test]
async fn b8_135_a_body_has_a_limit_and_its_share_of_memory() {
    let small = |limits: Limits| Limits { message: 1_000, ..limits };
    let house = house_with(Trust::Open, |s| s.limits = small(s.limits));
    let reply = house.call("POST", "/emails/raw", &[], "x".repeat(1_001)).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    let endless = futures_util::stream::repeat_with(|| Ok::<_, std::io::Error>(vec![b'x'; 100]));
    let reply = house.call("POST", "/emails/raw", &[], axum::body::Body::from_stream(endless)).await;
    assert_eq!(reply.status, StatusCode::PAYLOAD_TOO_LARGE);
    let reply = house.call("POST", "/emails", &[("content-encoding", "gzip")], "x").await;
    assert_eq!(reply.status, StatusCode::UNSUPPORTED_MEDIA_TYPE);

    let house = house_with(Trust::Open, |s| s.limits.memory = 4_096);
    let announced = ("content-length", "8000");
    let reply = house.call("POST", "/emails", &[announced], mail("x").to_string()).await;
    assert_eq!((reply.status, reply.header("retry-after")), (StatusCode::SERVICE_UNAVAILABLE, "5"));
    assert_eq!(house.mailer.budget().held(), 0, "all room is given back");
}
