//! The wall clock was set: mail keeps the time it had left. Lifetimes and retries are durations to those
//! who asked for them; only a schedule is a date, and stays.

use super::Works;
use crate::NewJob;
use crate::journal::Journal;
use crate::table::outlived;
use jiff::{SignedDuration, Timestamp};
use std::collections::VecDeque;
use std::time::Duration;

/// Less is the slow correction that keeps a good clock right.
const JUMP: SignedDuration = SignedDuration::from_secs(60);
/// No mail is longer on its way in: from the moment that its times are reckoned to the round that takes it.
const WAY_IN: Duration = Duration::from_secs(3600);
/// Jumps of that while that are known, lest a clock that never stands still fill the memory.
const KNOWN: usize = 16;

/// What the clocks showed in the round before.
#[derive(Debug, Clone, Copy)]
struct Beat {
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

/// How the wall clock was set since the start.
#[derive(Debug, Default)]
pub(super) struct Jumps {
    beat: Option<Beat>,
    /// How far ahead in all.
    ahead: SignedDuration,
    /// When each of late was noticed, by the steady clock, and how far it went; the last one first.
    late: VecDeque<(Duration, SignedDuration)>,
}

impl Jumps {
    /// Takes what the clocks show; returns the jump since they were looked at before, if it is one.
    fn notice(&mut self, wall: Timestamp, steady: Option<Duration>) -> Option<SignedDuration> {
        let beat = Beat { wall, steady: steady? };
        self.late.retain(|(at, _)| beat.steady.saturating_sub(*at) <= WAY_IN);
        let by = self.beat.replace(beat)?.jump(&beat);
        if by.abs() < JUMP {
            return None;
        }
        self.ahead = self.ahead.saturating_add(by);
        self.late.push_front((beat.steady, by));
        self.late.truncate(KNOWN);
        Some(by)
    }

    /// A mail whose times were reckoned before the clock was set, and that came in after it, has the life it was to
    /// have.
    pub(super) fn set_right(&self, job: &mut NewJob, now: Timestamp) {
        let by = self.since(job.created_at, now);
        if by.is_zero() {
            return;
        }
        let moved = |at: Timestamp| at.checked_add(by).unwrap_or(at);
        let at_once = job.due_at <= job.created_at;
        job.created_at = moved(job.created_at);
        if at_once {
            (job.due_at, job.expires_at) = (job.created_at, moved(job.expires_at));
        } else {
            job.expires_at = outlived(job.due_at, job.expires_at, job.created_at);
        }
    }

    /// How far the clock was set since it showed `at` to somebody who comes to us at once. Nothing says how many of
    /// the jumps of late lie between: as many as make the way here shortest. Nobody comes from the future.
    fn since(&self, at: Timestamp, now: Timestamp) -> SignedDuration {
        let shown = now.duration_since(at);
        let sums = self.late.iter().scan(SignedDuration::ZERO, |sum, (_, by)| {
            *sum = sum.saturating_add(*by);
            Some(*sum)
        });
        let way = |by: &SignedDuration| shown.saturating_sub(*by).abs();
        std::iter::once(SignedDuration::ZERO).chain(sums).min_by_key(way).unwrap_or_default().min(shown)
    }
}

impl<J: Journal> Works<J> {
    pub(super) fn notice_jump(&mut self, now: Timestamp) {
        if let Some(by) = self.jumps.notice(now, self.clock.steady()) {
            tracing::warn!(?by, "the wall clock was set; mail that waits keeps the time it had left");
            self.table.shift(by, now);
            self.shift_rest(by);
        }
    }

    /// The time as it would be had nobody set the clock ahead: days of history, which stand under their dates, are not
    /// forgotten by a jump. Where the clock was wrong before and is right now, that holds until the next start.
    pub(super) fn unset(&self, now: Timestamp) -> Timestamp {
        now.checked_sub(self.jumps.ahead.max(SignedDuration::ZERO)).unwrap_or(now)
    }
}
