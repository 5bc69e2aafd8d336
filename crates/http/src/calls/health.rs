//! How we do: for people, load balancers and monitors.

use crate::door::Door;
use crate::gate;
use crate::problem::Problem;
use crate::wire::{self, Standing};
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use postrider::{AnyStore, Caller, RelayStatus, Scope, Store};
use serde::Serialize;

#[derive(Serialize)]
struct Health {
    status: &'static str,
    durable: bool,
    reasons: Vec<String>,
    /// What makes mail less safe than it could be.
    warnings: Vec<String>,
}

fn health(door: &Door, reasons: Vec<String>) -> Response {
    let well = reasons.is_empty();
    let code = if well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let status = if well { "ok" } else { "unavailable" };
    let (durable, warnings) = (door.mailer.store().durable(), door.mailer.store().warnings());
    (code, Json(Health { status, durable, reasons, warnings })).into_response()
}

/// We answer.
pub(crate) async fn live() -> &'static str {
    "ok\n"
}

/// We can accept mail. A relay's trouble does not matter here. The reason is in `/healthz`, which
/// only a key opens.
pub(crate) async fn ready(State(door): State<Door>) -> Response {
    let away = matches!(door.mailer.store(), store @ AnyStore::Redis(_) if store.refusing().is_some());
    let why = if away { ": Redis, where the queue is, does not serve us" } else { "" };
    let refusing = door.mailer.refusing();
    health(&door, refusing.map(|_| format!("no mail is accepted now{why}")).into_iter().collect())
}

/// Mail flows.
pub(crate) async fn healthy(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Read)?;
    let refusing = door.mailer.refusing().map(|why| format!("no mail is accepted: {why}"));
    let relays = door.mailer.relays().status().into_iter();
    let why =
        |r: RelayStatus| r.paused.map(|why| format!("paused: {why}")).or(r.trouble).map(|why| (r.name, why));
    let trouble = relays.filter_map(why).map(|(name, why)| format!("relay {name}: {why}"));
    Ok(health(&door, refusing.into_iter().chain(trouble).collect()))
}

/// The queue's counts.
pub(crate) async fn queue(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Admin)?;
    counts(&door).await
}

pub(crate) async fn counts(door: &Door) -> Result<Response, Problem> {
    let (mailer, store) = (&door.mailer, door.mailer.store());
    let standing = Standing {
        durable: store.durable(),
        warnings: store.warnings(),
        refusing: mailer.refusing(),
        paused: mailer.relays().all_paused(),
    };
    Ok(Json(wire::stats(store.stats().await?, standing)).into_response())
}

/// How the relays do.
pub(crate) async fn relays(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Admin)?;
    Ok(Json(wire::relays(door.mailer.relays().status())).into_response())
}
