//! Acting on many messages at once: the operator's form of cancel, retry, hold, release and purge.

use crate::door::Door;
use crate::problem::Problem;
use crate::wire::{self, Selection, Verb, Where, Which};
use crate::{gate, intake};
use axum::Json;
use axum::body::Body;
use axum::extract::{Extension, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt, stream};
use postrider::{ActError, Caller, Filter, JobId, Scope, Status, Store};
use serde::Serialize;

/// Octets of a selection.
const MAX_BODY: usize = 1 << 20;
/// Messages read at once.
const PAGE: usize = 1_000;
/// Actions under way at once, so that they share the log's syncs.
const TOGETHER: usize = 256;
/// Messages named in the answer; the counts are of all.
const MAX_TOLD: usize = 1_000;

#[derive(Serialize)]
struct Selected {
    object: &'static str,
    action: &'static str,
    dry_run: bool,
    /// Messages chosen.
    matched: usize,
    /// Of them, those the action was taken on, or would be.
    changed: usize,
    data: Vec<Told>,
    has_more: bool,
}

#[derive(Serialize)]
struct Told {
    id: String,
    status: Option<&'static str>,
    /// Why the action was not taken.
    problem: Option<String>,
}

/// Chooses messages by id or by condition, and acts on each.
pub(crate) async fn select(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Admin)?;
    let body = intake::read(&headers, body, MAX_BODY, door.mailer.budget(), &door.settings.limits).await?;
    let now = door.mailer.clock().now();
    let Selection { which, verb, dry_run } =
        wire::read(&body.octets).and_then(|json| wire::selection(json, now)).map_err(Problem::invalid)?;
    let chosen = match which {
        Which::Ids(ids) => ids,
        Which::Where(conditions) => matching(&door, &conditions, verb).await?,
    };
    let matched = chosen.len();
    let mut outcomes = stream::iter(chosen).map(|id| one(&door, id, verb, dry_run)).buffered(TOGETHER);
    let (mut changed, mut data) = (0, Vec::new());
    while let Some(outcome) = outcomes.next().await {
        let told = outcome?;
        changed += usize::from(told.problem.is_none());
        if data.len() < MAX_TOLD {
            data.push(told);
        }
    }
    let has_more = matched > data.len();
    let (object, action) = ("selection", verb.word());
    Ok(Json(Selected { object, action, dry_run, matched, changed, data, has_more }).into_response())
}

/// The messages that the conditions hold for, newest first.
async fn matching(door: &Door, conditions: &Where, verb: Verb) -> Result<Vec<JobId>, Problem> {
    let mut chosen = Vec::new();
    let mut filter = Filter { limit: PAGE, ..conditions.filter() };
    loop {
        let page = door.mailer.store().list(filter.clone()).await?;
        chosen.extend(page.jobs.iter().filter(|view| conditions.takes(verb, view)).map(|view| view.id));
        match page.jobs.last() {
            Some(last) if page.has_more && !conditions.is_past(last) => filter.after = Some(last.id),
            Some(_) | None => return Ok(chosen),
        }
    }
}

async fn one(door: &Door, id: JobId, verb: Verb, dry_run: bool) -> Result<Told, Problem> {
    let done: Result<Option<Status>, ActError> = match dry_run {
        true => Ok(door.mailer.store().get(id).await?.map(|view| view.status)),
        false => door.mailer.store().act(id, verb.action()).await.map(Some),
    };
    let (status, problem) = match done {
        Ok(Some(status)) => (Some(status.word()), None),
        Ok(None) => (None, Some(ActError::NotFound.to_string())),
        Err(ActError::Store(error)) => return Err(error.into()),
        Err(error @ (ActError::NotFound | ActError::TooLate(_))) => (None, Some(error.to_string())),
    };
    Ok(Told { id: id.to_string(), status, problem })
}
