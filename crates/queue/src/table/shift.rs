//! The wall clock was set: what the table tells in durations moves with it.

use super::Table;
use jiff::{SignedDuration, Timestamp};

impl Table {
    /// The clock was set, and shows `now`. Moves what is told in durations: ends of life, retries, how long an end and a
    /// key are remembered. A schedule is a date, and stays.
    pub(crate) fn shift(&mut self, by: SignedDuration, now: Timestamp) {
        let moved = |at: Timestamp| at.checked_add(by).unwrap_or(at);
        for (at, _) in &mut self.done {
            *at = moved(*at);
        }
        let before = now.checked_sub(by).unwrap_or(now);
        for (_, entry) in self.jobs.iter_mut() {
            if entry.is_final() {
                entry.set_settled_at(entry.settled_at().map(moved));
            } else if entry.waits_for_date(before) {
                entry.set_expires_at(outlived(entry.due_at(), entry.expires_at(), now));
            } else {
                entry.set_expires_at(moved(entry.expires_at()));
                entry.set_due_at(moved(entry.due_at()));
            }
        }
        self.keys.shift(by);
        self.soonest = Some(self.jobs.look_again(i64::MAX));
    }
}

/// The end of life of mail for a date after the clock was set: as long behind its date as before, or behind now, if the
/// date was leapt over.
pub(crate) fn outlived(date: Timestamp, expires_at: Timestamp, now: Timestamp) -> Timestamp {
    let late = now.duration_since(date).max(SignedDuration::ZERO);
    expires_at.checked_add(late).unwrap_or(Timestamp::MAX)
}
