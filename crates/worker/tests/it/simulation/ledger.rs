//! The sum: what was submitted, what arrived, what is told. Nothing lost, nothing made up, every repeat marked.

use super::book::Handed;
use super::world::{Submitted, World};
use envelope::Class;
use queue::{JobId, JobView, RecipientState, Status, Store};
use send::RecipientOutcome;

pub(crate) async fn check(world: &mut World) {
    let stats = world.store.stats().await.unwrap();
    let leased = stats.by_status.iter().find(|(word, _)| *word == Status::Sending.word());
    if leased.is_none_or(|(_, many)| *many > 0) {
        world.book.fault("a lease is left");
    }
    let mut faults = Vec::new();
    for (id, job) in &world.jobs {
        let view = match world.store.get(*id).await.unwrap() {
            Some(view) if !job.purged => view,
            None if job.purged => job.last.clone().unwrap(),
            _ => {
                faults.push(format!("{id} is lost, or there though it was purged"));
                continue;
            }
        };
        let pages = world.book.pages();
        let handed: Vec<_> = pages.handed.iter().filter(|h| h.job == *id).collect();
        faults.extend(of_job(*id, job, &view, &handed));
    }
    let pages = world.book.pages();
    let strange = pages.handed.iter().filter(|h| !world.jobs.contains_key(&h.job));
    faults.extend(strange.map(|h| format!("{} was sent, and nobody submitted it", h.job)));
    drop(pages);
    for fault in faults {
        world.book.fault(&fault);
    }
}

fn of_job(id: JobId, job: &Submitted, view: &JobView, handed: &[&Handed]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut most = 0;
    for (n, to) in job.to.iter().enumerate() {
        let given: Vec<_> = handed.iter().filter_map(|h| h.of(to)).collect();
        most = most.max(given.iter().filter(|(took, _)| *took).count());
        let state = view.recipients[n].state;
        if let Some(what) = of_recipient(state, n, view, job, &given) {
            faults.push(format!("{id} to {to}, {state:?}: {what}"));
        }
    }
    if most > 1 && !view.possible_duplicate {
        faults.push(format!("{id} was taken {most} times, unmarked"));
    }
    if view.possible_duplicate && !handed.iter().any(|h| h.in_doubt()) {
        faults.push(format!("{id} is marked, and nothing was ever in doubt"));
    }
    let open = view.recipients.iter().any(|r| r.state == RecipientState::Open);
    match view.status {
        Status::Held if view.held_because.as_ref().is_none_or(String::is_empty) => {
            faults.push(format!("{id} is held, and nobody says why"));
        }
        Status::Held => {}
        status if open || !status.is_final() => {
            faults.push(format!("{id} is {} a day after all was mended", status.word()));
        }
        _ => {}
    }
    faults
}

type Given<'a> = (bool, Option<&'a RecipientOutcome>);

/// What does not agree for one recipient.
fn of_recipient(
    state: RecipientState,
    n: usize,
    view: &JobView,
    job: &Submitted,
    given: &[Given<'_>],
) -> Option<&'static str> {
    let accepted = |g: &Given<'_>| matches!(g, (true, Some(RecipientOutcome::Accepted(_))));
    let known = |g: &Given<'_>| !matches!(g.1, None | Some(RecipientOutcome::Unknown(_)));
    let taken = given.iter().filter(|(took, _)| *took);
    if taken.rev().skip(1).any(known) {
        return Some("sent again, although what became of it was known");
    }
    let answered = || {
        let attempts = view.attempts.iter().flat_map(|a| &a.recipients);
        attempts.into_iter().any(|r| r.index as usize == n && (r.reply.is_some() || r.cause.is_some()))
    };
    match state {
        RecipientState::Sent if !given.iter().any(accepted) => Some("no relay took it"),
        RecipientState::Sent => None,
        _ if given.iter().any(accepted) => Some("a relay took it and said so"),
        RecipientState::Failed if !given.iter().any(|(_, told)| told.is_some_and(for_good)) => {
            Some("nobody refused it for good")
        }
        RecipientState::Failed if !answered() => Some("no attempt says why"),
        RecipientState::Suppressed => Some("nobody suppressed it"),
        // Told of a mail that was ever tried, unless each trial ended without a word.
        RecipientState::Expired if given.iter().any(|(_, told)| told.is_some()) && !answered() => {
            Some("no attempt says what happened")
        }
        _ if job.retried && given.is_empty() && state == RecipientState::Failed => Some("failed untried"),
        _ => None,
    }
}

fn for_good(outcome: &RecipientOutcome) -> bool {
    match outcome {
        RecipientOutcome::Refused { reply, .. } => reply.class() == Some(Class::Permanent),
        RecipientOutcome::Undeliverable { .. } => true,
        _ => false,
    }
}
