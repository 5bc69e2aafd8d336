//! Changing what was accepted: reschedule, cancel, retry, hold, release.

use super::find;
use crate::door::Door;
use crate::problem::Problem;
use crate::{gate, intake, wire};
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::HeaderMap;
use axum::{Json, response::IntoResponse, response::Response};
use postrider::{Action, Caller, Scope, Store};
use serde::Serialize;

/// Octets of `{scheduled_at}`.
const MAX_BODY: usize = 16 * 1024;

#[derive(Serialize)]
struct Acted {
    object: &'static str,
    id: String,
    status: &'static str,
}

async fn act(door: &Door, caller: &Caller, id: &str, action: Action) -> Result<Response, Problem> {
    gate::may(caller, Scope::Send)?;
    let view = find(door, caller, id).await?;
    let status = door.mailer.store().act(view.id, action).await?;
    Ok(Json(Acted { object: "email", id: view.id.to_string(), status: status.word() }).into_response())
}

type Who = Extension<Caller>;

pub(crate) async fn cancel(
    State(d): State<Door>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    act(&d, &who, &id, Action::Cancel).await
}

pub(crate) async fn retry(
    State(d): State<Door>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    act(&d, &who, &id, Action::Retry).await
}

pub(crate) async fn hold(
    State(d): State<Door>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    act(&d, &who, &id, Action::Hold("held by hand".into())).await
}

pub(crate) async fn release(
    State(d): State<Door>,
    who: Who,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    act(&d, &who, &id, Action::Release).await
}

pub(crate) async fn reschedule(
    State(door): State<Door>,
    who: Who,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    let body = intake::read(&headers, body, MAX_BODY, door.mailer.budget(), &door.settings.limits).await?;
    let at = wire::read(&body.octets).and_then(wire::rescheduled).map_err(Problem::invalid)?;
    act(&door, &who, &id, Action::Reschedule(at)).await
}
