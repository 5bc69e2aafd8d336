//! The way to Redis: one connection for all calls, made anew when it is lost. A call waits as long as its caller
//! has patience; every script may run twice without harm, so what got no answer is simply asked again.

use super::ears::Ears;
use super::leases::Leases;
use super::place::{RedisPlace, trouble};
use super::script::{KNOW, Script};
use crate::clock::Clock;
use crate::error::StoreError;
use crate::job::JobId;
use jiff::Timestamp;
use redis::aio::MultiplexedConnection;
use redis::{Cmd, ErrorKind, RedisError, ServerErrorKind, Value};
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
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

/// What to do after an error.
enum Fate {
    /// The connection is of no use.
    Connect,
    /// Redis cannot now: the same again later.
    Wait,
    Load,
    Full,
    /// Asking again would not help.
    Final,
}

fn fate(error: &RedisError) -> Fate {
    match error.kind() {
        ErrorKind::Io | ErrorKind::Parse => Fate::Connect,
        // A replica, since it was a primary when we came: whoever is one now is to be found.
        ErrorKind::Server(ServerErrorKind::ReadOnly) => Fate::Connect,
        ErrorKind::Server(ServerErrorKind::NoScript) => Fate::Load,
        ErrorKind::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown,
        ) => Fate::Wait,
        _ => match error.code() {
            Some("OOM") => Fate::Full,
            Some("BUSY" | "MISCONF" | "NOREPLICAS" | "UNKILLABLE") => Fate::Wait,
            Some("NOAUTH" | "WRONGPASS") => Fate::Connect,
            _ => Fate::Final,
        },
    }
}

#[derive(Clone)]
struct Connected {
    /// Which connection it is, of all there were.
    number: u64,
    connection: MultiplexedConnection,
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
    connecting: tokio::sync::Mutex<()>,
    numbers: std::sync::atomic::AtomicU64,
    pub(super) leases: Leases,
    pub(super) ears: Ears,
    trouble: Mutex<Option<String>>,
    /// Redis knew of more leases than we, at the last sign of life.
    surplus: AtomicBool,
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
            numbers: std::sync::atomic::AtomicU64::new(1),
            leases: Leases::new(lease),
            ears: Ears::default(),
            trouble: Mutex::new(None),
            surplus: AtomicBool::new(false),
        }
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
        let until = Instant::now() + patience;
        let mut wait = SHORTEST;
        let mut last = None;
        loop {
            let tried = tokio::time::timeout_at(until, self.once(script, cmd)).await;
            match tried {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(Again::Never(failed))) => return Err(failed),
                Ok(Err(Again::Later(error))) => last = Some(error),
                Err(_) => {
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

    /// One try over the connection that is there. For who holds up the making of a new one.
    pub(super) async fn once_leasing(&self, script: &Script, cmd: &Cmd) -> Result<Value, Again> {
        match self.present() {
            Some(connected) => self.over(connected, script, cmd).await,
            None => Err(Again::Later((ErrorKind::Io, "not connected").into())),
        }
    }

    /// Sees that there is a connection.
    pub(super) async fn heal(&self) {
        if let Err(Again::Later(error)) = self.connected().await {
            tracing::debug!(%error, place = %self.place, "no connection to Redis");
        }
    }

    async fn over(&self, connected: Connected, script: &Script, cmd: &Cmd) -> Result<Value, Again> {
        let Connected { number, mut connection } = connected;
        let mut answer = ask(&mut connection, cmd).await;
        if answer.as_ref().is_err_and(|error| matches!(fate(error), Fate::Load)) {
            answer = match ask(&mut connection, &load(script)).await {
                Ok(_) => ask(&mut connection, cmd).await,
                Err(error) => Err(error),
            };
        }
        let answer = answer.map_err(|error| self.again(error, number))?;
        self.ears.open(answer).map_err(|error| Again::Never(Failed::Store(error)))
    }

    fn again(&self, error: RedisError, number: u64) -> Again {
        match fate(&error) {
            Fate::Connect => {
                let mut current = self.lock();
                if current.as_ref().is_some_and(|c| c.number == number) {
                    *current = None;
                }
                Again::Later(error)
            }
            Fate::Wait | Fate::Load => Again::Later(error),
            Fate::Full => Again::Never(Failed::Full(format!("Redis has no room left (maxmemory): {error}"))),
            Fate::Final => Again::Never(Failed::Store(self.final_error(&error))),
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Connected>> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn present(&self) -> Option<Connected> {
        self.lock().clone()
    }

    fn final_error(&self, error: &RedisError) -> StoreError {
        let text = match error.code() {
            Some("GONE") => {
                let text = format!(
                    "the queue in {} is gone: its keys were deleted by somebody else. What waited there is lost",
                    self.place
                );
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

    async fn connected(&self) -> Result<Connected, Again> {
        if let Some(connected) = self.present() {
            return Ok(connected);
        }
        let _alone = self.connecting.lock().await;
        if let Some(connected) = self.present() {
            return Ok(connected);
        }
        let mut connection = self.place.connect().await.map_err(Again::Later)?;
        self.reconcile(&mut connection).await?;
        let number = self.numbers.fetch_add(1, Ordering::Relaxed);
        let connected = Connected { number, connection };
        *self.lock() = Some(connected.clone());
        Ok(connected)
    }

    /// Redis says how many leases this node has. One that came out of a call given up long ago is told by that there
    /// are too many, twice.
    pub(super) async fn account(&self, has: usize) -> Result<(), StoreError> {
        if has <= self.leases.held().len() {
            self.surplus.store(false, Ordering::Relaxed);
            return Ok(());
        }
        if !self.surplus.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let Some(mut connected) = self.present() else { return Ok(()) };
        match self.reconcile(&mut connected.connection).await {
            Ok(()) => Ok(()),
            Err(Again::Later(error)) => Err(trouble(&self.place, &error)),
            Err(Again::Never(failed)) => Err(failed.into()),
        }
    }

    /// Leases whose news was lost with the connection go back, before anything else is asked.
    async fn reconcile(&self, connection: &mut MultiplexedConnection) -> Result<(), Again> {
        if self.leases.never() {
            return Ok(());
        }
        let _nobody = self.leases.nobody_leases().await;
        let mut cmd = self.call(&KNOW);
        for (id, fence) in self.leases.held() {
            cmd.arg(id.to_string()).arg(fence);
        }
        let answer = match ask(connection, &load(&KNOW)).await {
            Ok(_) => ask(connection, &cmd).await,
            Err(error) => Err(error),
        };
        match answer {
            Ok(answer) => self.ears.open(answer).map(drop).map_err(|e| Again::Never(Failed::Store(e))),
            Err(error) if error.code() == Some("GONE") => {
                Err(Again::Never(Failed::Store(self.final_error(&error))))
            }
            Err(error) => Err(Again::Later(error)),
        }
    }

    /// One command that is no script of ours, on a connection that is there.
    pub(super) async fn plain(&self, cmd: &Cmd) -> Result<Value, RedisError> {
        let mut connection = match self.connected().await {
            Ok(connected) => connected.connection,
            Err(Again::Later(error)) => return Err(error),
            Err(Again::Never(_)) => return Err((ErrorKind::Client, "the queue is gone").into()),
        };
        ask(&mut connection, cmd).await
    }

    pub(super) fn say(&self, why: Option<String>) {
        *self.trouble.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    pub(super) fn why_not(&self) -> Option<String> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

async fn ask(connection: &mut MultiplexedConnection, cmd: &Cmd) -> Result<Value, RedisError> {
    connection.send_packed_command(cmd).await.and_then(Value::extract_error)
}

fn load(script: &Script) -> Cmd {
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
