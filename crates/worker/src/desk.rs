//! A relay at work: what its connections share.

use crate::breaker::Pace;
use crate::fellows::Words;
use crate::health::Health;
use crate::settings::{Relay, WorkerSettings};
use crate::signal::Signal;
use crate::status::{Program, RelayStatus};
use jiff::SignedDuration;
use queue::{AnyStore, Clock, Job, JobId};
use send::TroubleKind;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, Weak};
use std::time::Duration;
use tokio::time::Instant;

pub(crate) struct Desk {
    pub(crate) relay: Relay,
    pub(crate) route: Arc<str>,
    /// All relays of the route, by priority, and this one's place among them.
    siblings: Siblings,
    pub(crate) place: usize,
    pub(crate) store: AnyStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Arc<WorkerSettings>,
    health: Mutex<Health>,
    /// Set when a relay of the route moves, so that waiting connections look again.
    pub(crate) moved: Arc<Signal<()>>,
    /// To the other nodes; `None`: there are none.
    pub(crate) words: Option<Words>,
    /// With a rate, one connection at a time waits for mail: the others would sit on its share.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

impl Desk {
    pub(crate) fn new(
        relay: Relay,
        route: Arc<str>,
        (siblings, place): (Siblings, usize),
        shared: &Shared,
    ) -> Self {
        let health = Mutex::new(Health::new(&relay, shared.words.is_some(), Instant::now()));
        Self {
            relay,
            route,
            siblings,
            place,
            store: shared.store.clone(),
            clock: shared.clock.clone(),
            settings: shared.settings.clone(),
            health,
            moved: shared.moved.clone(),
            words: shared.words.clone(),
            turn: tokio::sync::Mutex::new(()),
        }
    }

    pub(crate) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn tell(&self) {
        self.moved.set(());
    }

    fn siblings(&self) -> impl Iterator<Item = Arc<Self>> + '_ {
        self.siblings.get().into_iter().flatten().filter_map(Weak::upgrade)
    }

    /// Whether a relay that comes before this one may be used.
    pub(crate) fn is_spare(&self) -> bool {
        self.siblings().take(self.place).any(|better| better.health().usable())
    }

    /// Whether no other relay may take the mail, for its caller named this one.
    pub(crate) fn is_named_by(&self, job: &Job) -> bool {
        job.route != self.route
    }

    /// The relay that is asked next for mail that this one cannot take as it is: by priority, behind the last from the
    /// first again, whoever has not said the same of it. The first may have been in trouble when the mail came here.
    pub(crate) fn next(&self, job: &Job) -> Option<Arc<str>> {
        if self.is_named_by(job) {
            return None;
        }
        let all: Vec<_> = self.siblings().collect();
        let (before, behind) = all.split_at_checked(self.place)?;
        let mut others = behind.iter().skip(1).chain(before);
        others.find(|desk| !desk.health().cannot_take(job.id)).map(|desk| desk.relay.name.clone())
    }

    /// All relays of the route were asked: if the mail is tried again by hand, they are asked anew.
    pub(crate) fn forget(&self, job: &Job) {
        self.siblings().for_each(|desk| desk.health().forget(job.id));
    }

    /// How long until any relay of the route may be tried, when this one is left alone for `own`.
    pub(crate) fn wait_for_any(&self, own: Duration) -> Duration {
        let now = Instant::now();
        let wait = |desk: Arc<Self>| {
            let health = desk.health();
            match health.usable() {
                true => Some(Duration::ZERO),
                false => health.again_at().map(|at| at.saturating_duration_since(now)),
            }
        };
        let others = self.siblings().enumerate().filter(|(n, _)| *n != self.place);
        others.filter_map(|(_, desk)| wait(desk)).fold(own, Duration::min)
    }

    /// The relay answered for a mail; `sent`: it took it.
    pub(crate) fn success(&self, sent: bool) {
        let (moved, closed) = {
            let mut health = self.health();
            let (was_open, was_held) = (health.cause().is_some(), health.is_held());
            let moved = health.success(sent.then(|| self.clock.now()));
            let closed = was_open && health.cause().is_none();
            if was_held && closed {
                self.say_released();
            }
            (moved, closed)
        };
        if moved {
            self.tell();
        }
        if closed {
            tracing::info!(relay = %self.relay.name, "the relay takes mail again");
        }
    }

    /// The relay is in trouble; returns how long it is left alone.
    pub(crate) fn trouble(&self, pace: Pace, cause: &str, at_least: Duration) -> Duration {
        let rest = {
            let mut health = self.health();
            let rest = health.trouble(pace, cause, at_least, Instant::now());
            if rest.opened {
                self.say_held(pace, rest.wait, rest.failures, cause);
            }
            rest
        };
        if rest.news {
            let (name, url) = (&self.relay.name, &self.relay.url);
            match pace {
                Pace::Passing => {
                    tracing::warn!(relay = %name, %url, wait = ?rest.wait, "relay trouble: {cause}")
                }
                Pace::Login | Pace::Mass => {
                    tracing::error!(relay = %name, %url, wait = ?rest.wait, "the relay is held: {cause}");
                }
            }
            self.tell();
        }
        rest.wait
    }

    /// The relay says that it is too much; returns how long it is left alone.
    pub(crate) fn throttle(&self, cause: &str, asked: Duration) -> Duration {
        self.health().throttled();
        self.trouble(Pace::Passing, cause, asked)
    }

    /// Whether refusing so many recipients more of this mail for good is a mass failure.
    pub(crate) fn refused(&self, id: JobId, recipients: usize) -> bool {
        self.health().refused(id, recipients)
    }

    pub(crate) fn status(&self) -> RelayStatus {
        let health = self.health();
        let again_in = health.again_at().map(|at| at.saturating_duration_since(Instant::now()));
        RelayStatus {
            name: self.relay.name.clone(),
            route: self.route.clone(),
            url: self.relay.url.clone(),
            trouble: health.cause().map(Into::into),
            again_in,
            paused: health.paused().map(Into::into),
            connections: health.connections(),
            last_success: health.last_success,
            sent: health.sent,
            running: self.running(),
        }
    }

    fn running(&self) -> Vec<Program> {
        let now = self.clock.now();
        let since = |age| SignedDuration::try_from(age).ok().and_then(|age| now.checked_sub(age).ok());
        let program = |run: send::Running| Program {
            pid: run.pid,
            recipients: run.recipients,
            since: since(run.age).unwrap_or(now),
        };
        self.relay.sender.running().into_iter().map(program).collect()
    }
}

/// A route's desks; set once all of them stand.
pub(crate) type Siblings = Arc<OnceLock<Vec<Weak<Desk>>>>;

/// What all desks of a worker share.
pub(crate) struct Shared {
    pub(crate) store: AnyStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Arc<WorkerSettings>,
    pub(crate) moved: Arc<Signal<()>>,
    pub(crate) words: Option<Words>,
}

/// How a kind of trouble is met.
pub(crate) fn pace(kind: TroubleKind) -> Pace {
    if kind == TroubleKind::Auth { Pace::Login } else { Pace::Passing }
}
