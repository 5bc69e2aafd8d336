//! The clock of a simulation: goes with the runtime's, and can be set.

use jiff::{SignedDuration, Timestamp};
use queue::Clock;
use std::sync::Mutex;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

pub(crate) struct SimulatedClock {
    began: Instant,
    /// What it shows but for the time that passed, and the most that was.
    set: Mutex<(Timestamp, Timestamp)>,
}

impl SimulatedClock {
    pub(crate) fn new() -> Self {
        let start = "2026-01-01T00:00:00Z".parse().unwrap();
        Self { began: Instant::now(), set: Mutex::new((start, start)) }
    }

    pub(crate) fn passed(&self) -> Duration {
        Instant::now() - self.began
    }

    /// Lets time pass; the runtime's clock jumps to the end of it when nothing is left to do.
    pub(crate) async fn pass(&self, time: Duration) {
        sleep_until(Instant::now() + time).await;
    }

    /// How far the wall clock was set back from where it was most ahead.
    pub(crate) fn behind(&self) -> SignedDuration {
        let (now, most) = *self.set.lock().unwrap();
        most.duration_since(now)
    }

    /// Somebody sets the wall clock.
    pub(crate) fn jump(&self, by: SignedDuration) {
        let mut set = self.set.lock().unwrap();
        set.0 += by;
        set.1 = set.1.max(set.0);
    }
}

impl Clock for SimulatedClock {
    fn now(&self) -> Timestamp {
        self.set.lock().unwrap().0 + self.passed()
    }

    fn steady(&self) -> Option<Duration> {
        Some(self.passed())
    }
}
