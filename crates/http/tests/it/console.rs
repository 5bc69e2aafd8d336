//! The pages: what they show, and that what they show can do nothing.

use crate::house::{House, NEAR, house};
use axum::body::Body;
use axum::http::{Request, StatusCode};
use http_body_util::BodyExt;
use postrider_http::Trust;
use serde_json::json;
use tower::ServiceExt;

const HOSTILE: &str = "</title><script>alert(1)</script>\"'><img src=x onerror=alert(1)>";

#[tokio::test]
async fn an_empty_inbox_says_how_to_fill_it() {
    let page = house(Trust::Open).get("/").await;
    assert_eq!((page.status, page.header("content-type")), (StatusCode::OK, "text/html; charset=utf-8"));
    assert!(page.text().contains("curl -sS https://mail.example.com/emails"), "{}", page.text());
    let page = house(Trust::Open).get("/?q=none&status=").await;
    assert!(page.text().contains("Nothing found"));
    assert_eq!(house(Trust::Open).get("/?status=nonsense").await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn the_inbox_has_one_entry_per_message_newest_first() {
    let house = house(Trust::Open);
    let first = house.send("first", &["a@x.example", "b@x.example", "c@x.example", "d@x.example"]).await;
    let second = house.send("second", &["e@x.example"]).await;
    let page = house.get("/").await.text();
    let at = |id: &str| page.find(&format!("/inbox/{id}")).unwrap();
    assert!(at(&second) < at(&first), "newest first");
    assert_eq!(page.matches("href=\"/inbox/").count(), 2);
    assert!(page.contains("a@x.example, b@x.example, c@x.example, and 1 more"));
    let older = house.get("/?limit=1").await.text();
    assert!(older.contains(&format!("/?after={second}")), "{older}");
}

#[tokio::test]
async fn a_change_becomes_one_event_with_data() {
    let house = house(Trust::Open);
    let request = Request::get("/console/events").header("host", "localhost").extension(NEAR);
    let request = request.body(Body::empty()).unwrap();
    let mut answer = house.router.clone().oneshot(request).await.unwrap();
    assert_eq!(answer.headers()["content-type"], "text/event-stream");
    house.send("one", &["a@x.example"]).await;
    house.send("two", &["a@x.example"]).await;
    let frame = answer.body_mut().frame().await.unwrap().unwrap();
    assert_eq!(frame.into_data().unwrap(), "event: change\ndata: again\n\n");
}

async fn hostile(house: &House) -> String {
    let mail = json!({"from": {"name": HOSTILE, "address": "a@x.example"}, "to": "b@x.example", "cc": "c@x.example", "subject": HOSTILE,
        "html": "<h1>Hi</h1><script>alert(2)</script><img src=\"cid:logo\"><img src='cid:none'>", "text": HOSTILE,
        "attachments": [
            {"filename": "a\".png", "content": "iVBORw0KGgo=", "content_type": "image/png", "content_id": "logo"},
            {"filename": "x<script>.html", "content": "PHNjcmlwdD4=", "content_type": "text/html"},
            {"filename": "x.svg", "content": "PHN2Zz4=", "content_type": "image/svg+xml"}]});
    let id = house.post("/emails", &mail).await.id();
    house.deliver().await;
    id
}

#[tokio::test]
async fn b3_75_everything_foreign_is_escaped() {
    let house = house(Trust::Open);
    let id = hostile(&house).await;
    for path in ["/".to_owned(), format!("/inbox/{id}"), format!("/?q={}", "%3Cscript%3Ealert(1)")] {
        let page = house.get(&path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        let text = page.text();
        for foreign in ["<script>alert", "<img src=x", "<b>nobody", "250 <script>", "x<script>"] {
            assert!(!text.contains(foreign), "{path}: {foreign}");
        }
        let policy = page.header("content-security-policy");
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
    }
    let page = house.get(&format!("/inbox/{id}")).await.text();
    assert!(page.contains("alert(1)") && page.contains("550 5.1.1"), "it is shown nevertheless");
}

#[tokio::test]
async fn html_is_shown_in_a_sandbox() {
    let house = house(Trust::Open);
    let id = hostile(&house).await;
    let page = house.get(&format!("/inbox/{id}")).await.text();
    let (_, frame) = page.split_once("<iframe ").unwrap();
    let (frame, _) = frame.split_once('>').unwrap();
    assert!(frame.contains("sandbox="), "{frame}");
    let html = house.get(&format!("/inbox/{id}/html")).await;
    let policy = html.header("content-security-policy");
    for directive in
        ["default-src 'none'", "img-src data:;", "sandbox", "form-action 'none'", "frame-ancestors 'self'"]
    {
        assert!(policy.contains(directive), "{policy}");
    }
    for place in [frame, policy] {
        assert!(!place.contains("allow-scripts") && !place.contains("allow-same-origin"), "{place}");
    }
    assert!(html.text().contains("cid:none"), "an unknown image stays as it is");
    assert!(html.text().contains("src=\"data:image/png;base64,iVBORw0KGgo=\""), "{}", html.text());
}

#[tokio::test]
async fn files_are_saved_not_shown() {
    let house = house(Trust::Open);
    let id = hostile(&house).await;
    let page = house.get(&format!("/inbox/{id}")).await.text();
    let links: Vec<_> = page
        .split("href=\"")
        .filter(|l| l.contains("/part/"))
        .map(|l| l.split_once('"').unwrap().0)
        .collect();
    assert!(links.len() >= 2, "{page}");
    for link in links {
        let part = house.get(link).await;
        assert_eq!(part.status, StatusCode::OK);
        let (kind, save) = (part.header("content-type"), part.header("content-disposition"));
        assert!(
            kind == "image/png" || (kind == "application/octet-stream" && save.starts_with("attachment")),
            "{kind} {save}"
        );
        assert!(part.header("content-security-policy").contains("sandbox"));
    }
    for path in ["part/99999", "part/x", "part/-1"] {
        assert_eq!(house.get(&format!("/inbox/{id}/{path}")).await.status, StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn a_message_without_html_has_no_frame() {
    let house = house(Trust::Open);
    let id = house.send("plain", &["a@x.example"]).await;
    let page = house.get(&format!("/inbox/{id}")).await.text();
    assert!(!page.contains("<iframe") && page.contains("hello"), "{page}");
    assert_eq!(house.get(&format!("/inbox/{id}/html")).await.status, StatusCode::NOT_FOUND);
}
