//! What befalls a job: settlements, and what is done by hand or by time.

use super::{Entry, Table};
use crate::journal::Place;
use crate::lifecycle;
use crate::record::{Control, ControlKind, SettledRecord};
use crate::{JobId, RecipientState, State, Status};
use jiff::{SignedDuration, Timestamp};

impl Table {
    /// Applies a settlement; `place` holds its attempt.
    pub(crate) fn settle(&mut self, record: &SettledRecord, place: Option<Place>) {
        let Some(entry) = self.jobs.get(record.id) else { return };
        let mut recipients = entry.recipients();
        for (index, state) in &record.finals {
            if let Some(slot) = recipients.get_mut(*index as usize)
                && *slot == RecipientState::Open
            {
                *slot = *state;
            }
        }
        let done = recipients.iter().all(|r| *r != RecipientState::Open);
        let (state, status) = match (done, &record.hold) {
            (true, _) => lifecycle::conclude(&recipients),
            (false, Some(_)) => (State::Held, Status::Held),
            (false, None) => (State::Deferred, Status::Deferred),
        };
        self.go(record.id, state, status, |e| {
            e.set_recipients(recipients);
            if let Some(place) = place {
                e.push_history(place);
            }
            if record.counted {
                e.count_attempt();
            }
            if record.doubt {
                e.set_doubt();
            }
            if record.doubt || record.counted {
                e.set_only(record.attempt.as_ref().filter(|_| record.doubt).map(|a| a.relay.as_str().into()));
            }
            e.set_waits_for_relay(!record.counted);
            e.set_held_because(record.hold.as_deref());
            e.set_due_at(record.due_at.unwrap_or(e.due_at()));
            e.set_settled_at(done.then_some(record.at));
        });
    }

    /// Applies what was done to a job by hand or by time. `Purge` removes it.
    pub(crate) fn control(&mut self, control: &Control) {
        let (id, at) = (control.id, control.at);
        match &control.kind {
            ControlKind::Cancel => self.end(id, at, RecipientState::Cancelled),
            ControlKind::Expire => self.end(id, at, RecipientState::Expired),
            ControlKind::Broken(why) => {
                self.end(id, at, RecipientState::Failed);
                if let Some(entry) = self.jobs.get_mut(id) {
                    entry.set_held_because(Some(why));
                    entry.let_bytes_go();
                }
            }
            ControlKind::Retry { expires_at } => {
                self.go(id, State::Ready, Status::Queued, |e| {
                    // One that waits is only hurried: what was refused for good meanwhile stays refused.
                    if e.is_final() {
                        reopen(e, *expires_at);
                    }
                    e.set_due_at(e.due_at().min(at));
                });
            }
            ControlKind::Hold(why) => {
                self.go(id, State::Held, Status::Held, |e| e.set_held_because(Some(why)));
            }
            ControlKind::Release => self.release(id, at),
            ControlKind::Reschedule(due_at) => {
                self.go(id, State::Scheduled, Status::Scheduled, |e| {
                    // Moved later, it has as long after its new time as it had after the old one.
                    let later = due_at.duration_since(e.due_at()).max(SignedDuration::ZERO);
                    e.set_expires_at(e.expires_at().checked_add(later).unwrap_or(Timestamp::MAX));
                    e.set_due_at(*due_at);
                });
            }
            ControlKind::Return => self.put_back(id),
            ControlKind::Purge => {
                self.remove(id);
            }
        }
    }

    /// A held job goes back to where its time says.
    fn release(&mut self, id: JobId, at: Timestamp) {
        let Some(entry) = self.jobs.get(id) else { return };
        let (state, status) = match (entry.due_at() > at, entry.waits_for_date(at)) {
            (false, _) => (State::Ready, Status::Queued),
            (true, true) => (State::Scheduled, Status::Scheduled),
            (true, false) => (State::Deferred, Status::Deferred),
        };
        self.go(id, state, status, |e| e.set_held_because(None));
    }

    /// Ends what is still open.
    fn end(&mut self, id: JobId, at: Timestamp, as_what: RecipientState) {
        let Some(entry) = self.jobs.get(id) else { return };
        let close = |r: &RecipientState| if *r == RecipientState::Open { as_what } else { *r };
        let recipients: Box<[RecipientState]> = entry.recipients().iter().map(close).collect();
        let (state, status) = lifecycle::conclude(&recipients);
        self.go(id, state, status, |e| {
            e.set_recipients(recipients);
            e.set_settled_at(Some(at));
            e.set_held_because(None);
        });
    }
}

/// Refused and expired recipients are open again.
fn reopen(entry: &mut Entry, expires_at: Timestamp) {
    let mut recipients = entry.recipients();
    for slot in &mut recipients {
        if matches!(slot, RecipientState::Failed | RecipientState::Expired) {
            *slot = RecipientState::Open;
        }
    }
    entry.set_recipients(recipients);
    entry.set_expires_at(expires_at);
    entry.set_settled_at(None);
    entry.set_held_because(None);
}
