//! A relay's breaker: whether it may be used now. Pure; the time is an argument.
//!
//! ```text
//! state     lease          success   trouble
//! Closed    full batches   Closed    Open for 1 s (AUTH refused: 1 min)
//! Open      none           Closed    unchanged (news of the same outage)
//! Probing   one mail, one  Closed    Open, twice as long, at most 5 min (AUTH: 15 min)
//!           connection
//! ```
//! A mass failure opens it for 30 s, then twice as long, at most 15 min. A relay that asks for more is
//! given it.

use std::time::Duration;
use tokio::time::Instant;

/// Whether and how a relay may be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    Full,
    /// One mail on one connection, to see whether the relay is back.
    Probe,
    NotBefore(Instant),
    /// Another connection is probing.
    Wait,
}

/// The breaker of one relay.
#[derive(Debug, Clone)]
pub struct Breaker {
    state: State,
    failures: u32,
    cause: Option<Box<str>>,
    first: Duration,
    most: Duration,
    /// Another node found the trouble.
    adopted: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open(Instant),
    Probing,
}

const FIRST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(300);
/// A refused login is not tried in quick succession: relays lock accounts for that.
const LOGIN_FIRST: Duration = Duration::from_secs(60);
/// Whoever refuses all is not asked often: each question costs it and us a mail's trip.
const MASS_FIRST: Duration = Duration::from_secs(30);
const LONG_MOST: Duration = Duration::from_secs(900);

/// What kind of trouble it is, and so how often the relay is asked whether it is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pace {
    /// It passes by itself: an outage, a restart, a throttle.
    Passing,
    /// Our login was refused.
    Login,
    /// The relay refuses for good whatever it is given.
    Mass,
}

impl Default for Breaker {
    fn default() -> Self {
        Self { state: State::Closed, failures: 0, cause: None, first: FIRST, most: MOST, adopted: false }
    }
}

impl Breaker {
    /// Asks for leave to use the relay; a `Probe` must be answered by `success`, `trouble` or `undecided`.
    pub fn ask(&mut self, now: Instant) -> Leave {
        match self.state {
            State::Closed => Leave::Full,
            State::Probing => Leave::Wait,
            State::Open(until) if until > now => Leave::NotBefore(until),
            State::Open(_) => {
                self.state = State::Probing;
                Leave::Probe
            }
        }
    }

    /// The relay took or refused a mail: it is there.
    pub fn success(&mut self) {
        *self = Self::default();
    }

    /// The relay is in trouble. Returns how long it is left alone, and whether that is news.
    pub fn trouble(&mut self, pace: Pace, cause: &str, at_least: Duration, now: Instant) -> (Duration, bool) {
        if let State::Open(until) = self.state {
            let longer = until.max(now + at_least);
            self.state = State::Open(longer);
            return (longer.saturating_duration_since(now), false);
        }
        self.walk(pace);
        self.adopted = false;
        let wait = self.first.saturating_mul(1 << self.failures.min(20)).min(self.most).max(at_least);
        self.failures += 1;
        let news = self.cause.as_deref() != Some(cause);
        self.cause = Some(cause.into());
        self.state = State::Open(now + wait);
        (wait, news)
    }

    fn walk(&mut self, pace: Pace) {
        match pace {
            Pace::Passing => {}
            Pace::Login => (self.first, self.most) = (LOGIN_FIRST, LONG_MOST),
            Pace::Mass => (self.first, self.most) = (MASS_FIRST, LONG_MOST),
        }
    }

    /// Another node found the relay in trouble and leaves it alone for so long. Whether that is news.
    pub fn adopt(&mut self, pace: Pace, failures: u32, cause: &str, wait: Duration, now: Instant) -> bool {
        let news = self.cause.as_deref() != Some(cause);
        if !news && wait.is_zero() {
            // It is to be tried; perhaps we do.
            return false;
        }
        self.walk(pace);
        let until = now + wait;
        let later = self.again_at().map_or(until, |own| own.max(until));
        (self.state, self.failures, self.adopted) = (State::Open(later), failures, true);
        self.cause = Some(cause.into());
        news
    }

    /// Whether it is open for what all nodes leave a relay alone for.
    pub fn is_held(&self) -> bool {
        self.most == LONG_MOST
    }

    /// Whether mail that was under way says nothing of the trouble that another node found: only a probe does.
    pub fn waits_for_probe(&self) -> bool {
        self.adopted && self.state != State::Probing
    }

    /// A probe is for later.
    pub fn put_off(&mut self, until: Instant) {
        if self.state == State::Probing {
            self.state = State::Open(until);
        }
    }

    /// Tries that failed.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// When it may be tried again; `None` when it is in use or being tried.
    pub fn again_at(&self) -> Option<Instant> {
        match self.state {
            State::Open(until) => Some(until),
            State::Closed | State::Probing => None,
        }
    }

    /// The probe ended; whether it did so without news (nothing was due, we were told to stop).
    pub fn undecided(&mut self, now: Instant) -> bool {
        let probing = self.state == State::Probing;
        if probing {
            self.state = State::Open(now);
        }
        probing
    }

    /// Why the relay is not used; `None`: it is.
    pub fn cause(&self) -> Option<&str> {
        self.cause.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_outage_is_probed_by_one_at_growing_distance() {
        let mut breaker = Breaker::default();
        let mut now = Instant::now();
        assert_eq!(breaker.ask(now), Leave::Full);
        let mut waits = Vec::new();
        for _ in 0..11 {
            let wait = breaker.trouble(Pace::Passing, "refused", Duration::ZERO, now).0;
            waits.push(wait.as_secs());
            assert_eq!(
                breaker.trouble(Pace::Passing, "refused", Duration::ZERO, now).0,
                wait,
                "the same outage"
            );
            assert_eq!(breaker.ask(now), Leave::NotBefore(now + wait));
            now += wait;
            assert_eq!(breaker.ask(now), Leave::Probe);
            assert_eq!(breaker.ask(now), Leave::Wait, "one probe at a time");
        }
        assert_eq!(waits, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300]);
        assert_eq!(breaker.cause(), Some("refused"));
        breaker.success();
        assert_eq!((breaker.ask(now), breaker.cause()), (Leave::Full, None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_login_is_tried_again_after_a_minute_at_the_soonest() {
        let mut breaker = Breaker::default();
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..6 {
            let wait = breaker.trouble(Pace::Login, "535", Duration::ZERO, now).0;
            waits.push(wait.as_secs());
            now += wait;
            assert_eq!(breaker.ask(now), Leave::Probe);
        }
        assert_eq!(waits, [60, 120, 240, 480, 900, 900]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_probe_without_news_leaves_the_next_one_free() {
        let mut breaker = Breaker::default();
        let now = Instant::now();
        let wait = breaker.trouble(Pace::Passing, "", Duration::ZERO, now).0;
        assert_eq!(breaker.ask(now + wait), Leave::Probe);
        breaker.undecided(now + wait);
        assert_eq!(breaker.ask(now + wait), Leave::Probe);
    }
}
