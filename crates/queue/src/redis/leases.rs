//! The leases that this node has, and whether they still count: a node that cannot tell Redis that it lives stops
//! before Redis gives its work to another.

use super::form::Known;
use crate::job::JobId;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock};
use tokio::time::Instant;

/// So long before the end of its leases a node begins nothing more.
pub(super) const MARGIN: u32 = 5;

pub(super) struct Leases {
    /// How long Redis believes a sign of life.
    pub(super) life: Duration,
    any: AtomicBool,
    held: Mutex<HashMap<JobId, Arc<Known>>>,
    /// No mail is begun after this.
    good_until: Mutex<Instant>,
    /// Raised when Redis took the node for dead: older leases are void.
    epoch: AtomicU64,
    leasing: Arc<RwLock<()>>,
}

impl Leases {
    pub(super) fn new(life: Duration) -> Self {
        Self {
            life,
            any: AtomicBool::new(false),
            held: Mutex::default(),
            good_until: Mutex::new(Instant::now()),
            epoch: AtomicU64::new(0),
            leasing: Arc::default(),
        }
    }

    /// Between asking for leases and knowing of them.
    pub(super) async fn leasing(&self) -> OwnedRwLockReadGuard<()> {
        self.any.store(true, Ordering::Release);
        self.leasing.clone().read_owned().await
    }

    pub(super) async fn nobody_leases(&self) -> OwnedRwLockWriteGuard<()> {
        self.leasing.clone().write_owned().await
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<JobId, Arc<Known>>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether this node never had one.
    pub(super) fn never(&self) -> bool {
        !self.any.load(Ordering::Acquire)
    }

    /// A job that was leased, as it stood then; its version is the fence.
    pub(super) fn add(&self, known: Known) {
        self.map().insert(known.id, Arc::new(known));
    }

    /// The job of a lease that was not ended yet.
    pub(super) fn known(&self, id: JobId, fence: u64) -> Option<Arc<Known>> {
        self.map().get(&id).filter(|known| known.version == fence).cloned()
    }

    /// Redis knows how the lease ended.
    pub(super) fn ended(&self, id: JobId, fence: u64) {
        let mut map = self.map();
        if map.get(&id).is_some_and(|known| known.version == fence) {
            map.remove(&id);
        }
    }

    pub(super) fn held(&self) -> Vec<(JobId, u64)> {
        self.map().iter().map(|(id, known)| (*id, known.version)).collect()
    }

    /// A sign of life that was sent then was heard.
    pub(super) fn heard(&self, sent: Instant) {
        let good = sent + self.life - self.life / MARGIN;
        *self.good_until.lock().unwrap_or_else(PoisonError::into_inner) = good;
    }

    /// Redis gave what we had to others.
    pub(super) fn void(&self) {
        self.epoch.fetch_add(1, Ordering::AcqRel);
        self.map().clear();
    }

    pub(super) fn epoch(&self) -> u64 {
        self.epoch.load(Ordering::Acquire)
    }

    pub(super) fn hold(&self, epoch: u64) -> bool {
        let good_until = *self.good_until.lock().unwrap_or_else(PoisonError::into_inner);
        epoch == self.epoch() && Instant::now() < good_until
    }
}
