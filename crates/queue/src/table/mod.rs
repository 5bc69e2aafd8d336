//! All jobs as they stand now: pure and synchronous. The log's records, applied in order, make the
//! same table when a store is opened as they made while it ran.

mod entry;
mod keys;
mod lanes;
mod moves;
mod names;
mod shelf;
mod shift;

pub(crate) use entry::Entry;
pub(crate) use keys::{Keys, Known};
pub(crate) use names::{Name, Names};
pub(crate) use shift::outlived;

use crate::lifecycle;
use crate::{Change, JobId, LeaseAsk, State, Status};
use jiff::Timestamp;
use lanes::Lanes;
use shelf::Shelf;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Octets of messages after which a batch ends, however many it may be: a lessee has them in memory.
const LEASED_TOGETHER: u32 = 4 << 20;

/// The scheduler's table.
#[derive(Default)]
pub(crate) struct Table {
    jobs: Shelf,
    /// Nothing is to be done before this; microseconds since 1970.
    soonest: Option<i64>,
    pub(crate) names: Names,
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
        self.jobs.get(id)
    }

    pub(crate) fn get_mut(&mut self, id: JobId) -> Option<&mut Entry> {
        self.jobs.get_mut(id)
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
        self.jobs.newest(older_than)
    }

    pub(crate) fn oldest_unsettled(&self) -> Option<Timestamp> {
        self.jobs.iter().map(|(_, e)| e).find(|e| !e.is_final()).map(Entry::created_at)
    }

    pub(crate) fn project_of(&self, entry: &Entry) -> &Arc<str> {
        self.names.name(entry.project())
    }

    pub(crate) fn route_of(&self, entry: &Entry) -> &Arc<str> {
        self.names.name(entry.route())
    }

    /// Adds a job in the state its entry has.
    pub(crate) fn add(&mut self, id: JobId, entry: Entry) {
        self.remove(id);
        self.jobs.insert(id, entry);
        self.arrived(id);
    }

    pub(crate) fn remove(&mut self, id: JobId) -> Option<Entry> {
        let entry = self.jobs.remove(id)?;
        self.count(entry.status, false);
        self.unsettled -= usize::from(!entry.is_final());
        Some(entry)
    }

    /// Counts a job in its new state, and what follows from that.
    fn arrived(&mut self, id: JobId) {
        let Some(entry) = self.jobs.get(id) else { return };
        let (status, done, next) = (entry.status, entry.is_final(), entry.next_time());
        if let Some(at) = entry.settled_at().filter(|_| done) {
            self.done.push((at, id));
        }
        self.unsettled += usize::from(!done);
        self.soonest = Some(self.soonest.unwrap_or(i64::MAX).min(next));
        self.count(status, true);
        self.changed.push(Change { id, status });
    }

    fn count(&mut self, status: Status, up: bool) {
        let place = Status::ALL.iter().position(|s| *s == status);
        if let Some(slot) = place.and_then(|p| self.counts.get_mut(p)) {
            *slot = if up { *slot + 1 } else { slot.saturating_sub(1) };
        }
    }

    /// Moves a job, if the life cycle allows it. `edit` sets what belongs to the new state.
    fn go(&mut self, id: JobId, state: State, status: Status, edit: impl FnOnce(&mut Entry)) -> bool {
        let Some(entry) = self.jobs.get_mut(id) else { return false };
        if !lifecycle::may(entry.state, state) {
            tracing::error!(%id, from = ?entry.state, to = ?state, "a move that the life cycle does not know; ignored");
            return false;
        }
        let (before, was_done) = (entry.status, entry.is_final());
        edit(entry);
        (entry.state, entry.status) = (state, status);
        if state == State::Ready {
            self.lanes.push(self.names.name(entry.project()), self.names.name(entry.route()), entry, id);
        }
        self.jobs.touch(id);
        self.count(before, false);
        self.unsettled -= usize::from(!was_done);
        self.arrived(id);
        true
    }

    /// Jobs whose time has come are ready, those that were due first before the others.
    pub(crate) fn promote(&mut self, now: Timestamp) {
        let now = now.as_microsecond();
        if self.soonest.is_none_or(|at| at > now) {
            return;
        }
        let due = self.jobs.ripe(now).filter(|(_, e)| e.is_due(now));
        let mut due: Vec<(Timestamp, JobId)> = due.map(|(id, e)| (e.due_at(), id)).collect();
        due.sort_unstable();
        for (_, id) in due {
            self.go(id, State::Ready, Status::Queued, |_| {});
        }
        self.soonest = Some(self.jobs.look_again(now));
    }

    /// Unsettled jobs past their end of life that nobody works on.
    pub(crate) fn expired(&self, now: Timestamp) -> Vec<JobId> {
        let now = now.as_microsecond();
        if self.soonest.is_none_or(|at| at > now) {
            return Vec::new();
        }
        let past = self.jobs.ripe(now).filter(|(_, e)| e.is_past(now));
        let mut past: Vec<(Timestamp, JobId)> = past.map(|(id, e)| (e.expires_at(), id)).collect();
        past.sort_unstable();
        past.into_iter().map(|(_, id)| id).collect()
    }

    /// `promote` and `expired` have nothing to do before this.
    pub(crate) fn next_time(&self) -> Option<Timestamp> {
        let soonest = self.soonest.filter(|at| *at < i64::MAX)?;
        Some(Timestamp::from_microsecond(soonest).unwrap_or(Timestamp::MAX))
    }

    /// Takes ready jobs as asked for; each is leased under `fence`.
    pub(crate) fn pick(&mut self, ask: &LeaseAsk, fence: &mut u64) -> Vec<JobId> {
        let mut picked = Vec::new();
        let mut octets = 0;
        while picked.len() < ask.limit.max(1)
            && octets < LEASED_TOGETHER
            && let Some(id) = self.lanes.pop(ask)
        {
            let fits =
                |e: &Entry| e.state == State::Ready && self.may_take(&ask.relay, ask.route.as_ref(), e);
            if !self.get(id).is_some_and(fits) {
                continue;
            }
            *fence += 1;
            let this = *fence;
            if self.go(id, State::Leased, Status::Sending, |e| e.set_fence(this)) {
                let big = |e: &Entry| if e.beside() { LEASED_TOGETHER } else { e.place.octets };
                octets = octets.saturating_add(self.get(id).map_or(0, big));
                picked.push(id);
            }
        }
        picked
    }

    fn may_take(&self, relay: &Arc<str>, route: Option<&Arc<str>>, entry: &Entry) -> bool {
        let named = self.route_of(entry);
        entry.only().map_or(named == relay || Some(named) == route, |only| only == relay)
    }

    /// Jobs that this relay may take and that wait for the trouble of a relay to pass are ready; returns how many.
    pub(crate) fn hurry(&mut self, relay: &Arc<str>, route: &Arc<str>, now: Timestamp) -> u64 {
        if self.counts().all(|(status, jobs)| status != Status::Deferred || jobs == 0) {
            return 0;
        }
        let waits = |e: &Entry| e.waits_for_relay() && self.may_take(relay, Some(route), e);
        let waiting = self.jobs.iter().filter(|(_, e)| waits(e));
        let mut waiting: Vec<(Timestamp, JobId)> = waiting.map(|(id, e)| (e.due_at(), id)).collect();
        waiting.sort_unstable();
        for (_, id) in &waiting {
            self.go(*id, State::Ready, Status::Queued, |e| e.set_due_at(e.due_at().min(now)));
        }
        waiting.len() as u64
    }

    /// Jobs that only a vanished relay might take may take any.
    pub(crate) fn unpin(&mut self, relays: &[Arc<str>]) {
        for (id, entry) in self.jobs.iter_mut() {
            if entry.only().is_some_and(|only| !relays.contains(only)) {
                entry.set_only(None);
                if entry.state == State::Ready {
                    self.lanes.push(
                        self.names.name(entry.project()),
                        self.names.name(entry.route()),
                        entry,
                        id,
                    );
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
            self.go(id, State::Ready, Status::Queued, Entry::set_doubt);
        }
    }

    /// Jobs that were leased when the process died are ready again, and marked; returns how many.
    pub(crate) fn recover_leases(&mut self) -> u64 {
        let leased: Vec<JobId> =
            self.jobs.iter().filter(|(_, e)| e.state == State::Leased).map(|(id, _)| id).collect();
        for id in &leased {
            self.crashed(*id);
        }
        leased.len() as u64
    }

    /// A lease came back untouched.
    pub(crate) fn put_back(&mut self, id: JobId) {
        self.go(id, State::Ready, Status::Queued, |_| {});
    }

    /// Jobs whose body is wanted and in a file of its own.
    pub(crate) fn with_body_beside(&self) -> BTreeSet<JobId> {
        self.jobs.iter().filter(|(_, e)| e.beside() && e.bytes()).map(|(id, _)| id).collect()
    }

    /// Jobs with a record in this segment.
    pub(crate) fn in_segment(&self, segment: u32) -> Vec<JobId> {
        self.jobs.iter().filter(|(_, e)| e.is_in(segment)).map(|(id, _)| id).collect()
    }
}

#[cfg(test)]
mod tests;
