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

/// Keys and the jobs they name.
#[derive(Debug, Default)]
pub(crate) struct Keys {
    known: HashMap<Key, (JobId, [u8; 32])>,
    until: VecDeque<(Timestamp, Key)>,
}

const KEPT: SignedDuration = SignedDuration::from_hours(24);

impl Keys {
    pub(crate) fn look(&self, project: &Arc<str>, wanted: &Idempotency) -> Option<Known> {
        let at = |index| self.known.get(&(project.clone(), wanted.key.clone(), index));
        let Some((id, fingerprint)) = at(wanted.index) else {
            // A longer batch than the one that was taken under this key is another submission.
            return at(0).map(|(id, _)| Known::Other(*id));
        };
        Some(if *fingerprint == wanted.fingerprint { Known::Same(*id) } else { Known::Other(*id) })
    }

    pub(crate) fn keep(&mut self, project: &Arc<str>, key: &Idempotency, id: JobId, created_at: Timestamp) {
        let until = created_at.checked_add(KEPT).unwrap_or(Timestamp::MAX);
        let name = (project.clone(), key.key.clone(), key.index);
        self.known.insert(name.clone(), (id, key.fingerprint));
        self.until.push_back((until, name));
    }

    /// Takes back what a failed insert kept.
    pub(crate) fn drop_key(&mut self, project: &Arc<str>, key: &Idempotency) {
        let name = (project.clone(), key.key.clone(), key.index);
        self.known.remove(&name);
        self.until.retain(|(_, k)| *k != name);
    }

    pub(crate) fn forget_old(&mut self, now: Timestamp) {
        while self.until.front().is_some_and(|(until, _)| *until <= now) {
            if let Some((_, key)) = self.until.pop_front() {
                self.known.remove(&key);
            }
        }
    }
}
