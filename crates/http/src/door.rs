//! The paths of the door, and what every call shares.

use crate::problem::{IsProblem, Problem};
use crate::share::Shares;
use crate::wire::{self, Waits};
use crate::{HttpSettings, Trust, calls, console, gate};
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::Response;
use axum::routing::{get, post};
use postrider::{JobView, Mailer};
use std::sync::Arc;

/// What every call may use.
#[derive(Clone)]
pub(crate) struct Door {
    pub(crate) mailer: Mailer,
    pub(crate) settings: Arc<HttpSettings>,
    pub(crate) trust: Trust,
    pub(crate) shares: Shares,
}

impl Door {
    /// What messages wait for, as the relays do now.
    pub(crate) fn waits(&self) -> impl Fn(&JobView) -> Waits {
        let (relays, now) = (self.mailer.relays().status(), self.mailer.clock().now());
        move |view| wire::waits(view, &relays, now)
    }
}

/// All calls and pages for one way in.
pub fn router(mailer: Mailer, settings: HttpSettings, trust: Trust) -> Router {
    let shares = Shares::new(settings.limits.per_project);
    let door = Door { mailer, settings: Arc::new(settings), trust, shares };
    Router::new()
        .route("/emails", post(calls::send::one).get(calls::read::list))
        .route("/emails/batch", post(calls::send::batch))
        .route("/emails/raw", post(calls::send::raw))
        .route("/emails/latest", get(calls::read::latest))
        .route("/emails/{id}", get(calls::read::email).patch(calls::act::reschedule))
        .route("/emails/{id}/raw", get(calls::read::raw))
        .route("/emails/{id}/cancel", post(calls::act::cancel))
        .route("/emails/{id}/retry", post(calls::act::retry))
        .route("/emails/{id}/hold", post(calls::act::hold))
        .route("/emails/{id}/release", post(calls::act::release))
        .route("/events/{name}", post(calls::events::event))
        .route("/queue", get(calls::health::queue))
        .route("/queue/pause", post(calls::steer::pause))
        .route("/queue/resume", post(calls::steer::resume))
        .route("/queue/drain", post(calls::steer::drain))
        .route("/queue/purge", post(calls::select::purge))
        .route("/queue/select", post(calls::select::select))
        .route("/relays", get(calls::health::relays))
        .route("/relays/{name}/pause", post(calls::steer::pause_relay))
        .route("/relays/{name}/resume", post(calls::steer::resume_relay))
        .route("/reload", post(calls::reload::reload))
        .route("/livez", get(calls::health::live))
        .route("/readyz", get(calls::health::ready))
        .route("/healthz", get(calls::health::healthy))
        .merge(console::pages())
        .fallback(async || Problem::not_found())
        .method_not_allowed_fallback(async || Problem::method())
        .layer(from_fn_with_state(door.clone(), gate::check))
        .layer(from_fn(finish))
        .layer(from_fn(name_problems))
        .with_state(door)
}

/// Header fields that every answer carries; a page may have set its own stricter policy.
async fn finish(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let fields = response.headers_mut();
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "SAMEORIGIN"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ] {
        fields.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}

/// RFC 9457's media type where the caller asks for it.
async fn name_problems(request: Request, next: Next) -> Response {
    let accepts = request.headers().get_all(header::ACCEPT);
    let asked = accepts.iter().any(|v| v.to_str().is_ok_and(|v| v.contains("application/problem+json")));
    let mut response = next.run(request).await;
    if asked && response.extensions().get::<IsProblem>().is_some() {
        let kind = HeaderValue::from_static("application/problem+json");
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}
