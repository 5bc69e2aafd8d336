//! A clock that stands still until a test moves it.

use std::sync::Mutex;
use std::time::Duration;

use jiff::Timestamp;
use queue::Clock;

/// Time moves by `advance` and `set` alone.
#[derive(Debug)]
pub struct ManualClock {
    now: Mutex<Timestamp>,
}

impl ManualClock {
    pub fn new(now: Timestamp) -> Self {
        ManualClock { now: Mutex::new(now) }
    }

    pub fn advance(&self, by: Duration) {
        let mut now = self.now.lock().expect("no panic under the lock");
        *now += by;
    }

    pub fn set(&self, to: Timestamp) {
        *self.now.lock().expect("no panic under the lock") = to;
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *self.now.lock().expect("no panic under the lock")
    }
}
