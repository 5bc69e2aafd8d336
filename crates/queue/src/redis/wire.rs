//! The way to Redis: one connection for all calls, made anew when it is lost. A call waits as long as its caller
//! has patience; every script may run twice without harm, so what got no answer is simply asked again.

use super::ears::Ears;
use super::fate::{Fate, fate};
use super::leases::Leases;
use super::past::Past;
use super::place::{RedisPlace, trouble};
use super::script::Script;
use crate::clock::Clock;
use crate::error::StoreError;
use crate::job::JobId;
use jiff::Timestamp;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, RedisError, Value};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// Between two tries.
const SHORTEST: Duration = Duration::from_millis(20);
const LONGEST: Duration = Duration::from_secs(1);

/// Why a call failed.
#[derive(Debug)]
pub(super) enum Failed {
    /// Redis is full (`maxmemory`).
    Full(String),
    Store(StoreError),
}

impl From<Failed> for StoreError {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::Full(why) => Self::Io(why),
            Failed::Store(error) => error,
        }
    }
}

#[derive(Clone)]
pub(super) struct Connected {
    /// Which connection it is, of all there were.
    pub(super) number: u64,
    pub(super) connection: MultiplexedConnection,
}

pub(super) struct Wire {
    pub(super) place: RedisPlace,
    pub(super) prefix: String,
    pub(super) node: String,
    pub(super) clock: Arc<dyn Clock>,
    /// The clock says what time it is for Redis too; for tests.
    pub(super) given: bool,
    /// Microseconds by which Redis's clock is ahead of ours.
    ahead: AtomicI64,
    current: Mutex<Option<Connected>>,
    pub(super) connecting: tokio::sync::Mutex<()>,
    /// Number of the newest connection.
    pub(super) newest: watch::Sender<u64>,
    /// Number of the newest that is of no use.
    given_up: watch::Sender<u64>,
    /// When anything was last answered, by any connection.
    answered: Mutex<Instant>,
    base: Instant,
    pub(super) leases: Leases,
    pub(super) ears: Ears,
    /// What this Redis was and did.
    pub(super) past: Past,
    trouble: Mutex<Option<String>>,
    /// Redis knew of more leases than we, at the last sign of life.
    pub(super) surplus: AtomicBool,
}

impl Wire {
    pub(super) fn new(
        place: RedisPlace,
        node: String,
        clock: Arc<dyn Clock>,
        given: bool,
        lease: Duration,
    ) -> Self {
        Self {
            prefix: place.prefix(),
            place,
            node,
            clock,
            given,
            ahead: AtomicI64::new(0),
            current: Mutex::new(None),
            connecting: tokio::sync::Mutex::new(()),
            newest: watch::Sender::new(0),
            given_up: watch::Sender::new(0),
            answered: Mutex::new(Instant::now()),
            base: Instant::now(),
            leases: Leases::new(lease),
            ears: Ears::default(),
            past: Past::default(),
            trouble: Mutex::new(None),
            surplus: AtomicBool::new(false),
        }
    }

    /// By a clock that nobody sets.
    pub(super) fn steady(&self) -> Duration {
        let given = self.given.then(|| self.clock.steady()).flatten();
        given.unwrap_or_else(|| self.base.elapsed())
    }

    /// Redis's time, as far as it is known.
    pub(super) fn now(&self) -> Timestamp {
        super::form::time(self.micros(self.clock.now()))
    }

    /// A time of ours, by Redis's clock.
    pub(super) fn micros(&self, at: Timestamp) -> i64 {
        at.as_microsecond().saturating_add(self.ahead.load(Ordering::Relaxed))
    }

    pub(super) fn set_ahead(&self, redis: i64, ours: Timestamp) {
        if !self.given {
            self.ahead.store(redis.saturating_sub(ours.as_microsecond()), Ordering::Relaxed);
        }
    }

    /// The beginning of a call: key, time, node. What the script wants follows.
    pub(super) fn call(&self, script: &Script) -> Cmd {
        let now = if self.given { self.clock.now().as_microsecond() } else { 0 };
        let mut cmd = redis::cmd("EVALSHA");
        cmd.arg(&script.sha).arg(1).arg(&self.prefix).arg(now).arg(&self.node);
        cmd
    }

    /// Runs a script until it has an answer or patience is at its end.
    pub(super) async fn run(&self, script: &Script, cmd: &Cmd, patience: Duration) -> Result<Value, Failed> {
        let began = Instant::now();
        let until = began + patience;
        let mut wait = SHORTEST;
        let mut last = None;
        loop {
            let tried = tokio::time::timeout_at(until, self.once(script, cmd)).await;
            match tried {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(Again::Never(failed))) => return Err(failed),
                Ok(Err(Again::Later(error))) => last = Some(error),
                Err(_) => {
                    self.mistrust(began);
                    let why = last.map_or_else(|| "no answer".to_owned(), |e: RedisError| e.to_string());
                    let error = trouble(&self.place, &format_args!("{why} for {patience:?}"));
                    self.say(Some(error.to_string()));
                    return Err(Failed::Store(error));
                }
            }
            tokio::time::sleep_until((Instant::now() + wait).min(until)).await;
            wait = (wait * 2).min(LONGEST);
        }
    }

    /// One try.
    async fn once(&self, script: &Script, cmd: &Cmd) -> Result<Value, Again> {
        let connected = self.connected().await?;
        self.over(connected, script, cmd).await
    }

    /// One try over the connection that is there, whose number goes with it. For who holds up the making of a new one.
    pub(super) async fn once_leasing(&self, script: &Script, cmd: &Cmd) -> Result<Value, Again> {
        match self.present() {
            Some(connected) => {
                let mut cmd = cmd.clone();
                cmd.arg(connected.number);
                self.over(connected, script, &cmd).await
            }
            None => Err(Again::Later((ErrorKind::Io, "not connected").into())),
        }
    }

    /// Sees that there is a connection.
    pub(super) async fn heal(&self) {
        if let Err(Again::Later(error)) = self.connected().await {
            tracing::debug!(%error, place = %self.place, "no connection to Redis");
        }
    }

    /// Nothing was answered all the while: should the connection be dead without a word, a new one is better.
    fn mistrust(&self, since: Instant) {
        if *self.answered.lock().unwrap_or_else(PoisonError::into_inner) < since {
            let number = self.present().map(|connected| connected.number);
            number.into_iter().for_each(|number| self.give_up(number));
        }
    }

    /// Whoever waits for its answer asks again by another.
    fn give_up(&self, number: u64) {
        self.lock().take_if(|current| current.number == number);
        self.given_up.send_if_modified(|newest| {
            let newer = number > *newest;
            *newest = number.max(*newest);
            newer
        });
    }

    async fn over(&self, connected: Connected, script: &Script, cmd: &Cmd) -> Result<Value, Again> {
        let Connected { number, mut connection } = connected;
        let mut given_up = self.given_up.subscribe();
        let answer = tokio::select! {
            answer = carried(&mut connection, script, cmd) => answer,
            _ = given_up.wait_for(|given_up| *given_up >= number) => {
                Err((ErrorKind::Io, "the connection was given up").into())
            }
        };
        if !answer.as_ref().is_err_and(|error| error.kind() == ErrorKind::Io) {
            *self.answered.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
        }
        let answer = answer.map_err(|error| self.again(error, number))?;
        self.ears.open(answer).map_err(|error| Again::Never(Failed::Store(error)))
    }

    fn again(&self, error: RedisError, number: u64) -> Again {
        match fate(&error) {
            Fate::Connect => {
                self.give_up(number);
                Again::Later(error)
            }
            Fate::Wait | Fate::Load => Again::Later(error),
            Fate::Full => Again::Never(Failed::Full(format!("Redis has no room left (maxmemory): {error}"))),
            Fate::Final => Again::Never(Failed::Store(self.final_error(&error))),
        }
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Option<Connected>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn present(&self) -> Option<Connected> {
        self.lock().clone()
    }

    pub(super) fn final_error(&self, error: &RedisError) -> StoreError {
        let text = match error.code() {
            Some("GONE") => {
                let text = format!(
                    "the queue in {} is gone: its keys were deleted by somebody else. What waited there is lost",
                    self.place
                );
                tracing::error!("{text}");
                text
            }
            Some("NEWER") => {
                let text = format!("the queue in {} is a newer version's now; update this node", self.place);
                tracing::error!("{text}");
                text
            }
            Some("MOVED" | "ASK" | "CROSSSLOT") => {
                format!("{} is part of a cluster; name a Redis of its own, or Sentinels", self.place)
            }
            _ => format!("the queue in {}: {error}", self.place),
        };
        self.say(Some(text.clone()));
        StoreError::Io(text)
    }

    /// One command that is no script of ours, asked once.
    pub(super) async fn plain(&self, cmd: &Cmd) -> Result<Value, RedisError> {
        let asking = async {
            let mut connection = match self.connected().await {
                Ok(connected) => connected.connection,
                Err(Again::Later(error)) => return Err(error),
                Err(Again::Never(_)) => return Err((ErrorKind::Client, "the queue is gone").into()),
            };
            ask(&mut connection, cmd).await
        };
        // Many may stand before us where connections are made.
        let asked = tokio::time::timeout(super::PATIENCE, asking).await;
        asked.unwrap_or_else(|_| Err((ErrorKind::Io, "no answer in time").into()))
    }

    pub(super) fn say(&self, why: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    pub(super) fn why_not(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Asks, and sends the script along if Redis does not have it.
async fn carried(
    connection: &mut MultiplexedConnection,
    script: &Script,
    cmd: &Cmd,
) -> Result<Value, RedisError> {
    let answer = ask(connection, cmd).await;
    if answer.as_ref().is_err_and(|error| matches!(fate(error), Fate::Load)) {
        ask(connection, &load(script)).await?;
        return ask(connection, cmd).await;
    }
    answer
}

pub(super) async fn ask(connection: &mut MultiplexedConnection, cmd: &Cmd) -> Result<Value, RedisError> {
    connection.send_packed_command(cmd).await.and_then(Value::extract_error)
}

pub(super) fn load(script: &Script) -> Cmd {
    let mut cmd = redis::cmd("SCRIPT");
    cmd.arg("LOAD").arg(&script.text);
    cmd
}

/// Whether a failed try is worth another.
pub(super) enum Again {
    Later(RedisError),
    Never(Failed),
}

/// An id as an argument.
pub(super) fn named(id: JobId) -> String {
    id.to_string()
}
