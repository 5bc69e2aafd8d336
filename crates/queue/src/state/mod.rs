//! `state.db`: small durable state beside the log. Today: API keys, pauses.
//!
//! SQLite, because several processes may open it at once: the daemon and the command line. What one
//! of them writes counts in the others at once (`PRAGMA data_version`).

mod error;
mod key;
mod live;
mod pauses;
mod schema;
mod scram;

pub use error::StateError;
pub use key::{CreatedKey, KeyInfo, KeyScope, NewKey};
pub use pauses::Pause;
pub use scram::ScramVerifier;

use jiff::Timestamp;
use live::Live;
use rusqlite::{Connection, params};
use std::path::Path;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// The open database. Calls block for the time of a small read or one synced write.
#[derive(Debug)]
pub struct StateDb {
    inner: Mutex<Inner>,
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
        Ok(Self { inner: Mutex::new(Inner { connection, live }) })
    }

    /// Who this installation is, to itself: kept with the state, and telling nobody anything else.
    pub fn instance(&self) -> String {
        let inner = self.inner.lock().unwrap_or_else(PoisonError::into_inner);
        // Without its secret no key works either; a mark that all share still finds most circles.
        let secret = schema::secret(&inner.connection).unwrap_or_default();
        let mut seed = b"instance".to_vec();
        seed.extend_from_slice(&secret);
        let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &seed);
        digest.as_ref().iter().take(6).map(|octet| format!("{octet:02x}")).collect()
    }

    /// Makes a key. Its text is in the answer and nowhere else.
    ///
    /// # Errors
    /// The name is malformed or in use by a key that is not revoked; or the write failed.
    pub fn create(&self, new: &NewKey) -> Result<CreatedKey, StateError> {
        new.check()?;
        let minted = key::mint(new)?;
        let mut inner = self.lock();
        schema::insert(&inner.connection, new, &minted)?;
        inner.reload()?;
        Ok(CreatedKey { id: minted.id, name: new.name.clone(), key: minted.text })
    }

    /// Every key, revoked ones too, oldest first.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn list(&self) -> Result<Vec<KeyInfo>, StateError> {
        schema::list(&self.lock().connection)
    }

    /// Revokes the key with this id or, among those not revoked, this name. Revoking twice is no
    /// error and keeps the first time.
    ///
    /// # Errors
    /// `NotFound`; or the write failed.
    pub fn revoke(&self, id_or_name: &str, now: Timestamp) -> Result<KeyInfo, StateError> {
        let mut inner = self.lock();
        let all = schema::list(&inner.connection)?;
        let named = |k: &&KeyInfo| k.id == id_or_name || (k.revoked_at.is_none() && k.name == id_or_name);
        let found = all.iter().find(named).ok_or(StateError::NotFound)?;
        inner.connection.execute(
            "UPDATE keys SET revoked_at = coalesce(revoked_at, ?2) WHERE id = ?1",
            params![found.id, now.to_string()],
        )?;
        inner.reload()?;
        let revoked_at = found.revoked_at.or(Some(now));
        Ok(KeyInfo { revoked_at, ..found.clone() })
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
