//! The inbox console: what was sent, as people read it. Server-rendered; works without its script,
//! which only keeps the list fresh.

mod mail;
mod pages;
mod parts;

use crate::door::Door;
use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

/// The policy of our own pages: our style, our script, our frames, nothing from elsewhere.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; \
                      frame-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

pub(crate) fn pages() -> Router<Door> {
    Router::new()
        .route("/", get(pages::inbox))
        .route("/inbox/{id}", get(pages::message))
        .route("/inbox/{id}/html", get(parts::html))
        .route("/inbox/{id}/part/{n}", get(parts::part))
        .route("/console/events", get(pages::events))
        .route("/console/style.css", get(async || asset("text/css; charset=utf-8", STYLE)))
        .route("/console/live.js", get(async || asset("text/javascript; charset=utf-8", SCRIPT)))
}

const STYLE: &str = include_str!("../assets/style.css");
const SCRIPT: &str = include_str!("../assets/live.js");

fn asset(kind: &'static str, text: &'static str) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "no-cache")], text).into_response()
}

/// A page of ours.
fn page(html: String) -> Response {
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    let mut response = html.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response
}
