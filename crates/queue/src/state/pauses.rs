//! What an operator paused: it stays so over a restart.

use super::{StateDb, StateError};
use jiff::Timestamp;
use rusqlite::{Connection, params};

/// What is not to deliver.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pause {
    /// A relay's name; `None`: all of them.
    pub relay: Option<String>,
    pub why: String,
}

/// No relay has this name.
const ALL: &str = "*";

/// A pause as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kept {
    /// `*`: all relays.
    pub(super) relay: String,
    pub(super) why: String,
    pub(super) since: String,
}

impl StateDb {
    /// Notes that a relay, or `None`, all of them, are paused; on disk when it returns, and known to the other nodes
    /// within moments.
    ///
    /// # Errors
    /// The write failed; `Away`.
    pub fn pause(&self, pause: &Pause, now: Timestamp) -> Result<(), StateError> {
        let relay = pause.relay.as_deref().unwrap_or(ALL).to_owned();
        let kept = Kept { relay, why: pause.why.clone(), since: now.to_string() };
        match &self.truth {
            Some(truth) => {
                truth.pause(&kept)?;
                self.catch_up(truth);
                Ok(())
            }
            None => {
                let inner = self.lock();
                alone(&inner.connection)?;
                put(&inner.connection, &kept)
            }
        }
    }

    /// Ends a pause. Whether there was one.
    ///
    /// # Errors
    /// The write failed; `Away`.
    pub fn resume(&self, relay: Option<&str>) -> Result<bool, StateError> {
        let relay = relay.unwrap_or(ALL);
        if let Some(truth) = &self.truth {
            let ended = truth.resume(relay)?;
            self.catch_up(truth);
            return Ok(ended);
        }
        let inner = self.lock();
        alone(&inner.connection)?;
        Ok(inner.connection.execute("DELETE FROM pauses WHERE relay = ?1", params![relay])? > 0)
    }

    /// All pauses.
    ///
    /// # Errors
    /// The database cannot be read.
    pub fn pauses(&self) -> Result<Vec<Pause>, StateError> {
        let pause = |kept: Kept| Pause { relay: (kept.relay != ALL).then_some(kept.relay), why: kept.why };
        Ok(all(&self.lock().connection)?.into_iter().map(pause).collect())
    }
}

/// What is changed here alone is no copy of what others share any more.
fn alone(connection: &Connection) -> Result<(), StateError> {
    connection.execute("DELETE FROM shared", [])?;
    Ok(())
}

pub(super) fn put(connection: &Connection, kept: &Kept) -> Result<(), StateError> {
    connection.execute(
        "INSERT OR REPLACE INTO pauses VALUES (?1, ?2, ?3)",
        params![kept.relay, kept.why, kept.since],
    )?;
    Ok(())
}

pub(super) fn all(connection: &Connection) -> Result<Vec<Kept>, StateError> {
    let mut statement = connection.prepare("SELECT relay, why, since FROM pauses ORDER BY relay")?;
    let rows = statement
        .query_map([], |row| Ok(Kept { relay: row.get(0)?, why: row.get(1)?, since: row.get(2)? }))?;
    Ok(rows.collect::<Result<_, _>>()?)
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
