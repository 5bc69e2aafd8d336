//! What an operator paused: it stays so over a restart.

use super::{StateDb, StateError};
use jiff::Timestamp;
use rusqlite::{OptionalExtension, params};

/// What is not to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// A relay's name; `None`: all of them.
    pub relay: Option<String>,
    pub why: String,
}

/// No relay has this name.
const ALL: &str = "*";

impl StateDb {
    /// Notes that a relay, or `None`, all of them, are paused; on disk when it returns.
    ///
    /// # Errors
    /// The write failed.
    pub fn pause(&self, pause: &Pause, now: Timestamp) -> Result<(), StateError> {
        self.lock().connection.execute(
            "INSERT OR REPLACE INTO pauses VALUES (?1, ?2, ?3)",
            params![pause.relay.as_deref().unwrap_or(ALL), pause.why, now.to_string()],
        )?;
        Ok(())
    }

    /// Ends a pause. Whether there was one.
    ///
    /// # Errors
    /// The write failed.
    pub fn resume(&self, relay: Option<&str>) -> Result<bool, StateError> {
        let inner = self.lock();
        let mut statement =
            inner.connection.prepare("DELETE FROM pauses WHERE relay = ?1 RETURNING relay")?;
        let gone: Option<String> =
            statement.query_row(params![relay.unwrap_or(ALL)], |row| row.get(0)).optional()?;
        Ok(gone.is_some())
    }

    /// All pauses.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn pauses(&self) -> Result<Vec<Pause>, StateError> {
        let inner = self.lock();
        let mut statement = inner.connection.prepare("SELECT relay, why FROM pauses ORDER BY relay")?;
        let rows = statement.query_map([], |row| {
            let relay: String = row.get(0)?;
            Ok(Pause { relay: (relay != ALL).then_some(relay), why: row.get(1)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_outlive_the_process_and_end_once() {
        let folder = tempfile::tempdir().unwrap();
        let open = || StateDb::open(folder.path()).unwrap();
        let pause = |relay: Option<&str>, why: &str| Pause { relay: relay.map(Into::into), why: why.into() };
        let db = open();
        for each in [pause(Some("b"), "first"), pause(None, "all"), pause(Some("b"), "second")] {
            db.pause(&each, Timestamp::UNIX_EPOCH).unwrap();
        }
        drop(db);
        assert_eq!(open().pauses().unwrap(), [pause(None, "all"), pause(Some("b"), "second")]);
        assert!(open().resume(Some("b")).unwrap() && !open().resume(Some("b")).unwrap());
        assert!(open().resume(None).unwrap());
        assert_eq!(open().pauses().unwrap(), []);
    }
}
