//! What errors look like.

use crate::house::house;
use axum::http::StatusCode;
use postrider_http::Trust;
use serde_json::json;

#[tokio::test]
async fn unknown_paths_and_methods_are_told_in_json() {
    let house = house(Trust::Open);
    for path in ["/nothing", "/emails/", "/openapi.json", "/inbox", "//emails", "/emails/x/y/z"] {
        let reply = house.get(path).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (StatusCode::NOT_FOUND, "application/json"),
            "{path}"
        );
        assert_eq!(reply.json()["name"], "not_found");
    }
    let cases = [
        ("DELETE", "/emails", "GET,HEAD,POST"),
        ("PUT", "/emails/x", "GET,HEAD,PATCH"),
        ("GET", "/emails/x/cancel", "POST"),
        ("POST", "/livez", "GET,HEAD"),
        ("POST", "/", "GET,HEAD"),
    ];
    for (method, path, allowed) in cases {
        let reply = house.call(method, path, &[], "").await;
        assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
        let mut allow: Vec<_> = reply.header("allow").split(',').map(str::trim).collect();
        allow.sort_unstable();
        assert_eq!(allow.join(","), allowed, "{method} {path}");
        assert_eq!(reply.json()["name"], "method_not_allowed");
    }
}

#[tokio::test]
async fn a_problem_speaks_both_languages() {
    let house = house(Trust::Open);
    let mail = json!({"from": "a@x.example", "to": "nowhere", "subject": "s", "text": "t"});
    let reply = house.post("/emails", &mail).await;
    assert_eq!(
        (reply.status, reply.header("content-type")),
        (StatusCode::UNPROCESSABLE_ENTITY, "application/json")
    );
    let problem = reply.json();
    assert_eq!(problem["type"], "about:blank");
    assert_eq!((&problem["status"], &problem["statusCode"]), (&json!(422), &json!(422)));
    assert_eq!((&problem["title"], &problem["code"]), (&json!("Unprocessable Entity"), &json!("invalid")));
    assert_eq!(problem["name"], "validation_error");
    assert_eq!(problem["message"], problem["detail"]);
    assert!(problem["errors"][0]["field"].as_str().unwrap().starts_with("to"), "{problem}");

    let accept = ("accept", "application/problem+json, application/json");
    let reply = house.call("POST", "/emails", &[accept], mail.to_string()).await;
    assert_eq!(reply.header("content-type"), "application/problem+json");
    assert_eq!(reply.json(), problem);
    let reply = house.call("GET", "/emails", &[accept], "").await;
    assert_eq!(reply.header("content-type"), "application/json", "success is no problem");
}

#[tokio::test]
async fn every_answer_forbids_sniffing_and_framing() {
    let house = house(Trust::Open);
    for path in ["/", "/emails", "/livez", "/nothing", "/console/style.css", "/console/live.js"] {
        let reply = house.get(path).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(reply.header("referrer-policy"), "no-referrer", "{path}");
        assert!(reply.header("content-security-policy").starts_with("default-src 'none'"), "{path}");
    }
}
