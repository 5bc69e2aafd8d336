//! The clock of a simulation: goes with the runtime's, and can be set.

use jiff::{SignedDuration, Timestamp};
use queue::Clock;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

pub(crate) struct SimulatedClock {
    began: Instant,
    set: Mutex<Timestamp>,
}

impl SimulatedClock {
    pub(crate) fn new() -> Self {
        Self { began: Instant::now(), set: Mutex::new("2026-01-01T00:00:00Z".parse().unwrap()) }
    }

    pub(crate) fn passed(&self) -> Duration {
        Instant::now() - self.began
    }

    /// Lets time pass; the runtime's clock jumps to the end of it when nothing is left to do.
    pub(crate) async fn pass(&self, time: Duration) {
        sleep_until(Instant::now() + time).await;
    }

    /// Somebody sets the wall clock.
    pub(crate) fn jump(&self, by: SignedDuration) {
        *self.set.lock().unwrap() += by;
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        *self.set.lock().unwrap() + self.passed()
    }

    fn steady(&self) -> Option<Duration> {
        Some(self.passed())
    }
}
