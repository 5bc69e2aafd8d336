//! `state.db`: small durable state beside the log. Today: API keys, pauses.
//!
//! SQLite, because several processes may open it at once: the daemon and the command line. What one
//! of them writes counts in the others at once (`PRAGMA data_version`). Where nodes share a queue in Redis, the truth
//! is there (`shared`), and `state.db` is this node's copy.

mod error;
mod key;
mod live;
mod pauses;
mod schema;
mod scram;
mod shared;

pub use error::StateError;
pub use key::{CreatedKey, KeyInfo, KeyScope, NewKey};
pub use pauses::Pause;
pub use scram::ScramVerifier;

use jiff::Timestamp;
use live::Live;
use rusqlite::{Connection, params};
use shared::Truth;
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The open database. Calls block for the time of a small read or one synced write.
#[derive(Debug)]
pub struct StateDb {
    inner: Mutex<Inner>,
    /// Where the truth is, if not here.
    truth: Option<Truth>,
}

#[derive(Debug)]
struct Inner {
    connection: Connection,
    live: Live,
}

impl StateDb {
    /// Opens `state.db` in the folder `dir`, made with mode 0600 when it is not there.
    ///
    /// # Errors
    /// The file cannot be opened, or a newer version wrote it; it is not touched then.
    pub fn open(dir: &Path) -> Result<Self, StateError> {
        schema::open(&dir.join("state.db")).and_then(Self::over)
    }

    /// A database that is gone when dropped.
    ///
    /// # Errors
    /// SQLite has no memory.
    pub fn in_memory() -> Result<Self, StateError> {
        let mut connection = Connection::open_in_memory()?;
        schema::prepare(&mut connection)?;
        Self::over(connection)
    }

    fn over(connection: Connection) -> Result<Self, StateError> {
        let live = Live::load(&connection)?;
        Ok(Self { inner: Mutex::new(Inner { connection, live }), truth: None })
    }

    /// Who this installation is, to itself: kept with the state, and telling nobody anything else. All nodes of a
    /// shared queue are one: mail that comes from one to another goes in a circle.
    pub fn instance(&self) -> String {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        // Without its secret no key works either; a mark that all share still finds most circles.
        let secret = schema::secret(&inner.connection).unwrap_or_default();
        let mut seed = b"instance".to_vec();
        seed.extend_from_slice(&secret);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &seed);
        digest.as_ref().iter().take(6).map(|octet| format!("{octet:02x}")).collect()
    }

    /// Makes a key. Its text is in the answer and nowhere else. Other nodes know it within moments.
    ///
    /// # Errors
    /// The name is malformed or in use by a key that is not revoked; or the write failed. `Away`: no key was made
    /// that anybody knows the text of.
    pub fn create(&self, new: &NewKey) -> Result<CreatedKey, StateError> {
        new.check()?;
        let (text, entry) = key::mint(new)?;
        match &self.truth {
            Some(truth) => {
                truth.create(&entry)?;
                self.catch_up(truth);
            }
            None => {
                let mut inner = self.lock();
                schema::insert(&inner.connection, &entry)?;
                inner.reload()?;
            }
        }
        Ok(CreatedKey { id: entry.key.id, name: entry.key.name, key: text })
    }

    /// Every key, revoked ones too, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn list(&self) -> Result<Vec<KeyInfo>, StateError> {
        Ok(schema::entries(&self.lock().connection)?.into_iter().map(|entry| entry.key).collect())
    }

    /// Revokes the key with this id or, among those not revoked, this name. Revoking twice is no
    /// error and keeps the first time.
    ///
    /// # Errors
    /// `NotFound`; or the write failed. `Away`: what nodes already knew may count until they hear of it.
    pub fn revoke(&self, id_or_name: &str, now: Timestamp) -> Result<KeyInfo, StateError> {
        if let Some(truth) = &self.truth {
            self.sync(truth)?;
        }
        let all = self.list()?;
        let named = |k: &&KeyInfo| k.id == id_or_name || (k.revoked_at.is_none() && k.name == id_or_name);
        let found = all.iter().find(named).ok_or(StateError::NotFound)?;
        let revoked_at = match &self.truth {
            Some(truth) => {
                let at = truth.revoke(found, now)?;
                self.catch_up(truth);
                at
            }
            None => {
                let mut inner = self.lock();
                inner.connection.execute(
                    "UPDATE keys SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1",
                    params![found.id, now.to_string()],
                )?;
                inner.reload()?;
                found.revoked_at.unwrap_or(now)
            }
        };
        Ok(KeyInfo { revoked_at: Some(revoked_at), ..found.clone() })
    }

    /// The key with this text; `None`: unknown or revoked. A database that cannot be read knows no
    /// key: the cause is logged.
    pub fn by_key(&self, text: &str) -> Option<KeyInfo> {
        let digest = key::digest(text);
        self.current(|live| live.by_digest(&digest))
    }

    /// The key with this name, if `text` is its text. As long in the answer for unknown names.
    pub fn by_name(&self, name: &str, text: &str) -> Option<KeyInfo> {
        let digest = key::digest(text);
        self.current(|live| live.by_name(name, &digest))
    }

    /// What SCRAM-SHA-256 needs to check a user. An unknown user gets a verifier that nothing
    /// satisfies, always the same, so that names cannot be guessed.
    pub fn scram(&self, name: &str) -> Option<ScramVerifier> {
        self.current(|live| live.scram(name))
    }

    fn current<T>(&self, look: impl FnOnce(&Live) -> Option<T>) -> Option<T> {
        let mut inner = self.lock();
        if let Err(cause) = inner.refresh() {
            tracing::error!(%cause, "state.db cannot be read, so no key is accepted");
            return None;
        }
        look(&inner.live)
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Loads the keys again if another connection wrote since.
    fn refresh(&mut self) -> Result<(), StateError> {
        if schema::version_of_content(&self.connection)? == self.live.seen { Ok(()) } else { self.reload() }
    }

    fn reload(&mut self) -> Result<(), StateError> {
        self.live = Live::load(&self.connection)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
