//! Looks at every change of a job: only moves that the life cycle knows, and no end is taken back but by hand.

use super::world::World;
use queue::{JobId, JobView, RecipientState, State, Status, Store, lifecycle};
use tokio::sync::broadcast::error::TryRecvError;

fn state(status: Status) -> State {
    match status {
        Status::Scheduled => State::Scheduled,
        Status::Queued => State::Ready,
        Status::Sending => State::Leased,
        Status::Deferred => State::Deferred,
        Status::Held => State::Held,
        Status::Sent | Status::Partial => State::Settled,
        Status::Failed | Status::Expired | Status::Cancelled | Status::Suppressed => State::Dead,
    }
}

impl World {
    pub(crate) async fn watch(&mut self) {
        loop {
            match self.changes.try_recv() {
                Ok(change) => self.changed(change.id, change.status).await,
                Err(TryRecvError::Lagged(_)) => self.book.fault("changes were missed"),
                Err(_) => return,
            }
        }
    }

    async fn changed(&mut self, id: JobId, status: Status) {
        self.book.note(&format!("{id} is {}", status.word()));
        let view = self.store.get(id).await.unwrap();
        let Some(job) = self.jobs.get_mut(&id) else { return self.book.fault("a job that nobody submitted") };
        let to = state(status);
        match job.state.replace(to) {
            Some(from) if !lifecycle::may(from, to) => {
                self.book.fault(&format!("{id} went from {from:?} to {to:?}"));
            }
            None if !matches!(to, State::Scheduled | State::Ready) => {
                self.book.fault(&format!("{id} began as {to:?}"));
            }
            _ => {}
        }
        let Some(view) = view else {
            if !job.purged {
                self.book.fault(&format!("{id} is gone"));
            }
            return;
        };
        let reopened = std::mem::take(&mut job.reopened);
        if let Some(before) = job.last.replace(view.clone()) {
            for what in taken_back(&before, &view, reopened) {
                self.book.fault(&format!("{id}: {what}"));
            }
        }
    }
}

fn taken_back(before: &JobView, now: &JobView, reopened: bool) -> Vec<String> {
    let mut found = Vec::new();
    for (n, (was, is)) in before.recipients.iter().zip(&now.recipients).enumerate() {
        let by_hand = reopened && matches!(was.state, RecipientState::Failed | RecipientState::Expired);
        if was.state != RecipientState::Open && was.state != is.state && !by_hand {
            found.push(format!("recipient {n} was {:?} and is {:?}", was.state, is.state));
        }
    }
    if before.possible_duplicate && !now.possible_duplicate {
        found.push("the mark of a possible duplicate went".into());
    }
    if before.attempts.len() > now.attempts.len() {
        found.push("an attempt went".into());
    }
    found
}
