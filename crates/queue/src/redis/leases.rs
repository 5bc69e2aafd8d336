//! The leases that this node has, and whether they still count: a node that cannot tell Redis that it lives stops
//! before Redis gives its work to another.

use super::form::Known;
use crate::job::JobId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};

/// So long before the end of its leases a node begins nothing more.
pub(super) const MARGIN: u32 = 5;

/// A job that was leased, as it stood then. Its version is the fence in Redis; the ticket is ours, as a Redis that
/// forgot something may give the same fence twice.
struct Held {
    ticket: u64,
    known: Arc<Known>,
}

pub(super) struct Leases {
    /// How long Redis believes a sign of life.
    pub(super) life: Duration,
    held: Mutex<HashMap<JobId, Held>>,
    tickets: AtomicU64,
    /// No mail is begun after this, by the steady clock.
    good_until: Mutex<Duration>,
    /// Raised when Redis took the node for dead: older leases are void.
    epoch: AtomicU64,
    leasing: Arc<RwLock<()>>,
}

impl Leases {
    pub(super) fn new(life: Duration) -> Self {
        Self {
            life,
            held: Mutex::default(),
            tickets: AtomicU64::new(1),
            good_until: Mutex::default(),
            epoch: AtomicU64::new(0),
            leasing: Arc::default(),
        }
    }

    /// Between asking for leases and knowing of them.
    pub(super) async fn leasing(&self) -> OwnedRwLockReadGuard<()> {
        self.leasing.clone().read_owned().await
    }

    pub(super) async fn nobody_leases(&self) -> OwnedRwLockWriteGuard<()> {
        self.leasing.clone().write_owned().await
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, Held>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A lease that was taken; its ticket.
    pub(super) fn add(&self, known: Known) -> u64 {
        let ticket = self.tickets.fetch_add(1, Ordering::Relaxed);
        self.map().insert(known.id, Held { ticket, known: Arc::new(known) });
        ticket
    }

    /// The job of a lease that was not ended yet.
    pub(super) fn known(&self, id: JobId, ticket: u64) -> Option<Arc<Known>> {
        self.map().get(&id).filter(|held| held.ticket == ticket).map(|held| held.known.clone())
    }

    /// Redis knows how the lease ended.
    pub(super) fn ended(&self, id: JobId, ticket: u64) {
        let mut map = self.map();
        if map.get(&id).is_some_and(|held| held.ticket == ticket) {
            map.remove(&id);
        }
    }

    /// Redis does not know of it.
    pub(super) fn unknown(&self, id: JobId, version: u64) -> bool {
        let mut map = self.map();
        let ours = map.get(&id).is_some_and(|held| held.known.version == version);
        ours && map.remove(&id).is_some()
    }

    pub(super) fn held(&self) -> Vec<(JobId, u64)> {
        self.map().iter().map(|(id, held)| (*id, held.known.version)).collect()
    }

    /// A sign of life that was sent then was heard.
    pub(super) fn heard(&self, sent: Duration) {
        let good = sent + self.life - self.life / MARGIN;
        let mut good_until = self.good_until.lock().unwrap_or_else(PoisonError::into_inner);
        // The answer to an earlier one may come later.
        *good_until = good.max(*good_until);
    }

    /// Redis gave what we had to others.
    pub(super) fn void(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.map().clear();
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    /// Whether Redis believes that this node lives, with time to spare.
    pub(super) fn alive(&self, now: Duration) -> bool {
        now < *self.good_until.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn hold(&self, id: JobId, ticket: u64, now: Duration) -> bool {
        self.alive(now) && self.map().get(&id).is_some_and(|held| held.ticket == ticket)
    }
}
