//! What changed, told to whoever listens here, and to those who wait for mail.

use super::filing::Filing;
use super::reply;
use crate::Status;
use crate::error::StoreError;
use crate::store::{Change, LeaseAsk};
use redis::Value;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{Notify, broadcast, watch};

/// Route, relay, only urgent: those who want the same are woken in turn.
type Wants = (Option<Arc<str>>, Arc<str>, bool);

/// Changes a slow listener may lag behind.
const CHANGES: usize = 4096;

pub(super) struct Ears {
    pub(super) changes: broadcast::Sender<Change>,
    /// Relays were held or released elsewhere.
    pub(super) holds: watch::Sender<()>,
    /// Where what was done here goes; `None`: nowhere.
    pub(super) filing: Option<Filing>,
    lessees: Mutex<HashMap<Wants, Arc<Notify>>>,
}

impl Default for Ears {
    fn default() -> Self {
        Self {
            changes: broadcast::channel(CHANGES).0,
            holds: watch::Sender::new(()),
            filing: None,
            lessees: Mutex::default(),
        }
    }
}

impl Ears {
    /// `<id> <status>`, and who made it so; returns the change.
    pub(super) fn hear(&self, message: &str) -> Result<Change, StoreError> {
        let mut words = message.split(' ');
        let mut word = || words.next().ok_or_else(|| reply::odd("a change"));
        let (id, status) = (reply::id(word()?)?, word()?.parse().map_err(|_| reply::odd("a change"))?);
        let change = Change { id, status: super::form::status(status)? };
        // Nobody listening is no failure.
        drop(self.changes.send(change));
        Ok(change)
    }

    /// The changes that came with an answer; the answer.
    pub(super) fn open(&self, value: Value) -> Result<Value, StoreError> {
        let mut row = reply::Row::of(value)?;
        let answer = row.value()?;
        let mut work = false;
        for change in reply::list(row.value()?)? {
            let text = reply::octets(change)?;
            let change = self.hear(&String::from_utf8_lossy(&text))?;
            work |= change.status == Status::Queued;
            if let Some(filing) = self.filing.as_ref().filter(|_| change.status.is_final()) {
                filing.done(change.id);
            }
        }
        if work {
            self.wake();
        }
        for id in reply::list(row.value()?)? {
            let id = reply::octets(id)?;
            let id = String::from_utf8_lossy(&id);
            tracing::error!(%id, "a message was deleted from Redis by somebody else; it is lost");
        }
        Ok(answer)
    }

    /// There may be work: one who waits for each kind of it looks.
    pub(super) fn wake(&self) {
        let lessees = self.lessees.lock().unwrap_or_else(PoisonError::into_inner);
        lessees.values().for_each(|lessee| lessee.notify_one());
    }

    pub(super) fn lessee(&self, ask: &LeaseAsk) -> Arc<Notify> {
        let wants = (ask.route.clone(), ask.relay.clone(), ask.urgent);
        let mut lessees = self.lessees.lock().unwrap_or_else(PoisonError::into_inner);
        lessees.entry(wants).or_default().clone()
    }
}
