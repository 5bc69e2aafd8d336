//! What people ask, answered from the live table and from history as one. The queue's thread only
//! hands over where things stand; reading and sifting is done on threads that may block.

use crate::bodies::body_of;
use crate::engine::{Command, Engine, Question, too_late};
use crate::error::{ActError, ContentError, StoreError};
use crate::journal::ReadError;
use crate::matching::{Brief, needs_no_text};
use crate::standing::{head_of, view};
use crate::view::{Action, Content, Filter, JobView, Page};
use crate::{JobId, Status};

/// Jobs one page holds at most.
const PAGE: usize = 1000;
/// Jobs sifted at once by their texts.
const SIFTED_TOGETHER: usize = 256;

const fn closed<T>() -> Result<T, StoreError> {
    Err(StoreError::Closed)
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Io(format!("reading was broken off: {error}")))
}

pub(crate) async fn get(engine: &Engine, id: JobId) -> Result<Option<JobView>, StoreError> {
    // The table first: a job goes from there into history, never back.
    let found = engine.ask(|a| Command::Ask(Question::Get(id, a)), closed).await?;
    match (found, engine.history().cloned()) {
        // What is in memory is there at once.
        (Some(standing), None) => standing.view().map(Some),
        (Some(standing), Some(_)) => blocking(move || standing.view().map(Some)).await?,
        (None, Some(history)) => blocking(move || history.find(id).map(|(h, p)| view(h, p))).await,
        (None, None) => Ok(None),
    }
}

pub(crate) async fn list(engine: &Engine, filter: Filter) -> Result<Page, StoreError> {
    let limit = filter.limit.clamp(1, PAGE);
    let wanted = limit + 1;
    let mut jobs = live(engine, &filter, wanted).await?;
    if let Some(history) = engine.history().cloned() {
        // A page full of live jobs leaves room only for younger ones.
        let oldest = jobs.get(wanted - 1).map(|job: &JobView| job.id);
        let before = filter.before.into_iter().chain(oldest).max();
        let filter = Filter { before, ..filter };
        let found = blocking(move || history.list(&filter, wanted)).await?;
        jobs.extend(found.into_iter().map(|(head, progress)| view(head, progress)));
        jobs.sort_by_key(|job| std::cmp::Reverse(job.id));
        // One that went into history in between is there twice.
        jobs.dedup_by_key(|job| job.id);
    }
    let has_more = jobs.len() > limit;
    jobs.truncate(limit);
    Ok(Page { jobs, has_more })
}

/// The newest of the table that match, at most `wanted`.
async fn live(engine: &Engine, filter: &Filter, wanted: usize) -> Result<Vec<JobView>, StoreError> {
    let at_once = if needs_no_text(filter) { wanted } else { SIFTED_TOGETHER };
    let (mut jobs, mut after) = (Vec::new(), filter.after);
    loop {
        let question = |a| Command::Ask(Question::List(Box::new(filter.clone()), after, at_once, a));
        let glance = engine.ask(question, closed).await?;
        if !glance.jobs.is_empty() {
            let (filter, standings) = (filter.clone(), glance.jobs);
            let views = move || -> Vec<JobView> {
                let shown = standings.iter().filter_map(|standing| match standing.view() {
                    Ok(view) => Some(view),
                    Err(error) => {
                        tracing::warn!(%error, "a job cannot be shown");
                        None
                    }
                });
                shown.filter(|v| needs_no_text(&filter) || Brief::of_view(v).matches(&filter)).collect()
            };
            jobs.extend(blocking(views).await?);
        }
        after = glance.next;
        if jobs.len() >= wanted || after.is_none() {
            jobs.truncate(wanted);
            return Ok(jobs);
        }
    }
}

pub(crate) async fn content(engine: &Engine, id: JobId) -> Result<Content, ContentError> {
    let closed = || Err(StoreError::Closed.into());
    let handle = match engine.ask(|a| Command::Ask(Question::Content(id, a)), closed).await {
        Err(ContentError::NotFound) if in_history(engine, id).await?.is_some() => {
            return Err(ContentError::Gone);
        }
        answer => answer?,
    };
    let bodies = engine.bodies().cloned();
    blocking(move || {
        let found = handle.read()?;
        let (head, _) = head_of(found.kind, &found.head).map_err(|e| ContentError::Corrupt(e.to_string()))?;
        let body = body_of(bodies.as_ref(), &head, found.body)?;
        Ok(Content { header: found.header, body })
    })
    .await?
}

impl From<ReadError> for ContentError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Gone => Self::Gone,
            ReadError::Damaged => Self::Corrupt(error.to_string()),
            ReadError::Io(text) => Self::Store(StoreError::Io(text)),
        }
    }
}

async fn in_history(engine: &Engine, id: JobId) -> Result<Option<Status>, StoreError> {
    let Some(history) = engine.history().cloned() else { return Ok(None) };
    blocking(move || history.find(id).map(|(_, progress)| progress.status)).await
}

/// A job of history can be purged, and nothing else.
pub(crate) async fn act_on_history(engine: &Engine, id: JobId, action: &Action) -> Result<Status, ActError> {
    let status = in_history(engine, id).await?.ok_or(ActError::NotFound)?;
    if *action != Action::Purge {
        return Err(ActError::TooLate(too_late(status, action)));
    }
    engine.erase(id).await?.ok_or(ActError::NotFound)
}
