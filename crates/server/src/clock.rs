//! The wall clock, read here and nowhere else.

use jiff::Timestamp;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// The machine's clock.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WallClock;

impl queue::Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn steady(&self) -> Option<Duration> {
        static START: OnceLock<Instant> = OnceLock::new();
        Some(START.get_or_init(Instant::now).elapsed())
    }
}
