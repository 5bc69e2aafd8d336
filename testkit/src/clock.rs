//! A clock that stands still until a test moves it.

use std::sync::Mutex;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use queue::Clock;

/// Time moves by `advance` and `set` alone; `jump` moves what the clock shows.
#[derive(Debug)]
pub struct ManualClock {
    /// Wall time, and the steady time beside it.
    now: Mutex<(Timestamp, Duration)>,
}

impl ManualClock {
    pub fn new(now: Timestamp) -> Self {
        ManualClock { now: Mutex::new((now, Duration::ZERO)) }
    }

    pub fn advance(&self, by: Duration) {
        let mut now = self.now.lock().expect("no panic under the lock");
        now.0 += by;
        now.1 += by;
    }

    /// Somebody sets the wall clock; no time passes.
    pub fn jump(&self, by: SignedDuration) {
        self.now.lock().expect("no panic under the lock").0 += by;
    }

    pub fn set(&self, to: Timestamp) {
        let mut now = self.now.lock().expect("no panic under the lock");
        let passed = Duration::try_from(to.duration_since(now.0)).unwrap_or_default();
        *now = (to, now.1 + passed);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        self.now.lock().expect("no panic under the lock").0
    }

    fn steady(&self) -> Option<Duration> {
        Some(self.now.lock().expect("no panic under the lock").1)
    }
}
