//! What a mail's recorded attempts say: how often it broke its sender, and whether one more of the same is worth keeping.

use crate::batch::PANICKED;
use crate::desk::Desk;
use queue::{Attempt, Job, Settlement, Store};
use std::time::Duration;

/// Attempts a mail may show before trouble of its relay is recorded with it no more.
const KEPT: usize = 20;
/// A younger mail cannot have so many.
const YOUNG: Duration = Duration::from_secs(600);

async fn attempts(desk: &Desk, job: &Job) -> Vec<Attempt> {
    match desk.store.get(job.id).await {
        Ok(view) => view.map(|view| view.attempts).unwrap_or_default(),
        Err(error) => {
            tracing::warn!(id = %job.id, %error, "its attempts cannot be read");
            Vec::new()
        }
    }
}

/// How often a sender panicked with this mail in its hands; counted from the record, so that a restart forgets none.
pub(crate) async fn panics(desk: &Desk, job: &Job) -> usize {
    let broke = |attempt: &&Attempt| attempt.recipients.iter().any(|r| r.cause.as_deref() == Some(PANICKED));
    attempts(desk, job).await.iter().filter(broke).count()
}

/// Drops the attempt from a settlement that only says once more that the relay is in trouble: an outage of days
/// would fill the record of each mail. What the relay's trouble is, the relay itself tells.
pub(crate) async fn spare(desk: &Desk, job: &Job, settlement: &mut Settlement) {
    let says_nothing = settlement.finals.is_empty() && !settlement.counted && !settlement.in_doubt;
    let age = Duration::try_from(desk.clock.now().duration_since(job.created_at)).unwrap_or_default();
    if says_nothing && age > YOUNG && attempts(desk, job).await.len() >= KEPT {
        settlement.attempt = None;
    }
}
