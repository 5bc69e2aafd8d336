//! Who may come in.

use crate::house::{FAR, START, house};
use axum::http::StatusCode;
use postrider_http::{Peer, Trust};
use queue::state::KeyScope::{Admin, Read, Send};

const MAIL: &str = r#"{"from":"a@x.example","to":"b@x.example","subject":"s","text":"t"}"#;

#[tokio::test]
async fn each_trust_lets_in_whom_it_should() {
    // (method, path, Keys, Open, Control, Submit) without a key
    let cases = [
        ("GET", "/livez", 200, 200, 200, 200),
        ("GET", "/readyz", 200, 200, 200, 200),
        ("GET", "/healthz", 401, 200, 200, 200),
        ("GET", "/", 401, 200, 200, 200),
        ("GET", "/console/style.css", 401, 200, 200, 200),
        ("GET", "/console/events", 401, 0, 0, 0),
        ("GET", "/inbox/x", 401, 404, 404, 404),
        ("GET", "/emails", 401, 200, 200, 200),
        ("POST", "/emails", 401, 202, 202, 202),
        ("GET", "/queue", 401, 200, 200, 403),
        ("GET", "/relays", 401, 200, 200, 403),
        ("GET", "/nothing", 401, 404, 404, 404),
        ("DELETE", "/emails", 401, 405, 405, 405),
    ];
    assert_eq!(house(Trust::Keys).call_from(Some(FAR), "GET", "/readyz", &[], "").await.status, 401);
    for (place, trust) in [Trust::Keys, Trust::Open, Trust::Control, Trust::Submit].into_iter().enumerate() {
        let house = house(trust);
        for (method, path, keys, open, control, submit) in cases {
            let expected = [keys, open, control, submit][place];
            if expected != 0 {
                let reply = house.call(method, path, &[], MAIL).await;
                assert_eq!(reply.status.as_u16(), expected, "{trust:?} {method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_key_opens_what_it_is_for() {
    let house = house(Trust::Keys);
    let key = |name: &str, scopes: &[_]| house.key(name, "shop", scopes);
    let all = key("all", &[Send, Read, Admin]);
    let basic = |key: &str| {
        use base64::Engine;
        format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(format!("any:{key}")))
    };
    let revoked = key("gone", &[Send, Read, Admin]);
    house.state.revoke("gone", START.parse().unwrap()).unwrap();
    let (send, read) = (key("send", &[Send]), key("read", &[Read]));
    // (authorization, GET /emails, POST /emails, GET /queue)
    let cases = [
        (format!("Bearer {all}"), 200, 202, 200),
        (format!("bearer  {all}"), 200, 202, 200),
        (basic(&all), 200, 202, 200),
        (format!("Bearer {send}"), 403, 202, 403),
        (format!("Bearer {read}"), 200, 403, 403),
        (format!("Bearer {revoked}"), 403, 403, 403),
        (basic(&revoked), 403, 403, 403),
        ("Bearer pr_wrong".into(), 403, 403, 403),
        ("Bearer ".into(), 403, 403, 403),
        ("Basic ???".into(), 403, 403, 403),
        ("Digest x".into(), 403, 403, 403),
        (format!("Bearer {}", "x".repeat(5_000)), 403, 403, 403),
    ];
    for (field, list, post, queue) in cases {
        let headers = [("authorization", field.as_str())];
        for (method, path, expected) in
            [("GET", "/emails", list), ("POST", "/emails", post), ("GET", "/queue", queue)]
        {
            let reply = house.call(method, path, &headers, MAIL).await;
            assert_eq!(reply.status.as_u16(), expected, "{field} {method} {path}: {}", reply.text());
        }
    }
    let reply = house.get("/emails").await;
    assert_eq!(reply.json()["name"], "missing_api_key");
    assert!(reply.header("www-authenticate").contains("Basic"));
    let reply = house.call("GET", "/emails", &[("authorization", "Bearer pr_wrong")], "").await;
    assert_eq!(reply.json()["name"], "invalid_api_key");
}

#[tokio::test]
async fn an_open_door_is_open_to_this_machine_only() {
    let house = house(Trust::Open);
    let key = format!("Bearer {}", house.key("dev", "default", &[Send, Read, Admin]));
    let from = |address: &str| Some(Peer(Some(address.parse().unwrap())));
    for (peer, expected) in [
        (from("127.0.0.1"), 200),
        (from("127.9.9.9"), 200),
        (from("::1"), 200),
        (from("::ffff:127.0.0.1"), 200),
        (Some(Peer(None)), 200),
        (from("192.0.2.1"), 401),
        (from("10.0.0.1"), 401),
        (from("::ffff:192.0.2.1"), 401),
        (from("fe80::1"), 401),
        (None, 401),
    ] {
        for path in ["/emails", "/", "/queue", "/console/style.css"] {
            let reply = house.call_from(peer, "GET", path, &[], "").await;
            assert_eq!(reply.status.as_u16(), expected, "{peer:?} {path}");
            let keyed = house.call_from(peer, "GET", path, &[("authorization", &key)], "").await;
            assert_eq!(keyed.status, StatusCode::OK, "{peer:?} {path} with a key");
        }
        let posted = house.call_from(peer, "POST", "/emails", &[], MAIL).await;
        assert_eq!(posted.status == StatusCode::ACCEPTED, expected == 200, "{peer:?}");
        let named = [("host", "postrider.internal"), ("authorization", &key)];
        let named = house.call_from(peer, "GET", "/emails", &named, "").await;
        assert_eq!(named.status, StatusCode::OK, "with a key by any name of ours");
    }
}

#[tokio::test]
async fn an_open_door_still_refuses_a_wrong_key() {
    let house = house(Trust::Open);
    let reply = house.call("GET", "/emails", &[("authorization", "Bearer pr_wrong")], "").await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn b8_137_a_project_does_not_see_the_other() {
    let house = house(Trust::Keys);
    let bearer =
        |name: &str, project: &str, scopes: &[_]| format!("Bearer {}", house.key(name, project, scopes));
    let (a, b) = (bearer("a", "a", &[Send, Read]), bearer("b", "b", &[Send, Read]));
    let admin = bearer("root", "default", &[Send, Read, Admin]);
    let id = house.call("POST", "/emails", &[("authorization", &a)], MAIL).await.id();
    let paths = [
        ("GET", format!("/emails/{id}")),
        ("GET", format!("/emails/{id}/raw")),
        ("GET", format!("/inbox/{id}")),
        ("POST", format!("/emails/{id}/hold")),
    ];
    for (method, path) in &paths {
        for (key, expected) in [(&b, StatusCode::NOT_FOUND), (&a, StatusCode::OK), (&admin, StatusCode::OK)] {
            let release = format!("/emails/{id}/release");
            let reply = house.call(method, path, &[("authorization", key)], "").await;
            assert_eq!(reply.status, expected, "{path}");
            if path.ends_with("hold") && expected == StatusCode::OK {
                house.call("POST", &release, &[("authorization", key)], "").await;
            }
        }
    }
    for (key, count) in [(&a, 1), (&b, 0), (&admin, 1)] {
        let list = house.call("GET", "/emails", &[("authorization", key)], "").await.json();
        assert_eq!(list["data"].as_array().unwrap().len(), count);
    }
    let latest = house.call("GET", "/emails/latest", &[("authorization", &b)], "").await;
    assert_eq!(latest.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn b9_145_pages_of_other_sites_can_do_nothing() {
    let (origin, site, host) = ("origin", "sec-fetch-site", "host");
    let cases: [(&[(&str, &str)], u16); 12] = [
        (&[], 202),
        (&[(origin, "http://localhost:8025")], 202),
        (&[(origin, "https://mail.example.com")], 202),
        (&[(origin, "http://evil.example")], 403),
        (&[(origin, "http://localhost:9")], 403),
        (&[(origin, "null")], 403),
        (&[(site, "same-origin"), (origin, "http://localhost:8025")], 202),
        (&[(site, "none")], 202),
        (&[(site, "cross-site")], 403),
        (&[(site, "same-site")], 403),
        (&[(host, "evil.example"), (origin, "http://evil.example")], 403),
        (&[(host, "localhost.evil.example")], 403),
    ];
    for (headers, expected) in cases {
        let reply = house(Trust::Open).call("POST", "/emails", headers, MAIL).await;
        assert_eq!(reply.status.as_u16(), expected, "{headers:?}");
    }
    let house = house(Trust::Open);
    for (value, expected) in [
        ("localhost", 200),
        ("LOCALHOST:1", 200),
        ("127.0.0.1:8025", 200),
        ("[::1]:8025", 200),
        ("mail.example.com", 200),
        ("evil.example", 403),
        ("127.0.0.1.evil.example:8025", 403),
        ("", 403),
    ] {
        assert_eq!(
            house.call("GET", "/emails", &[(host, value)], "").await.status.as_u16(),
            expected,
            "{value}"
        );
    }
    let reply = house.call("GET", "/console/events", &[(origin, "http://evil.example")], "").await;
    assert_eq!(reply.status, StatusCode::FORBIDDEN);
    let reply = house.call("GET", "/", &[(site, "cross-site")], "").await;
    assert_eq!(reply.status, StatusCode::OK, "a link from another site opens the inbox");
}
