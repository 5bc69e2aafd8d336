//! How many mails a relay is given per time (`RATE`): a bucket that fills evenly. Pure; the time is
//! an argument.

use std::time::Duration;
use tokio::time::Instant;

/// So many mails per so long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// 1 or more.
    pub mails: u32,
    /// Longer than zero.
    pub per: Duration,
}

/// What a connection may take now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Share {
    /// Up to so many; what is not used goes back by `refund`.
    Mails(usize),
    NotBefore(Instant),
}

#[derive(Debug, Clone)]
pub(crate) struct Bucket {
    rate: Option<Rate>,
    /// Mails that may leave now, in billionths of one.
    level: u128,
    filled_at: Instant,
}

const ONE: u128 = 1_000_000_000;

impl Bucket {
    /// A bucket that holds the mails of one second, but at least one: no burst after an idle hour.
    pub(crate) fn new(rate: Option<Rate>, now: Instant) -> Self {
        let mut bucket = Self { rate, level: 0, filled_at: now };
        bucket.level = bucket.most();
        bucket
    }

    fn most(&self) -> u128 {
        let second = Duration::from_secs(1);
        self.rate.map_or(0, |rate| gained(rate, second).max(ONE))
    }

    /// Takes up to `want` mails.
    pub(crate) fn take(&mut self, want: usize, now: Instant) -> Share {
        let Some(rate) = self.rate else { return Share::Mails(want) };
        self.level =
            (self.level + gained(rate, now.saturating_duration_since(self.filled_at))).min(self.most());
        self.filled_at = now;
        let whole = usize::try_from(self.level / ONE).unwrap_or(usize::MAX).min(want);
        if whole == 0 {
            let missing = ONE - self.level;
            let nanos = missing * rate.per.as_nanos() / (u128::from(rate.mails.max(1)) * ONE);
            return Share::NotBefore(
                now + Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX) + 1),
            );
        }
        self.level -= whole as u128 * ONE;
        Share::Mails(whole)
    }

    pub(crate) fn refund(&mut self, mails: usize) {
        self.level = (self.level + mails as u128 * ONE).min(self.most());
    }
}

fn gained(rate: Rate, time: Duration) -> u128 {
    time.as_nanos() * u128::from(rate.mails.max(1)) * ONE / rate.per.as_nanos().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn never_more_than_the_rate_and_never_less_for_long() {
        for (mails, per, want) in [(1, 1, 5), (100, 60, 64), (30, 3600, 1), (5_000, 1, 64), (7, 10, 3)] {
            let rate = Rate { mails, per: Duration::from_secs(per) };
            let mut now = Instant::now();
            let begin = now;
            let mut bucket = Bucket::new(Some(rate), now);
            let (mut sent, mut turns) = (0u128, 0);
            while turns < 2_000 {
                turns += 1;
                match bucket.take(want, now) {
                    Share::Mails(n) => sent += n as u128,
                    Share::NotBefore(at) => {
                        assert!(at > now, "a wait that is none");
                        now = at;
                    }
                }
                let due = gained(rate, now - begin) + bucket.most();
                assert!(sent * ONE <= due, "{rate:?}: {sent} sent where {} were due", due / ONE);
            }
            assert!((sent + 1) * ONE >= gained(rate, now - begin), "{rate:?}: {sent} are too few");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn what_is_not_used_goes_back() {
        let rate = Rate { mails: 10, per: Duration::from_secs(1) };
        let now = Instant::now();
        let mut bucket = Bucket::new(Some(rate), now);
        assert_eq!(bucket.take(64, now), Share::Mails(10));
        assert!(matches!(bucket.take(1, now), Share::NotBefore(_)));
        bucket.refund(7);
        assert_eq!(bucket.take(64, now), Share::Mails(7));
        bucket.refund(1_000);
        assert_eq!(bucket.take(64, now), Share::Mails(10), "a refund does not overfill");
        assert_eq!(Bucket::new(None, now).take(64, now), Share::Mails(64));
    }
}
