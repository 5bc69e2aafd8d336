//! The application's clock.

use jiff::Timestamp;
use queue::Clock;
use std::time::Duration;
use tokio::time::Instant;

/// A wall clock that is a function, with the steady time beside it by which a jump is told.
pub(crate) struct SteadyClock<F> {
    now: F,
    start: Instant,
}

impl<F> SteadyClock<F> {
    pub(crate) fn new(now: F) -> Self {
        Self { now, start: Instant::now() }
    }
}

impl<F: Fn() -> Timestamp + Send + Sync + 'static> Clock for SteadyClock<F> {
    fn now(&self) -> Timestamp {
        (self.now)()
    }

    fn steady(&self) -> Option<Duration> {
        Some(self.start.elapsed())
    }
}
