//! The store's verbs, each with its promise.

use crate::engine::{Begun, Guard};
use crate::{
    ActError, Action, Content, ContentError, Filter, InsertError, Inserted, JobId, JobView, Meta, NewJob,
    Page, Priority, Settlement, Stats, Status, StoreError,
};
use bytes::Bytes;
use envelope::Envelope;
use jiff::Timestamp;
use std::sync::Arc;

/// Who wants work, and how much.
#[derive(Debug, Clone)]
pub struct LeaseAsk {
    /// Jobs of this route, besides those that name the relay itself; `None`: only the latter.
    pub route: Option<Arc<str>>,
    /// Who asks: jobs whose route is this relay, and jobs that only this relay may take for it has
    /// them perhaps. Those that only another may take it never gets.
    pub relay: Arc<str>,
    /// The relay's place in its route: of those who wait, the lowest is served first.
    pub place: usize,
    /// Only urgent jobs.
    pub urgent: bool,
    /// At most this many.
    pub limit: usize,
}

impl LeaseAsk {
    /// Jobs of any priority, for the relay that has its route's name.
    pub fn new(route: impl Into<Arc<str>>, limit: usize) -> Self {
        let route = route.into();
        Self { relay: route.clone(), route: Some(route), place: 0, urgent: false, limit }
    }
}

/// The routes and relays that settings name.
#[derive(Debug, Clone, Default)]
pub struct KnownRelays {
    pub routes: Vec<Arc<str>>,
    pub relays: Vec<Arc<str>>,
}

/// A leased job: what a worker needs to send it.
#[derive(Debug, Clone)]
pub struct Job {
    pub id: JobId,
    pub project: Arc<str>,
    pub envelope: Envelope,
    /// Indices of the envelope's recipients still open.
    pub open: Vec<u32>,
    pub header: Bytes,
    pub body: Bytes,
    pub meta: Arc<Meta>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub priority: Priority,
    /// Attempts counted so far.
    pub attempts: u32,
    pub possible_duplicate: bool,
    /// What its caller asked for: a route, or one relay.
    pub route: Arc<str>,
    /// Whether only the relay that leased it may take it, for it has it perhaps.
    pub pinned: bool,
    pub eight_bit: bool,
    pub utf8_header: bool,
}

/// The right to work on one job. Ends by `Store::settle`; dropped without it (a panic, a shutdown)
/// the job is ready again at once, with the mark of a possible duplicate if its mail had `begun`.
#[derive(Debug)]
pub struct Lease {
    pub job: Job,
    guard: Guard,
}

impl Lease {
    pub(crate) fn new(job: Job, guard: Guard) -> Self {
        Self { job, guard }
    }

    /// To be set when the mail goes into a sender's hands.
    pub fn begun(&self) -> Begun {
        self.guard.begun()
    }

    /// Ends the lease; its key goes into the settlement.
    pub(crate) fn into_key(self) -> (JobId, u64) {
        self.guard.release()
    }
}

/// A job changed its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    pub id: JobId,
    pub status: Status,
}

/// A queue. All back-ends keep the same contract (`contract`).
pub trait Store: Send + Sync {
    /// Stores all jobs or none; on return they survive whatever dies, if `durable()`.
    fn insert(&self, jobs: Vec<NewJob>) -> impl Future<Output = Result<Vec<Inserted>, InsertError>> + Send;

    /// Waits until at least one job of the route is due, then leases up to `limit`, urgent first,
    /// round-robin over projects. On return the leases are on record: a crash from here on makes
    /// the jobs ready again, marked as possible duplicates. Cancel-safe: a lease that nobody takes
    /// returns by itself.
    fn lease(&self, ask: LeaseAsk) -> impl Future<Output = Result<Vec<Lease>, StoreError>> + Send;

    /// Says which routes and relays there are from now on. Jobs of another route are held, with the
    /// reason, until it is there again; jobs that only a vanished relay might take may take any.
    fn know(&self, known: KnownRelays) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Ends leases with what became of them. Returns when applied; on record with the next group
    /// or after 100 ms.
    fn settle(
        &self,
        results: Vec<(Lease, Settlement)>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    fn get(&self, id: JobId) -> impl Future<Output = Result<Option<JobView>, StoreError>> + Send;
    fn list(&self, filter: Filter) -> impl Future<Output = Result<Page, StoreError>> + Send;
    fn content(&self, id: JobId) -> impl Future<Output = Result<Content, ContentError>> + Send;

    /// Takes an operator's action; on record when it returns.
    fn act(&self, id: JobId, action: Action) -> impl Future<Output = Result<Status, ActError>> + Send;

    /// A relay is well again: mail that it may take, as in `LeaseAsk`, and that was put off for a relay's trouble, by a
    /// settlement that is not `counted`, is ready now; returns how many. What waits for its own reasons goes on
    /// waiting. Nothing is put on record: after a restart, what was not leased may wait for the time it had.
    fn hurry(&self, relay: Arc<str>, route: Arc<str>)
    -> impl Future<Output = Result<u64, StoreError>> + Send;

    fn stats(&self) -> impl Future<Output = Result<Stats, StoreError>> + Send;

    /// Status changes from now on. A receiver that lags must look again with `get`.
    fn changes(&self) -> tokio::sync::broadcast::Receiver<Change>;

    /// Whether what was accepted survives a crash.
    fn durable(&self) -> bool;

    /// Why nothing can be accepted right now, if so; asked by `admit`.
    fn refusing(&self) -> Option<String>;

    /// Syncs what is written and ends the store. Open leases are returned.
    fn close(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}
