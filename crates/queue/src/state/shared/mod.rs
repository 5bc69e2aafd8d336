//! Keys and pauses of several nodes: Redis has the truth, `state.db` of each node is a copy of it.
//!
//! ```text
//! postrider:{mail}:state     hash    a name for this state, made up when it began; its version, raised by each change
//! postrider:{mail}:keys      hash    id: key; never changed, never removed
//! postrider:{mail}:revoked   hash    id: since when it counts no more
//! postrider:{mail}:names     hash    name: id, of those that count
//! postrider:{mail}:pauses    hash    relay, or *: why and since when
//! postrider:{mail}:secrets   hash    nobody: the secret that all nodes share
//! postrider:{mail}:state     channel versions
//! ```
//!
//! A change is made in Redis first. A node takes all anew when the version moved, and looks keys up in its copy only,
//! so that they work while Redis is away. What a node has and Redis has not (it lost it, or the node was alone before)
//! the node gives it: keys are only ever added and revoked, so nothing can be undone by that. Pauses are given when
//! the node does not know this state, or knows a later version of it.

macro_rules! script {
    ($name:literal) => {
        concat!(include_str!("lua/prelude.lua"), include_str!(concat!("lua/", $name, ".lua")))
    };
}

mod copy;
mod follow;
mod form;

use super::StateError;
use super::key::{Entry, KeyInfo};
use super::pauses::Kept;
use crate::redis::RedisPlace;
use jiff::Timestamp;
use redis::{Connection, ErrorKind, FromRedisValue, RedisError, ServerErrorKind};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where the truth is.
pub(super) struct Truth {
    place: RedisPlace,
    link: Mutex<Link>,
}

#[derive(Default)]
struct Link {
    connection: Option<Connection>,
    /// What this process has taken last.
    seen: Option<Mark>,
    /// What `state.db` was then (`PRAGMA data_version`): another process may write to it alone.
    content: i64,
}

/// A state and its version.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Mark {
    id: String,
    version: u64,
}

impl std::fmt::Debug for Truth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Truth").field("place", &self.place).finish_non_exhaustive()
    }
}

impl Truth {
    pub(super) fn at(place: RedisPlace) -> Self {
        Self { place, link: Mutex::default() }
    }

    pub(super) fn create(&self, entry: &Entry) -> Result<(), StateError> {
        self.lock().create(&self.place, entry)
    }

    /// Since when the key is revoked.
    pub(super) fn revoke(&self, key: &KeyInfo, now: Timestamp) -> Result<Timestamp, StateError> {
        self.lock().revoke(&self.place, key, now)
    }

    pub(super) fn pause(&self, kept: &Kept) -> Result<(), StateError> {
        self.lock().pause(&self.place, kept, false)
    }

    /// Whether it was paused.
    pub(super) fn resume(&self, relay: &str) -> Result<bool, StateError> {
        self.lock().run(&self.place, script!("resume"), &[relay.as_bytes()])
    }

    fn lock(&self) -> MutexGuard<'_, Link> {
        self.link.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Link {
    fn create(&mut self, place: &RedisPlace, entry: &Entry) -> Result<(), StateError> {
        let (key, row) = (&entry.key, form::key(entry));
        let revoked = key.revoked_at.map(|at| at.to_string()).unwrap_or_default();
        let words = [key.id.as_bytes(), key.name.as_bytes(), &row, revoked.as_bytes()];
        let made = self.run(place, script!("create"), &words)?;
        if made { Ok(()) } else { Err(StateError::NameTaken(key.name.clone())) }
    }

    fn revoke(&mut self, place: &RedisPlace, key: &KeyInfo, now: Timestamp) -> Result<Timestamp, StateError> {
        let at = now.to_string();
        let words = [key.id.as_bytes(), key.name.as_bytes(), at.as_bytes()];
        let since: String = self.run(place, script!("revoke"), &words)?;
        since.parse().map_err(|_| StateError::Damaged("no time in Redis".into()))
    }

    fn pause(&mut self, place: &RedisPlace, kept: &Kept, gently: bool) -> Result<(), StateError> {
        let (row, gently) = (form::pause(kept), if gently { b"1" } else { b"0" });
        self.run::<bool>(place, script!("pause"), &[kept.relay.as_bytes(), &row, gently]).map(drop)
    }

    /// Runs a script. Each may run twice without harm, so one that got no answer is asked once more.
    fn run<T: FromRedisValue>(
        &mut self,
        place: &RedisPlace,
        script: &str,
        words: &[&[u8]],
    ) -> Result<T, StateError> {
        let mut cmd = redis::cmd("EVAL");
        cmd.arg(script).arg(1).arg(place.prefix()).arg(words);
        self.ask(place, &cmd)
    }

    fn ask<T: FromRedisValue>(&mut self, place: &RedisPlace, cmd: &redis::Cmd) -> Result<T, StateError> {
        let failed = |error: RedisError| StateError::Away(format!("{place}: {error}"));
        let first = self.once(place, cmd);
        match first {
            Ok(answer) => Ok(answer),
            Err(error) if is_of_connection(&error) => {
                self.connection = None;
                self.once(place, cmd).map_err(|error| {
                    self.connection = None;
                    failed(error)
                })
            }
            Err(error) => Err(failed(error)),
        }
    }

    fn once<T: FromRedisValue>(&mut self, place: &RedisPlace, cmd: &redis::Cmd) -> Result<T, RedisError> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                // Another Redis may have taken over, with less than the one before knew.
                self.seen = None;
                none.insert(place.connect_blocking()?)
            }
        };
        cmd.query(connection)
    }
}

/// Whether another connection may help: this one is lost, or leads to a replica since the primary moved.
fn is_of_connection(error: &RedisError) -> bool {
    matches!(error.kind(), ErrorKind::Io | ErrorKind::Parse | ErrorKind::Server(ServerErrorKind::ReadOnly))
}

#[cfg(test)]
mod tests;
