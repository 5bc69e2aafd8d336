//! Steering the whole: relays paused and resumed, the queue paused, resumed and drained.

use super::health;
use crate::door::Door;
use crate::problem::Problem;
use crate::wire::{self, Paused};
use crate::{gate, intake};
use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use postrider::{Caller, Scope};

/// Octets of `{why}`.
const MAX_BODY: usize = 16 * 1024;

type Who = Extension<Caller>;

pub(crate) async fn pause_relay(
    State(door): State<Door>,
    Extension(caller): Who,
    Path(name): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Admin)?;
    let Paused { why } = read(&door, &headers, body).await?;
    there(door.mailer.pause(Some(&name), &why).await)?;
    relay(&door, &name)
}

pub(crate) async fn resume_relay(
    State(door): State<Door>,
    Extension(caller): Who,
    Path(name): Path<String>,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Admin)?;
    there(door.mailer.resume(Some(&name)).await)?;
    relay(&door, &name)
}

pub(crate) async fn pause(
    State(door): State<Door>,
    Extension(caller): Who,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Admin)?;
    let Paused { why } = read(&door, &headers, body).await?;
    there(door.mailer.pause(None, &why).await)?;
    health::counts(&door).await
}

/// Ends a pause and a drain.
pub(crate) async fn resume(State(door): State<Door>, Extension(caller): Who) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Admin)?;
    there(door.mailer.resume(None).await)?;
    health::counts(&door).await
}

/// Nothing is taken any more, until resumed; what is there is delivered.
pub(crate) async fn drain(State(door): State<Door>, Extension(caller): Who) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Admin)?;
    door.mailer.drain();
    health::counts(&door).await
}

async fn read(door: &Door, headers: &HeaderMap, body: Body) -> Result<Paused, Problem> {
    let body = intake::read(headers, body, MAX_BODY, door.mailer.budget(), &door.settings.limits).await?;
    if body.octets.is_empty() {
        return Ok(Paused::default());
    }
    wire::read(&body.octets).and_then(wire::paused).map_err(Problem::invalid)
}

fn there<E: std::fmt::Display>(done: Result<bool, E>) -> Result<(), Problem> {
    match done {
        Ok(true) => Ok(()),
        Ok(false) => Err(Problem::new(StatusCode::NOT_FOUND, "not_found", "not_found", "no such relay")),
        Err(cause) => {
            tracing::error!(%cause, "a pause could not be kept");
            Err(Problem::busy("it could not be kept on disk, so nothing changed; the cause is in the log"))
        }
    }
}

fn relay(door: &Door, name: &str) -> Result<Response, Problem> {
    let mut all = door.mailer.relays().status();
    all.retain(|relay| *relay.name == *name);
    Ok(Json(wire::relays(all)).into_response())
}
