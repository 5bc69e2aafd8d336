//! When a deferred mail is tried again.

use jiff::{SignedDuration, Timestamp};
use queue::JobId;
use std::time::Duration;

/// Waits after each counted attempt; the last one repeats. Limited by age, never by count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryProfile {
    delays: Vec<Duration>,
}

impl Default for RetryProfile {
    /// The relay profile: 1 m, 5 m, 15 m, 30 m, 1 h, 2 h, then every 4 h. Faster in the first hour
    /// than RFC 5321 4.5.4.1 asks of strangers, which is fair to one's own relay.
    fn default() -> Self {
        let minutes = [1, 5, 15, 30, 60, 120, 240];
        Self { delays: minutes.into_iter().map(|m| Duration::from_secs(m * 60)).collect() }
    }
}

impl RetryProfile {
    /// A profile of one's own; an empty list means the default.
    pub fn new(delays: Vec<Duration>) -> Self {
        if delays.is_empty() { Self::default() } else { Self { delays } }
    }

    /// For mail that is worth nothing later, such as a code to sign in with: 10 s, 30 s, 1 m, 2 m, then every 5 m.
    pub fn urgent() -> Self {
        Self { delays: [10, 30, 60, 120, 300].map(Duration::from_secs).to_vec() }
    }

    /// This profile, with no wait longer than the other's.
    #[must_use]
    pub fn no_later_than(&self, other: &Self) -> Self {
        let places = 0..self.delays.len().max(other.delays.len());
        Self { delays: places.map(|n| self.base(n).min(other.base(n))).collect() }
    }

    /// The wait at a place, counted from 0; the last one repeats.
    fn base(&self, place: usize) -> Duration {
        let place = place.min(self.delays.len().saturating_sub(1));
        self.delays.get(place).copied().unwrap_or(Duration::from_secs(60))
    }

    /// The wait after the `attempt`-th counted attempt (from 1), ± 20 %. The jitter comes from id
    /// and attempt, so that a schedule can be told in advance and mails deferred together part.
    pub fn delay(&self, attempt: u32, id: JobId) -> Duration {
        let base = self.base(attempt.max(1) as usize - 1);
        let spread = mix(id.0.as_u128() as u64 ^ u64::from(attempt)) % 401;
        base * (800 + spread as u32) / 1000
    }

    /// The moment of the next attempt.
    pub fn next(&self, attempt: u32, id: JobId, now: Timestamp) -> Timestamp {
        later(now, self.delay(attempt, id))
    }
}

/// `now` plus a wait, clamped to the end of time.
pub(crate) fn later(now: Timestamp, wait: Duration) -> Timestamp {
    SignedDuration::try_from(wait).ok().and_then(|d| now.checked_add(d).ok()).unwrap_or(Timestamp::MAX)
}

/// SplitMix64's finalizer: spreads the bits of a small key.
fn mix(key: u64) -> u64 {
    let mut z = key.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(n: u128) -> JobId {
        format!("{n:032x}").parse().unwrap()
    }

    #[test]
    fn waits_grow_to_the_last_and_stay_within_a_fifth() {
        let profile = RetryProfile::default();
        let minutes = [1, 5, 15, 30, 60, 120, 240, 240, 240];
        for (attempt, m) in (1..).zip(minutes) {
            let base = Duration::from_secs(m * 60);
            for n in 0..500 {
                let got = profile.delay(attempt, id(n));
                assert!(got >= base * 8 / 10 && got <= base * 12 / 10, "{attempt}: {got:?}");
            }
        }
    }

    #[test]
    fn urgent_mail_never_waits_longer_than_other_mail() {
        let check = |usual: &[u64], want: &[u64]| {
            let usual = RetryProfile::new(usual.iter().map(|s| Duration::from_secs(*s)).collect());
            let got = RetryProfile::urgent().no_later_than(&usual);
            let got: Vec<_> = got.delays.iter().map(Duration::as_secs).collect();
            assert_eq!(got, want, "{usual:?}");
        };
        check(&[], &[10, 30, 60, 120, 300, 300, 300]);
        check(&[1], &[1, 1, 1, 1, 1]);
        check(&[60, 20], &[10, 20, 20, 20, 20]);
    }

    #[test]
    fn mails_deferred_together_part() {
        let profile = RetryProfile::default();
        let different: std::collections::HashSet<_> = (0..100).map(|n| profile.delay(1, id(n))).collect();
        assert!(different.len() > 50, "{}", different.len());
    }
}
