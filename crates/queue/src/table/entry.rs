//! What is kept in memory of one job: its state and where its records stand; no bytes, no texts. A
//! million of these may wait, so what few jobs have stands apart.

use super::{Name, Names};
use crate::journal::Place;
use crate::record::{JobFact, Progress};
use crate::{Priority, RecipientState, State, Status};
use jiff::Timestamp;
use std::sync::Arc;

/// One job.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    /// The `Accepted` or `Snapshot` record.
    pub(crate) place: Place,
    /// Seconds since 1970.
    created: u32,
    /// Microseconds since 1970.
    due: i64,
    expires: i64,
    rare: Option<Box<Rare>>,
    project: Name,
    route: Name,
    /// Recipients; as many as this holds, or the list has them.
    count: u16,
    attempts: u16,
    pub(crate) state: State,
    pub(crate) status: Status,
    pub(crate) priority: Priority,
    flags: u8,
}

/// What a job that waits for its first attempt does not have.
#[derive(Debug, Clone, Default)]
struct Rare {
    only: Option<Arc<str>>,
    history: Vec<Place>,
    /// Unless all are open, and not too many to count.
    recipients: Option<Box<[RecipientState]>>,
    held_because: Option<Box<str>>,
    settled_at: Option<Timestamp>,
    fence: u64,
}

const DOUBT: u8 = 1;
const BYTES: u8 = 2;
const BESIDE: u8 = 4;
const DROPPED: u8 = 8;
const FOR_RELAY: u8 = 16;

fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A time out of range is the end of time: `Timestamp::MAX` itself, in microseconds, is such a one.
fn time(micros: i64) -> Timestamp {
    let end = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(micros).unwrap_or(end)
}

impl Entry {
    /// A job just accepted: scheduled until the table promotes it.
    pub(crate) fn accepted(job: &JobFact<'_>, place: Place, names: &mut Names) -> Self {
        let mut entry = Self {
            place,
            created: u32::try_from(job.created_at.as_second()).unwrap_or_default(),
            due: micros(job.due_at),
            expires: micros(job.expires_at),
            rare: None,
            project: names.number(job.project),
            route: names.number(job.route),
            count: 0,
            attempts: 0,
            state: State::Scheduled,
            status: Status::Scheduled,
            priority: job.priority,
            flags: BYTES | if job.beside { BESIDE } else { 0 },
        };
        entry.set_open(job.recipients);
        entry
    }

    /// So many recipients, all open.
    fn set_open(&mut self, recipients: usize) {
        let few = u16::try_from(recipients);
        self.count = few.unwrap_or(u16::MAX);
        if few.is_err() || self.rare.is_some() {
            let all = || vec![RecipientState::Open; recipients].into();
            self.rare().recipients = few.is_err().then(all);
        }
    }

    /// A job as a snapshot carried it.
    pub(crate) fn snapshot(job: &JobFact<'_>, progress: &Progress, place: Place, names: &mut Names) -> Self {
        let state = match progress.status {
            Status::Held => State::Held,
            Status::Deferred => State::Deferred,
            Status::Scheduled | Status::Queued | Status::Sending => State::Scheduled,
            Status::Sent | Status::Partial => State::Settled,
            Status::Failed | Status::Expired | Status::Cancelled | Status::Suppressed => State::Dead,
        };
        let mut entry = Self::accepted(job, place, names);
        (entry.state, entry.status) = (state, progress.status);
        entry.attempts = u16::try_from(progress.attempts).unwrap_or(u16::MAX);
        entry.set(DOUBT, progress.doubt);
        entry.set(BYTES, progress.with_bytes);
        entry.set_recipients(progress.recipients.clone().into());
        entry.set_held_because(progress.held_because.as_deref());
        entry.set_settled_at(progress.settled_at);
        entry
    }

    fn set(&mut self, flag: u8, on: bool) {
        self.flags = if on { self.flags | flag } else { self.flags & !flag };
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    pub(crate) fn is_final(&self) -> bool {
        matches!(self.state, State::Settled | State::Dead)
    }

    /// When something is to be done, unless somebody works on it: it is due, or its life ends.
    pub(super) fn next_time(&self) -> i64 {
        match self.state {
            State::Scheduled | State::Deferred => self.due.min(self.expires),
            State::Ready | State::Held => self.expires,
            State::Leased | State::Settled | State::Dead => i64::MAX,
        }
    }

    pub(super) fn is_due(&self, now: i64) -> bool {
        matches!(self.state, State::Scheduled | State::Deferred) && self.due <= now
    }

    pub(super) fn is_past(&self, now: i64) -> bool {
        !self.is_final() && self.state != State::Leased && self.expires <= now
    }

    pub(crate) fn project(&self) -> Name {
        self.project
    }

    pub(crate) fn route(&self) -> Name {
        self.route
    }

    /// To the second.
    pub(crate) fn created_at(&self) -> Timestamp {
        time(i64::from(self.created) * 1_000_000)
    }

    pub(crate) fn due_at(&self) -> Timestamp {
        time(self.due)
    }

    pub(super) fn set_due_at(&mut self, at: Timestamp) {
        self.due = micros(at);
    }

    pub(crate) fn expires_at(&self) -> Timestamp {
        time(self.expires)
    }

    pub(super) fn set_expires_at(&mut self, at: Timestamp) {
        self.expires = micros(at);
    }

    pub(crate) fn settled_at(&self) -> Option<Timestamp> {
        self.rare.as_ref()?.settled_at
    }

    pub(super) fn set_settled_at(&mut self, at: Option<Timestamp>) {
        if at.is_some() || self.rare.is_some() {
            self.rare().settled_at = at;
        }
    }

    /// The only relay that may take it: the one that has it perhaps.
    pub(crate) fn only(&self) -> Option<&Arc<str>> {
        self.rare.as_ref()?.only.as_ref()
    }

    pub(crate) fn set_only(&mut self, only: Option<Arc<str>>) {
        if only.is_some() || self.rare.is_some() {
            self.rare().only = only;
        }
    }

    /// Its `Settled` records that hold an attempt.
    pub(crate) fn history(&self) -> &[Place] {
        self.rare.as_ref().map_or(&[], |rare| &rare.history)
    }

    pub(crate) fn push_history(&mut self, place: Place) {
        self.rare().history.push(place);
    }

    pub(crate) fn clear_history(&mut self) {
        if let Some(rare) = &mut self.rare {
            rare.history.clear();
        }
    }

    /// Where all its records stand.
    pub(crate) fn places(&self) -> impl Iterator<Item = Place> {
        std::iter::once(self.place).chain(self.history().iter().copied())
    }

    /// Whether one of its records stands in this segment.
    pub(crate) fn is_in(&self, segment: u32) -> bool {
        self.places().any(|place| place.segment == segment)
    }

    pub(crate) fn recipients(&self) -> Box<[RecipientState]> {
        let own = self.rare.as_ref().and_then(|rare| rare.recipients.clone());
        own.unwrap_or_else(|| vec![RecipientState::Open; usize::from(self.count)].into())
    }

    pub(super) fn set_recipients(&mut self, recipients: Box<[RecipientState]>) {
        if recipients.iter().all(|r| *r == RecipientState::Open) {
            self.set_open(recipients.len());
        } else {
            self.rare().recipients = Some(recipients);
        }
    }

    /// Indices of the recipients still open.
    pub(crate) fn open(&self) -> Vec<u32> {
        let recipients = self.recipients();
        let open = |(i, r): (u32, &RecipientState)| (*r == RecipientState::Open).then_some(i);
        (0..).zip(&recipients).filter_map(open).collect()
    }

    pub(crate) fn held_because(&self) -> Option<&str> {
        self.rare.as_ref()?.held_because.as_deref()
    }

    pub(super) fn set_held_because(&mut self, why: Option<&str>) {
        if why.is_some() || self.rare.is_some() {
            self.rare().held_because = why.map(Into::into);
        }
    }

    /// Of the lease that counts; a settlement with another is stale.
    pub(crate) fn fence(&self) -> u64 {
        self.rare.as_ref().map_or(0, |rare| rare.fence)
    }

    pub(super) fn set_fence(&mut self, fence: u64) {
        self.rare().fence = fence;
    }

    pub(crate) fn attempts(&self) -> u32 {
        self.attempts.into()
    }

    pub(super) fn count_attempt(&mut self) {
        self.attempts = self.attempts.saturating_add(1);
    }

    pub(crate) fn doubt(&self) -> bool {
        self.flags & DOUBT != 0
    }

    pub(super) fn set_doubt(&mut self) {
        self.set(DOUBT, true);
    }

    /// Whether it was deferred for trouble of its relay, and not for an answer of its own. Not known any more once it was
    /// carried forward and read again.
    pub(crate) fn waits_for_relay(&self) -> bool {
        self.state == State::Deferred && self.flags & FOR_RELAY != 0
    }

    pub(super) fn set_waits_for_relay(&mut self, on: bool) {
        self.set(FOR_RELAY, on);
    }

    /// Whether it waits for the date it was given, perhaps held.
    pub(super) fn waits_for_date(&self, now: Timestamp) -> bool {
        let untried = self.attempts == 0 && self.flags & FOR_RELAY == 0;
        let waits = self.state == State::Scheduled || self.state == State::Held && untried;
        waits && self.due > micros(now)
    }

    /// Whether the journal has the message's bytes.
    pub(crate) fn bytes(&self) -> bool {
        self.flags & BYTES != 0
    }

    /// The bytes are not wanted; says whether the body was in a file of its own.
    pub(crate) fn let_bytes_go(&mut self) -> bool {
        let beside = self.beside();
        self.set(BYTES | BESIDE, false);
        beside
    }

    /// Whether the body is in a file of its own.
    pub(crate) fn beside(&self) -> bool {
        self.flags & BESIDE != 0
    }

    /// Whether the journal was told that the bytes are not wanted.
    pub(crate) fn dropped(&self) -> bool {
        self.flags & DROPPED != 0
    }

    /// Says whether the journal is to be told that the bytes are not wanted: once.
    pub(crate) fn drop_once(&mut self) -> bool {
        let first = !self.dropped();
        self.set(DROPPED, true);
        first
    }

    /// Its record was written anew.
    pub(crate) fn undropped(&mut self) {
        self.set(DROPPED, false);
    }

    #[cfg(test)]
    pub(super) fn for_test(names: &mut Names, due: i64) -> Self {
        let name = names.number("");
        let place = Place { segment: 0, at: 0, octets: 0 };
        let (state, status) = (State::Scheduled, Status::Scheduled);
        let (rare, priority) = (None, Priority::Normal);
        Self {
            place,
            created: 0,
            due,
            expires: i64::MAX,
            rare,
            project: name,
            route: name,
            count: 1,
            attempts: 0,
            state,
            status,
            priority,
            flags: BYTES,
        }
    }
}
