//! The guard of a lease: dropped unsettled, the job comes back.

use super::Command;
use crate::JobId;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

/// Returns the job when dropped, unless the lease was settled.
#[derive(Debug)]
pub(crate) struct Guard {
    id: JobId,
    fence: u64,
    back: Option<Sender<Command>>,
    begun: Arc<AtomicBool>,
}

/// Says that a leased mail went into a sender's hands: from then on a lease that is dropped leaves
/// the mark of a possible duplicate.
#[derive(Debug, Clone)]
pub struct Begun(Arc<AtomicBool>);

impl Begun {
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Guard {
    pub(super) fn new(id: JobId, fence: u64, back: Sender<Command>) -> Self {
        Self { id, fence, back: Some(back), begun: Arc::default() }
    }

    pub(crate) fn begun(&self) -> Begun {
        Begun(self.begun.clone())
    }

    /// Ends the guard; id and fence go into the settlement.
    pub(crate) fn release(mut self) -> (JobId, u64) {
        self.back = None;
        (self.id, self.fence)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(back) = self.back.take() {
            // A closed engine has forgotten its leases; the log has not.
            drop(back.send(Command::Return(self.id, self.fence, self.begun.load(Ordering::Acquire))));
        }
    }
}
