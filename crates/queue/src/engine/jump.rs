//! The wall clock was set: mail keeps the time it had left. Lifetimes and retries are durations to those
//! who asked for them; only a schedule is a date, and stays.

use super::Works;
use crate::journal::Journal;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Less is the slow correction that keeps a good clock right.
const JUMP: SignedDuration = SignedDuration::from_secs(60);

/// What the clocks showed in the round before.
#[derive(Debug, Clone, Copy)]
pub(super) struct Beat {
    wall: Timestamp,
    steady: Duration,
}

impl Beat {
    /// How far the wall clock was set since.
    fn jump(&self, next: &Self) -> SignedDuration {
        let passed = next.steady.saturating_sub(self.steady);
        let shown = next.wall.duration_since(self.wall);
        shown.saturating_sub(SignedDuration::try_from(passed).unwrap_or(SignedDuration::MAX))
    }
}

impl<J: Journal> Works<J> {
    pub(super) fn notice_jump(&mut self, now: Timestamp) {
        let Some(steady) = self.clock.steady() else { return };
        let beat = Beat { wall: now, steady };
        let before = self.beat.replace(beat);
        let by = before.map_or(SignedDuration::ZERO, |before| before.jump(&beat));
        if by.abs() >= JUMP {
            tracing::warn!(?by, "the wall clock was set; mail that waits keeps the time it had left");
            self.table.shift(by);
            self.ahead = self.ahead.saturating_add(by);
        }
    }

    /// The time as it would be had nobody set the clock: what was to be remembered for so long is not forgotten by a
    /// jump. Where the clock was wrong before and is right now, that holds until the next start.
    pub(super) fn unset(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.ahead).unwrap_or(now)
    }
}
