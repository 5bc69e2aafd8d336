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
use postrider::{ActError, Caller, Filter, JobId, JobView, Scope, Status, Store};
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
    let asked = wire::read(&body.octets).and_then(|json| wire::selection(json, now));
    let asked = asked.map_err(Problem::invalid)?;
    if asked.verb == Verb::List {
        return list(&door, asked).await;
    }
    let Selection { which, verb, dry_run, .. } = asked;
    let chosen = match which {
        Which::Ids(ids) => ids,
        Which::Where(conditions) => {
            matching(&door, &conditions, (verb, None, usize::MAX), |view| view.id).await?.0
        }
    };
    act(&door, chosen, verb, dry_run).await
}

/// Forgets all settled and failed mail.
pub(crate) async fn purge(
    State(door): State<Door>,
    Extension(caller): Extension<Caller>,
) -> Result<Response, Problem> {
    gate::may(&caller, Scope::Admin)?;
    let every = (Verb::Purge, None, usize::MAX);
    let (chosen, _) = matching(&door, &Where::default(), every, |view| view.id).await?;
    act(&door, chosen, Verb::Purge, false).await
}

async fn act(door: &Door, chosen: Vec<JobId>, verb: Verb, dry_run: bool) -> Result<Response, Problem> {
    let matched = chosen.len();
    let mut outcomes = stream::iter(chosen).map(|id| one(door, id, verb, dry_run)).buffered(TOGETHER);
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

/// Rows for people, newest first.
async fn list(door: &Door, asked: Selection) -> Result<Response, Problem> {
    let (views, has_more) = match asked.which {
        Which::Ids(ids) => {
            let mut views = Vec::new();
            for id in ids.into_iter().take(asked.limit) {
                views.extend(door.mailer.store().get(id).await?);
            }
            (views, false)
        }
        Which::Where(conditions) => {
            matching(door, &conditions, (asked.verb, asked.after, asked.limit), |view| view).await?
        }
    };
    Ok(Json(wire::queued(&views, door.waits(), has_more)).into_response())
}

/// The messages that the conditions hold for, newest first, and whether there are more than `limit`.
async fn matching<T>(
    door: &Door,
    conditions: &Where,
    (verb, after, limit): (Verb, Option<JobId>, usize),
    pick: impl Fn(JobView) -> T,
) -> Result<(Vec<T>, bool), Problem> {
    let mut chosen = Vec::new();
    let mut filter = Filter { limit: PAGE, after, ..conditions.filter() };
    loop {
        let page = door.mailer.store().list(filter.clone()).await?;
        let last = page.jobs.last().map(|view| (view.id, conditions.is_past(view)));
        for view in page.jobs.into_iter().filter(|view| conditions.takes(verb, view)) {
            if chosen.len() == limit {
                return Ok((chosen, true));
            }
            chosen.push(pick(view));
        }
        match last {
            Some((last, false)) if page.has_more => filter.after = Some(last),
            Some(_) | None => return Ok((chosen, false)),
        }
    }
}

async fn one(door: &Door, id: JobId, verb: Verb, dry_run: bool) -> Result<Told, Problem> {
    let done: Result<Option<Status>, ActError> = match verb.action().filter(|_| !dry_run) {
        Some(action) => door.mailer.store().act(id, action).await.map(Some),
        None => Ok(door.mailer.store().get(id).await?.map(|view| view.status)),
    };
    let (status, problem) = match done {
        Ok(Some(status)) => (Some(status.word()), None),
        Ok(None) => (None, Some(ActError::NotFound.to_string())),
        Err(ActError::Store(error)) => return Err(error.into()),
        Err(error @ (ActError::NotFound | ActError::TooLate(_))) => (None, Some(error.to_string())),
    };
    Ok(Told { id: id.to_string(), status, problem })
}
