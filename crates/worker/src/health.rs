//! How a relay does, and what a connection may do now. No I/O; the time is an argument.

pub(crate) mod rate;
pub(crate) mod streak;
mod trips;
mod unable;
mod window;

use crate::breaker::{Breaker, Leave, Pace};
use crate::settings::Relay;
use jiff::Timestamp;
use queue::JobId;
use rate::{Bucket, Share};
use std::time::Duration;
use streak::Streak;
use tokio::time::Instant;
use trips::Trips;
use unable::Unable;
use window::Window;

pub(crate) struct Health {
    breaker: Breaker,
    window: Window,
    bucket: Bucket,
    streak: Streak,
    trips: Trips,
    unable: Unable,
    paused: Option<Box<str>>,
    /// Well again, or new, and nobody told the store yet.
    fresh: bool,
    pub(crate) last_success: Option<Timestamp>,
    pub(crate) sent: u64,
}

/// Trouble as the relay's connections must know it.
pub(crate) struct Rest {
    /// How long the relay is left alone.
    pub(crate) wait: Duration,
    /// Whether this is news, or the same outage told by another connection.
    pub(crate) news: bool,
    /// Whether the relay was in use, or tried.
    pub(crate) opened: bool,
    /// Tries that failed.
    pub(crate) failures: u32,
}

/// The first connection of a relay with at least so many is for urgent mail alone.
const ENOUGH_FOR_URGENT: usize = 4;

impl Health {
    /// `shared`: the nodes have one rate together, and it is not counted here.
    pub(crate) fn new(relay: &Relay, shared: bool, now: Instant) -> Self {
        let rate = relay.rate.filter(|_| !shared);
        Self {
            breaker: Breaker::default(),
            window: Window::new(relay.connections),
            bucket: Bucket::new(rate, now),
            streak: Streak::default(),
            trips: Trips::default(),
            unable: Unable::default(),
            paused: None,
            fresh: true,
            last_success: None,
            sent: 0,
        }
    }

    /// Whether mail may be given to the relay in full.
    pub(crate) fn usable(&self) -> bool {
        self.paused.is_none() && self.breaker.cause().is_none()
    }

    /// When it may be tried again; `None`: now, or nobody knows.
    pub(crate) fn again_at(&self) -> Option<Instant> {
        self.breaker.again_at()
    }

    /// Asks for leave to lease up to `want` mails over the connection with this number.
    pub(crate) fn leave(
        &mut self,
        connection: usize,
        of: usize,
        want: usize,
        now: Instant,
    ) -> (Leave, usize) {
        let urgent_only = is_urgent_only(connection, of);
        if self.paused.is_some() || !urgent_only && !self.window.admits(connection) {
            return (Leave::Wait, 0);
        }
        if urgent_only && self.breaker.cause().is_some() {
            // A probe must find mail at once: a connection that waits for urgent mail would hold it.
            return (Leave::Wait, 0);
        }
        let leave = self.breaker.ask(now);
        let want = match leave {
            Leave::Full => want,
            Leave::Probe => 1,
            Leave::Wait | Leave::NotBefore(_) => return (leave, 0),
        };
        match self.bucket.take(want, now) {
            Share::Mails(mails) => (leave, mails),
            Share::NotBefore(at) => {
                self.undecided(now);
                (Leave::NotBefore(at), 0)
            }
        }
    }

    /// Mails that leave was given for and that were not leased.
    pub(crate) fn refund(&mut self, mails: usize) {
        self.bucket.refund(mails);
    }

    /// A probe ended; whether it did so without news.
    pub(crate) fn undecided(&mut self, now: Instant) -> bool {
        self.breaker.undecided(now)
    }

    /// Mails taken, and when the last one was.
    pub(crate) fn counts(&self) -> (u64, Option<Timestamp>) {
        (self.sent, self.last_success)
    }

    /// Goes on from the counts of the relay that had this name.
    pub(crate) fn count_on(&mut self, sent: u64, last_success: Option<Timestamp>) {
        (self.sent, self.last_success) = (sent, last_success);
    }

    /// The relay answered for a mail; `Some`: it took it, then. Returns whether the connections must look again.
    pub(crate) fn success(&mut self, sent: Option<Timestamp>) -> bool {
        let mut moved = self.breaker.cause().is_some() && !self.breaker.waits_for_probe();
        if moved {
            // Whoever comes back is not met by all that waited at once.
            self.window.restart();
            self.fresh = true;
            self.breaker.success();
        }
        if let Some(at) = sent {
            self.sent += 1;
            self.last_success = Some(at);
            self.streak.broken();
            moved |= self.window.good();
        }
        moved
    }

    pub(crate) fn trouble(&mut self, pace: Pace, cause: &str, at_least: Duration, now: Instant) -> Rest {
        let opened = self.breaker.again_at().is_none();
        let (wait, news) = self.breaker.trouble(pace, cause, at_least, now);
        Rest { wait, news, opened, failures: self.breaker.failures() }
    }

    /// Another node found the relay in trouble. Whether that is news.
    pub(crate) fn adopt(
        &mut self,
        pace: Pace,
        failures: u32,
        cause: &str,
        wait: Duration,
        now: Instant,
    ) -> bool {
        self.breaker.adopt(pace, failures, cause, wait, now)
    }

    pub(crate) fn is_held(&self) -> bool {
        self.breaker.is_held()
    }

    /// A probe that was given leave for is for later.
    pub(crate) fn put_off(&mut self, until: Instant) {
        self.breaker.put_off(until);
    }

    pub(crate) fn throttled(&mut self) {
        self.window.throttled();
    }

    /// Whether so many refusals for good more are a mass failure.
    pub(crate) fn refused(&mut self, id: JobId, recipients: usize) -> bool {
        self.streak.refused(id, recipients)
    }

    pub(crate) fn refused_in_a_row(&self) -> usize {
        self.streak.recipients()
    }

    /// Notes that a mail drew a reply that speaks of the relay.
    pub(crate) fn tripped(&mut self, id: JobId) {
        self.trips.note(id, self.sent);
    }

    /// Whether it did so before and the relay served other mail since.
    pub(crate) fn was_tripped_alone(&self, id: JobId) -> bool {
        self.trips.served_since(id, self.sent)
    }

    /// Notes that the relay cannot take this mail as it is.
    pub(crate) fn note_unable(&mut self, id: JobId) {
        self.unable.note(id);
    }

    pub(crate) fn cannot_take(&self, id: JobId) -> bool {
        self.unable.holds(id)
    }

    pub(crate) fn forget(&mut self, id: JobId) {
        self.unable.forget(id);
    }

    /// Whether that changed anything.
    pub(crate) fn pause(&mut self, why: Option<&str>) -> bool {
        let changed = self.paused.as_deref() != why;
        self.paused = why.map(Into::into);
        changed
    }

    /// An operator mended it: tried at once.
    pub(crate) fn forgive(&mut self) {
        self.breaker.success();
        self.streak.broken();
        self.fresh = true;
    }

    /// Whether mail that was put off for its trouble need wait no longer; says so once.
    pub(crate) fn take_fresh(&mut self) -> bool {
        std::mem::take(&mut self.fresh)
    }

    pub(crate) fn paused(&self) -> Option<&str> {
        self.paused.as_deref()
    }

    pub(crate) fn cause(&self) -> Option<&str> {
        self.breaker.cause()
    }

    pub(crate) fn connections(&self) -> usize {
        self.window.open()
    }
}

/// Whether this connection serves urgent mail alone.
pub(crate) fn is_urgent_only(connection: usize, of: usize) -> bool {
    connection + 1 == of && of >= ENOUGH_FOR_URGENT
}
