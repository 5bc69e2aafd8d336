//! `POST /reload`, where somebody answers it and where nobody does.

use crate::house::{House, house};
use axum::http::StatusCode;
use postrider_http::{Reload, Reloaded, Trust};
use serde_json::json;

#[tokio::test]
async fn what_came_of_it_is_told_and_mistakes_too() {
    let (reload, mut asked) = Reload::channel();
    let house = house(Trust::Control);
    let house = House { router: reload.on(house.router), ..house };
    let answers = tokio::spawn(async move {
        let done = Reloaded { relays: vec!["a".into()], needs_restart: vec!["[queue] TYPE".into()] };
        for answer in [Ok(done), Err("app.ini:3: no".to_owned())] {
            asked.recv().await.unwrap().send(answer).unwrap();
        }
    });
    let reply = house.call("POST", "/reload", &[], "").await;
    let expected = json!({"object": "reload", "relays": ["a"], "needs_restart": ["[queue] TYPE"]});
    assert_eq!((reply.status, reply.json()), (StatusCode::OK, expected));
    let reply = house.call("POST", "/reload", &[], "").await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        (&reply.json()["code"], &reply.json()["detail"]),
        (&json!("bad_settings"), &json!("app.ini:3: no"))
    );
    answers.await.unwrap();
    assert_eq!(house.call("POST", "/reload", &[], "").await.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn other_doors_know_no_such_call() {
    for trust in [Trust::Open, Trust::Control, Trust::Submit] {
        let reply = house(trust).call("POST", "/reload", &[], "").await;
        assert_eq!(reply.status, StatusCode::NOT_FOUND, "{trust:?}");
    }
}
