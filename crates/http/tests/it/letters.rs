//! Letters, as `sendmail` posts them.

use crate::house::house;
use axum::http::StatusCode;
use postrider::{Door, Store};
use postrider_http::{LETTER, Slip, Trust};
use serde_json::json;

fn letter(key: &str, to: &str) -> Vec<u8> {
    let to = vec![to.to_owned()];
    let slip = Slip { key: key.into(), user: "www".into(), uid: 33, to, ..Slip::default() };
    slip.letter(b"Subject: by hand\nBcc: hidden@x.example\n\nhello\n").unwrap()
}

#[tokio::test]
async fn a_letter_is_taken_once_on_the_sockets_of_this_machine() {
    for trust in [Trust::Submit, Trust::Control] {
        let house = house(trust);
        let post =
            async |body: Vec<u8>| house.call("POST", "/emails/raw", &[("content-type", LETTER)], body).await;
        let id = post(letter("one", "Ada <ada@x.example>")).await.id();
        assert_eq!(post(letter("one", "ada@x.example")).await.id(), id, "the key says that it is the same");
        assert_ne!(post(letter("two", "ada@x.example")).await.id(), id);
        let view = house.mailer.store().get(id.parse().unwrap()).await.unwrap().unwrap();
        assert_eq!((view.meta.door, view.meta.subject.as_str()), (Door::Sendmail, "by hand"));
        let raw = house.get(&format!("/emails/{id}/raw")).await.text();
        assert!(raw.contains("from uid 33") && !raw.contains("hidden"), "{raw}");
        let refused = post(letter("three", "a@b@c")).await;
        assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(refused.json()["detail"].as_str().unwrap().contains("a@b@c"), "{}", refused.text());
        assert_eq!(post(b"no slip".to_vec()).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn a_letter_is_not_taken_from_the_network() {
    let house = house(Trust::Open);
    let body = letter("one", "ada@x.example");
    let reply = house.call("POST", "/emails/raw", &[("content-type", LETTER)], body).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{}", reply.text());
    assert_eq!(house.get("/emails").await.json()["data"], json!([]));
}
