//! Wrong keys and floods are held up; neighbours are not.

use crate::house::{FAR, NEAR, house};
use axum::http::StatusCode;
use postrider_http::{HttpLimits, HttpSettings, Peer, Trust, router};
use queue::state::KeyScope::{Read, Send};
use std::sync::Arc;

#[tokio::test]
async fn b8_137_wrong_keys_are_counted_and_held_up() {
    let house = house(Trust::Keys);
    let right = house.key("web", "shop", &[Read]);
    let ask = async |peer: Peer, key: &str| {
        let field = format!("Bearer {key}");
        house.call_from(Some(peer), "GET", "/emails", &[("authorization", &field)], "").await
    };
    for n in 0..50 {
        assert_eq!(ask(FAR, &format!("pr_wrong{n}")).await.status, StatusCode::FORBIDDEN, "{n}");
    }
    let held = ask(FAR, "pr_wrong50").await;
    assert_eq!((held.status, held.header("retry-after")), (StatusCode::TOO_MANY_REQUESTS, "600"));
    assert_eq!(held.json()["name"], "rate_limit_exceeded");
    assert_eq!(ask(FAR, &right).await.status, StatusCode::TOO_MANY_REQUESTS, "not looked at");
    let other = Peer(Some("192.0.2.2".parse().unwrap()));
    for peer in [other, NEAR] {
        assert_eq!(ask(peer, &right).await.status, StatusCode::OK, "{peer:?}");
    }
    // Who had the right key before its neighbour went wild goes on.
    for n in 0..60 {
        ask(other, &format!("pr_wild{n}")).await;
    }
    assert_eq!(ask(other, "pr_wild60").await.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(ask(other, &right).await.status, StatusCode::OK);
}

#[tokio::test]
async fn b6_100_guesses_at_one_door_count_at_the_other() {
    let house = house(Trust::Keys);
    let address = FAR.0;
    for n in 0..50 {
        house.mailer.access().guesses().wrong(address, &format!("u{n}"), tokio::time::Instant::now());
    }
    let held = house.call_from(Some(FAR), "GET", "/emails", &[("authorization", "Bearer pr_x")], "").await;
    assert_eq!(held.status, StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn b8_139_a_flood_of_one_project_leaves_room_for_the_others() {
    let mut house = house(Trust::Keys);
    let limits = HttpLimits { per_project: 2, ..HttpLimits::default() };
    house.router =
        router(house.mailer.clone(), HttpSettings { limits, ..HttpSettings::default() }, Trust::Keys);
    let bearer = |name: &str, project: &str| format!("Bearer {}", house.key(name, project, &[Send, Read]));
    let (a, b) = (bearer("a", "a"), bearer("b", "b"));
    let house = Arc::new(house);
    let mut under_way = Vec::new();
    for _ in 0..2 {
        let (house, a) = (house.clone(), a.clone());
        under_way.push(tokio::spawn(async move {
            // Our own look below may have taken the place.
            let wait =
                async || house.call("GET", "/emails/latest?wait=60s", &[("authorization", &a)], "").await;
            while wait().await.status == StatusCode::TOO_MANY_REQUESTS {
                tokio::task::yield_now().await;
            }
        }));
    }
    let mut looks = 0;
    let refused = loop {
        let reply = house.call("GET", "/emails", &[("authorization", &a)], "").await;
        if reply.status != StatusCode::OK {
            break reply;
        }
        looks += 1;
        assert!(looks < 10_000, "two calls wait");
        tokio::task::yield_now().await;
    };
    assert_eq!(
        (refused.status, refused.header("retry-after"), refused.header("connection")),
        (StatusCode::TOO_MANY_REQUESTS, "1", "close")
    );
    assert_eq!(house.call("GET", "/emails", &[("authorization", &b)], "").await.status, StatusCode::OK);
    let mail = r#"{"from":"a@x.example","to":"b@x.example","subject":"s","text":"t"}"#;
    let sender = house.key("c", "a", &[Send]);
    let refused =
        house.call("POST", "/emails", &[("authorization", &format!("Bearer {sender}"))], mail).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "by another key of the project too");
    under_way.pop().unwrap().abort();
    while house.call("GET", "/emails", &[("authorization", &a)], "").await.status != StatusCode::OK {
        looks += 1;
        assert!(looks < 20_000, "a place is free again");
        tokio::task::yield_now().await;
    }
}
