//! Taking what Redis has into `state.db`, after giving it what it has not.

use super::super::key::{self, Entry};
use super::super::pauses::{self, Kept};
use super::super::{StateDb, StateError, schema};
use super::{Link, Mark, Truth, form};
use crate::redis::RedisPlace;
use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use std::collections::{HashMap, HashSet};
use std::path::Path;

/// Rounds of giving and reading; others may write in between.
const ROUNDS: usize = 4;

/// All that Redis has.
struct Found {
    mark: Mark,
    secret: Vec<u8>,
    keys: Vec<Entry>,
    /// Of every key, those in no form of ours too.
    ids: HashSet<String>,
    revoked: HashSet<String>,
    pauses: Vec<Kept>,
}

/// All that `state.db` has.
struct Local {
    mark: Option<Mark>,
    secret: [u8; 32],
    keys: Vec<Entry>,
    pauses: Vec<Kept>,
}

impl StateDb {
    /// Opens the copy in the folder `dir` of what the nodes share in Redis, and brings both up to date. Keys and
    /// pauses that `state.db` had before become those of all nodes.
    ///
    /// # Errors
    /// As `open`; `Away`: Redis cannot be had.
    pub fn open_shared(dir: &Path, place: RedisPlace) -> Result<Self, StateError> {
        let mut db = Self::open(dir)?;
        let truth = Truth::at(place);
        db.sync(&truth)?;
        db.truth = Some(truth);
        Ok(db)
    }

    /// Brings the copy up to date.
    pub(in super::super) fn sync(&self, truth: &Truth) -> Result<(), StateError> {
        let (mut link, place) = (truth.lock(), &truth.place);
        let local = read_local(&self.lock().connection)?;
        let fresh = uuid::Uuid::now_v7().as_simple().to_string();
        let (id, version) = local.mark.as_ref().map_or(("", 0), |mark| (mark.id.as_str(), mark.version));
        let words = [fresh.as_bytes(), id.as_bytes(), &version.to_string().into_bytes(), &local.secret];
        let mut found = link.read(place)?;
        let known =
            local.mark.as_ref().is_some_and(|m| m.id == found.mark.id && m.version <= found.mark.version);
        if !known {
            link.run::<bool>(place, script!("enter"), &words)?;
            for pause in &local.pauses {
                link.pause(place, pause, true)?;
            }
            found = link.read(place)?;
        }
        for _ in 0..ROUNDS {
            if !link.give(place, &local, &found)? {
                break;
            }
            found = link.read(place)?;
        }
        if found.mark.id.is_empty() || local.keys.iter().any(|entry| !found.ids.contains(&entry.key.id)) {
            return Err(StateError::Away(format!("{place} loses what it is given")));
        }
        self.take(&local, &found)?;
        link.content = schema::version_of_content(&self.lock().connection)?;
        link.seen = Some(found.mark);
        Ok(())
    }

    /// After a change that Redis has: what fails now is made good by who follows.
    pub(in super::super) fn catch_up(&self, truth: &Truth) {
        if let Err(cause) = self.sync(truth) {
            tracing::warn!(%cause, "state.db could not be brought up to date");
        }
    }

    /// Looks whether the version moved, or another process wrote to the copy alone, and if so brings the copy up to date.
    pub(super) fn refresh(&self, truth: &Truth) -> Result<Option<Mark>, StateError> {
        let content = schema::version_of_content(&self.lock().connection)?;
        let moved = {
            let mut link = truth.lock();
            let mark = link.mark(&truth.place)?;
            link.seen.as_ref() != Some(&mark) || link.content != content
        };
        if moved {
            self.sync(truth)?;
        }
        Ok(truth.lock().seen.clone())
    }

    fn take(&self, local: &Local, found: &Found) -> Result<(), StateError> {
        if local.mark.as_ref() == Some(&found.mark) {
            return Ok(());
        }
        let mut inner = self.lock();
        let secret: [u8; 32] = found.secret.as_slice().try_into().unwrap_or(local.secret);
        let transaction = inner.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        transaction.execute_batch("DELETE FROM keys; DELETE FROM pauses; DELETE FROM shared")?;
        for entry in &found.keys {
            schema::insert(&transaction, entry)?;
        }
        for pause in &found.pauses {
            pauses::put(&transaction, pause)?;
        }
        transaction.execute("UPDATE secrets SET value = ?1 WHERE name = 'nobody'", params![secret])?;
        let version = i64::try_from(found.mark.version).unwrap_or(i64::MAX);
        transaction.execute("INSERT INTO shared VALUES (?1, ?2)", params![found.mark.id, version])?;
        transaction.commit()?;
        inner.reload()
    }
}

fn read_local(connection: &Connection) -> Result<Local, StateError> {
    let mark = connection
        .query_row("SELECT id, version FROM shared", [], |row| {
            let version: i64 = row.get(1)?;
            Ok(Mark { id: row.get(0)?, version: u64::try_from(version).unwrap_or_default() })
        })
        .optional()?;
    let (secret, keys) = (schema::secret(connection)?, schema::entries(connection)?);
    Ok(Local { mark, secret, keys, pauses: pauses::all(connection)? })
}

impl Link {
    /// The version there is.
    fn mark(&mut self, place: &RedisPlace) -> Result<Mark, StateError> {
        let mut cmd = redis::cmd("HMGET");
        cmd.arg(format!("{}state", place.prefix())).arg("id").arg("v");
        let (id, version): (Option<String>, Option<u64>) = self.ask(place, &cmd)?;
        Ok(Mark { id: id.unwrap_or_default(), version: version.unwrap_or_default() })
    }

    fn read(&mut self, place: &RedisPlace) -> Result<Found, StateError> {
        type Rows = HashMap<String, Vec<u8>>;
        let (id, version, secret, keys, revoked, pauses): (String, u64, Vec<u8>, Rows, Rows, Rows) =
            self.run(place, script!("read"), &[])?;
        let key = |(id, row): (&String, &Vec<u8>)| {
            let found = form::read_key(id, row, revoked.get(id).map(Vec::as_slice));
            if found.is_none() {
                tracing::error!(id, "a key in Redis is in no form of ours; it is passed over");
            }
            found
        };
        Ok(Found {
            mark: Mark { id, version },
            secret,
            keys: keys.iter().filter_map(key).collect(),
            ids: keys.keys().cloned().collect(),
            revoked: revoked.keys().cloned().collect(),
            pauses: pauses.iter().filter_map(|(relay, row)| form::read_pause(relay, row)).collect(),
        })
    }

    /// Gives Redis the keys and revocations it has not; whether there were any.
    fn give(&mut self, place: &RedisPlace, local: &Local, found: &Found) -> Result<bool, StateError> {
        let mut given = false;
        for entry in &local.keys {
            let key = &entry.key;
            if !found.ids.contains(&key.id) {
                self.give_key(place, entry)?;
                given = true;
            } else if let Some(at) = key.revoked_at.filter(|_| !found.revoked.contains(&key.id)) {
                self.revoke(place, key, at)?;
                given = true;
            }
        }
        Ok(given)
    }

    /// A key whose name is another's by now keeps working as itself, under a name of its own.
    fn give_key(&mut self, place: &RedisPlace, entry: &Entry) -> Result<(), StateError> {
        match self.create(place, entry) {
            Err(StateError::NameTaken(name)) => {
                let own = key::apart(&name, &entry.key.id);
                let mut entry = entry.clone();
                tracing::warn!(name, own, "another node has a key of this name; ours goes by another");
                entry.key.name = own;
                self.create(place, &entry)
            }
            done => done,
        }
    }
}
