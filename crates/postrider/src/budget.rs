//! The one byte budget of all doors (`MEMORY`).

use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Octets that may be held for mail on its way in. Counted in units of 1 KiB.
#[derive(Debug, Clone)]
pub struct Budget {
    units: Arc<Semaphore>,
    total: usize,
}

/// The right to hold some octets; given back when dropped.
#[derive(Debug)]
pub struct Permit(#[expect(dead_code, reason = "held for its drop")] OwnedSemaphorePermit);

const UNIT: usize = 1024;

impl Budget {
    pub fn new(octets: usize) -> Self {
        let total = octets / UNIT;
        Self { units: Arc::new(Semaphore::new(total)), total }
    }

    /// Takes room for `octets`, or says at once that there is none.
    pub fn take(&self, octets: usize) -> Option<Permit> {
        let units = u32::try_from(octets.div_ceil(UNIT)).ok()?;
        self.units.clone().try_acquire_many_owned(units).ok().map(Permit)
    }

    /// Octets held at this moment.
    pub fn held(&self) -> usize {
        (self.total - self.units.available_permits()) * UNIT
    }
}
