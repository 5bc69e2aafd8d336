//! A message as its operator sees it in a list.

use super::time::shown;
use super::view::{List, Row, held_because, last_results, row};
use super::waits::Waits;
use postrider::{AttemptRecipient, JobView, RecipientState};
use serde::Serialize;

/// A row of the queue, for operators.
#[derive(Serialize)]
pub(crate) struct Queued<'a> {
    #[serde(flatten)]
    row: Row<'a>,
    project: &'a str,
    recipients: Vec<&'a str>,
    relay: &'a str,
    attempts: usize,
    next_attempt_at: Option<String>,
    held_because: Option<&'a str>,
    waits_because: Option<String>,
    /// What was last said to a recipient that waits, or why it could not be asked; once none waits, to one that is not
    /// served.
    last_reply: Option<String>,
}

/// `waits`: what each message waits for.
pub(crate) fn queued(
    views: &[JobView],
    waits: impl Fn(&JobView) -> Waits,
    has_more: bool,
) -> List<Queued<'_>> {
    let rows = views.iter().map(|view| (view, waits(view))).map(|(view, waits)| Queued {
        row: row(view),
        project: &view.project,
        recipients: view.envelope.to.iter().map(|r| r.address.as_str()).collect(),
        relay: view.attempts.last().map_or(&view.route, |attempt| &attempt.relay),
        attempts: view.attempts.len(),
        next_attempt_at: waits.until.or_else(|| (!view.status.is_final()).then_some(view.due_at)).map(shown),
        held_because: held_because(view),
        waits_because: waits.because,
        last_reply: last_reply(view),
    });
    List::new(rows.collect(), has_more)
}

fn last_reply(view: &JobView) -> Option<String> {
    let last = last_results(view);
    let served = |result: &AttemptRecipient| result.reply.as_ref().is_some_and(|r| r.code / 100 == 2);
    let waits = |place: &usize| view.recipients.get(*place).is_some_and(|r| r.state == RecipientState::Open);
    let result = if view.status.is_final() {
        last.values().find(|result| !served(result)).or(last.values().next())
    } else {
        last.iter().find(|(place, _)| waits(place)).map(|(_, result)| result)
    }?;
    let reply = result.reply.as_ref().map(|r| format!("{} {}", r.code, r.text()));
    reply.or_else(|| result.cause.as_deref().map(ToOwned::to_owned))
}
