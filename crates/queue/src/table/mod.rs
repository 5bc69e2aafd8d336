//! All jobs as they stand now: pure and synchronous. The log's records, applied in order, make the
//! same table when a store is opened as they made while it ran.

mod entry;
mod keys;
mod lanes;

pub(crate) use entry::Entry;
pub(crate) use keys::{Keys, Known};

use crate::journal::Place;
use crate::lifecycle;
use crate::record::{Control, ControlKind, SettledRecord};
use crate::{Change, JobId, LeaseAsk, RecipientState, State, Status};
use jiff::{SignedDuration, Timestamp};
use lanes::Lanes;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;
use std::sync::Arc;

/// Octets of messages after which a batch ends, however many it may be: a lessee has them in memory.
const LEASED_TOGETHER: u32 = 4 << 20;

/// The scheduler's table.
#[derive(Default)]
pub(crate) struct Table {
    jobs: BTreeMap<JobId, Entry>,
    /// Scheduled and deferred jobs by due time.
    due: BTreeSet<(Timestamp, JobId)>,
    /// Unsettled jobs by end of life.
    ends: BTreeSet<(Timestamp, JobId)>,
    lanes: Lanes,
    /// Jobs that came to an end and were not looked at since, with the moment of it.
    pub(crate) done: Vec<(Timestamp, JobId)>,
    counts: [u64; Status::ALL.len()],
    unsettled: usize,
    pub(crate) keys: Keys,
    /// Status changes not yet told.
    pub(crate) changed: Vec<Change>,
}

impl Table {
    pub(crate) fn get(&self, id: JobId) -> Option<&Entry> {
        self.jobs.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: JobId) -> Option<&mut Entry> {
        self.jobs.get_mut(&id)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    pub(crate) fn unsettled(&self) -> usize {
        self.unsettled
    }

    pub(crate) fn counts(&self) -> impl Iterator<Item = (Status, u64)> + '_ {
        Status::ALL.into_iter().zip(self.counts)
    }

    /// Newest first, of those older than this one.
    pub(crate) fn newest(&self, older_than: Option<JobId>) -> impl Iterator<Item = (JobId, &Entry)> {
        let end = older_than.map_or(Bound::Unbounded, Bound::Excluded);
        self.jobs.range((Bound::Unbounded, end)).rev().map(|(id, e)| (*id, e))
    }

    pub(crate) fn oldest_unsettled(&self) -> Option<Timestamp> {
        self.jobs.values().find(|e| !e.is_final()).map(|e| e.created_at)
    }

    /// Adds a job in the state its entry has.
    pub(crate) fn add(&mut self, id: JobId, entry: Entry) {
        self.remove(id);
        self.count(entry.status, true);
        match (entry.settled_at, entry.is_final()) {
            (Some(at), true) => self.done.push((at, id)),
            _ => {
                self.unsettled += 1;
                self.ends.insert((entry.expires_at, id));
            }
        }
        if matches!(entry.state, State::Scheduled | State::Deferred) {
            self.due.insert((entry.due_at, id));
        }
        self.changed.push(Change { id, status: entry.status });
        self.jobs.insert(id, entry);
    }

    pub(crate) fn remove(&mut self, id: JobId) -> Option<Entry> {
        let entry = self.jobs.remove(&id)?;
        self.count(entry.status, false);
        self.due.remove(&(entry.due_at, id));
        if self.ends.remove(&(entry.expires_at, id)) {
            self.unsettled -= 1;
        }
        Some(entry)
    }

    fn count(&mut self, status: Status, up: bool) {
        let place = Status::ALL.iter().position(|s| *s == status);
        if let Some(slot) = place.and_then(|p| self.counts.get_mut(p)) {
            *slot = if up { *slot + 1 } else { slot.saturating_sub(1) };
        }
    }

    /// Moves a job, if the life cycle allows it. `edit` sets what belongs to the new state.
    fn go(&mut self, id: JobId, state: State, status: Status, edit: impl FnOnce(&mut Entry)) -> bool {
        let Some(entry) = self.jobs.get(&id) else { return false };
        if !lifecycle::may(entry.state, state) {
            tracing::error!(%id, from = ?entry.state, to = ?state, "a move that the life cycle does not know; ignored");
            return false;
        }
        let Some(mut entry) = self.remove(id) else { return false };
        edit(&mut entry);
        (entry.state, entry.status) = (state, status);
        if state == State::Ready {
            self.lanes.push(&entry, id);
        }
        self.add(id, entry);
        true
    }

    /// Jobs whose time has come are ready.
    pub(crate) fn promote(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.due.first().copied() {
            if at > now {
                return;
            }
            if !self.go(id, State::Ready, Status::Queued, |_| {}) {
                self.due.remove(&(at, id));
            }
        }
    }

    /// Unsettled jobs past their end of life that nobody works on.
    pub(crate) fn expired(&self, now: Timestamp) -> Vec<JobId> {
        let past = self.ends.iter().take_while(|(at, _)| *at <= now).map(|(_, id)| *id);
        past.filter(|id| self.get(*id).is_some_and(|e| e.state != State::Leased)).collect()
    }

    /// Moves the ends of life and the retries, which are durations; schedules stay.
    pub(crate) fn shift(&mut self, by: SignedDuration) {
        let moved = |at: Timestamp| at.checked_add(by).unwrap_or(at);
        for (end, id) in std::mem::take(&mut self.ends) {
            let Some(entry) = self.jobs.get_mut(&id) else { continue };
            entry.expires_at = moved(end);
            self.ends.insert((entry.expires_at, id));
            if entry.state == State::Deferred && self.due.remove(&(entry.due_at, id)) {
                entry.due_at = moved(entry.due_at);
                self.due.insert((entry.due_at, id));
            }
        }
    }

    /// When `promote` or `expired` will have something to do.
    pub(crate) fn next_time(&self) -> Option<Timestamp> {
        let waiting = |id: &JobId| self.get(*id).is_some_and(|e| e.state != State::Leased);
        let end = self.ends.iter().find(|(_, id)| waiting(id)).map(|(at, _)| *at);
        self.due.first().map(|(at, _)| *at).into_iter().chain(end).min()
    }

    /// Takes ready jobs as asked for; each is leased under `fence`.
    pub(crate) fn pick(&mut self, ask: &LeaseAsk, fence: &mut u64) -> Vec<JobId> {
        let mut picked = Vec::new();
        let mut octets = 0;
        while picked.len() < ask.limit.max(1)
            && octets < LEASED_TOGETHER
            && let Some(id) = self.lanes.pop(ask)
        {
            let fits = |e: &Entry| {
                e.state == State::Ready
                    && match &e.only {
                        Some(only) => *only == ask.relay,
                        None => e.route == ask.relay || Some(&e.route) == ask.route.as_ref(),
                    }
            };
            if !self.get(id).is_some_and(fits) {
                continue;
            }
            *fence += 1;
            let this = *fence;
            if self.go(id, State::Leased, Status::Sending, |e| e.fence = this) {
                let big = |e: &Entry| if e.beside { LEASED_TOGETHER } else { e.place.octets };
                octets = octets.saturating_add(self.get(id).map_or(0, big));
                picked.push(id);
            }
        }
        picked
    }

    /// Jobs that only a vanished relay might take may take any.
    pub(crate) fn unpin(&mut self, relays: &[Arc<str>]) {
        for (id, entry) in &mut self.jobs {
            if entry.only.as_ref().is_some_and(|only| !relays.contains(only)) {
                entry.only = None;
                if entry.state == State::Ready {
                    self.lanes.push(entry, *id);
                }
            }
        }
    }

    /// A `Leased` record read at start.
    pub(crate) fn leased(&mut self, id: JobId) {
        self.crashed(id);
        if self.get(id).is_some_and(|e| matches!(e.state, State::Scheduled | State::Deferred)) {
            self.go(id, State::Ready, Status::Queued, |_| {});
        }
        self.go(id, State::Leased, Status::Sending, |_| {});
    }

    /// A job that is leased although the log goes on as if it were not: the process died in between
    /// and the job was ready again, marked.
    pub(crate) fn crashed(&mut self, id: JobId) {
        if self.get(id).is_some_and(|e| e.state == State::Leased) {
            self.go(id, State::Ready, Status::Queued, |e| e.doubt = true);
        }
    }

    /// Jobs that were leased when the process died are ready again, and marked; returns how many.
    pub(crate) fn recover_leases(&mut self) -> u64 {
        let leased: Vec<JobId> =
            self.jobs.iter().filter(|(_, e)| e.state == State::Leased).map(|(id, _)| *id).collect();
        for id in &leased {
            self.crashed(*id);
        }
        leased.len() as u64
    }

    /// A lease came back untouched.
    pub(crate) fn put_back(&mut self, id: JobId) {
        self.go(id, State::Ready, Status::Queued, |_| {});
    }

    /// Applies a settlement; `place` holds its attempt.
    pub(crate) fn settle(&mut self, record: &SettledRecord, place: Option<Place>) {
        let Some(entry) = self.jobs.get(&record.id) else { return };
        let mut recipients = entry.recipients.clone();
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
            e.recipients = recipients;
            e.history.extend(place);
            e.attempts += u32::from(record.counted);
            e.doubt |= record.doubt;
            if record.doubt || record.counted {
                e.only = record.attempt.as_ref().filter(|_| record.doubt).map(|a| a.relay.as_str().into());
            }
            e.held_because = record.hold.as_deref().map(Into::into);
            e.due_at = record.due_at.unwrap_or(e.due_at);
            e.settled_at = done.then_some(record.at);
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
                if let Some(entry) = self.jobs.get_mut(&id) {
                    (entry.held_because, entry.bytes) = (Some(why.as_str().into()), false);
                }
            }
            ControlKind::Retry { expires_at } => {
                self.go(id, State::Ready, Status::Queued, |e| {
                    reopen(e, *expires_at);
                    e.due_at = e.due_at.min(at);
                });
            }
            ControlKind::Hold(why) => {
                self.go(id, State::Held, Status::Held, |e| e.held_because = Some(why.as_str().into()));
            }
            ControlKind::Release => self.release(id, at),
            ControlKind::Reschedule(due_at) => {
                self.go(id, State::Scheduled, Status::Scheduled, |e| {
                    // Moved later, it has as long after its new time as it had after the old one.
                    let later = due_at.duration_since(e.due_at).max(SignedDuration::ZERO);
                    e.expires_at = e.expires_at.checked_add(later).unwrap_or(Timestamp::MAX);
                    e.due_at = *due_at;
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
        let Some(entry) = self.jobs.get(&id) else { return };
        let (state, status) = match (entry.due_at > at, entry.attempts) {
            (false, _) => (State::Ready, Status::Queued),
            (true, 0) => (State::Scheduled, Status::Scheduled),
            (true, _) => (State::Deferred, Status::Deferred),
        };
        self.go(id, state, status, |e| e.held_because = None);
    }

    /// Ends what is still open.
    fn end(&mut self, id: JobId, at: Timestamp, as_what: RecipientState) {
        let Some(entry) = self.jobs.get(&id) else { return };
        let close = |r: &RecipientState| if *r == RecipientState::Open { as_what } else { *r };
        let recipients: Box<[RecipientState]> = entry.recipients.iter().map(close).collect();
        let (state, status) = lifecycle::conclude(&recipients);
        self.go(id, state, status, |e| {
            (e.recipients, e.settled_at, e.held_because) = (recipients, Some(at), None);
        });
    }

    /// Jobs whose body is wanted and in a file of its own.
    pub(crate) fn with_body_beside(&self) -> BTreeSet<JobId> {
        self.jobs.iter().filter(|(_, e)| e.beside && e.bytes).map(|(id, _)| *id).collect()
    }

    /// Jobs with a record in this segment.
    pub(crate) fn in_segment(&self, segment: u32) -> Vec<JobId> {
        let there = |e: &Entry| e.place.segment == segment || e.history.iter().any(|p| p.segment == segment);
        self.jobs.iter().filter(|(_, e)| there(e)).map(|(id, _)| *id).collect()
    }
}

/// Refused and expired recipients are open again.
fn reopen(entry: &mut Entry, expires_at: Timestamp) {
    for slot in &mut entry.recipients {
        if matches!(slot, RecipientState::Failed | RecipientState::Expired) {
            *slot = RecipientState::Open;
        }
    }
    (entry.expires_at, entry.settled_at, entry.held_because) = (expires_at, None, None);
}

#[cfg(test)]
mod tests;
