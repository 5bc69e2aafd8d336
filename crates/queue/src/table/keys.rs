//! Idempotency keys of the last 24 hours (contract: per project).

use crate::{Idempotency, JobId};
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

type Key = (Arc<str>, String, u16);

/// What a key stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    Same(JobId),
    Other(JobId),
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    id: JobId,
    fingerprint: [u8; 32],
    until: Timestamp,
}

/// Keys and the jobs they name.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    known: HashMap<Key, Entry>,
    until: VecDeque<(Timestamp, Key)>,
    /// Jobs that a key still names, so that they are not forgotten before it.
    named: HashMap<JobId, Timestamp>,
}

const KEPT: SignedDuration = SignedDuration::from_hours(24);

impl Keys {
    pub(crate) fn look(&self, project: &Arc<str>, wanted: &Idempotency) -> Option<Known> {
        let at = |index| self.known.get(&(project.clone(), wanted.key.clone(), index));
        let Some(Entry { id, fingerprint, .. }) = at(wanted.index) else {
            // A longer batch than the one that was taken under this key is another submission.
            return at(0).map(|first| Known::Other(first.id));
        };
        Some(if *fingerprint == wanted.fingerprint { Known::Same(*id) } else { Known::Other(*id) })
    }

    pub(crate) fn keep(&mut self, project: &Arc<str>, key: &Idempotency, id: JobId, created_at: Timestamp) {
        let until = created_at.checked_add(KEPT).unwrap_or(Timestamp::MAX);
        let name = (project.clone(), key.key.clone(), key.index);
        // A snapshot of an older job may come after the key's newer one.
        if self.known.get(&name).is_some_and(|e| e.until > until) {
            return;
        }
        self.known.insert(name.clone(), Entry { id, fingerprint: key.fingerprint, until });
        self.named.insert(id, until);
        self.until.push_back((until, name));
    }

    /// Takes back what a failed insert kept.
    pub(crate) fn drop_key(&mut self, project: &Arc<str>, key: &Idempotency) {
        let name = (project.clone(), key.key.clone(), key.index);
        if let Some(entry) = self.known.remove(&name) {
            self.named.remove(&entry.id);
        }
        self.until.retain(|(_, k)| *k != name);
    }

    /// Until when a key names the job.
    pub(crate) fn named_until(&self, id: JobId) -> Option<Timestamp> {
        self.named.get(&id).copied()
    }

    /// The clock was set: keys are known for as long as they were to be.
    pub(super) fn shift(&mut self, by: SignedDuration) {
        let of_keys = self.known.values_mut().map(|entry| &mut entry.until);
        let in_turn = self.until.iter_mut().map(|(until, _)| until);
        for until in of_keys.chain(in_turn).chain(self.named.values_mut()) {
            *until = until.checked_add(by).unwrap_or(*until);
        }
    }

    pub(crate) fn forget_old(&mut self, now: Timestamp) {
        while self.until.front().is_some_and(|(until, _)| *until <= now) {
            let Some((until, key)) = self.until.pop_front() else { return };
            // The key may have been used again since.
            if self.known.get(&key).is_some_and(|e| e.until <= until)
                && let Some(entry) = self.known.remove(&key)
            {
                self.named.remove(&entry.id);
            }
        }
    }
}
