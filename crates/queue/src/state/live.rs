//! The keys that count, in memory, as of one version of the database.

use super::key::{Digest, Entry, KeyInfo};
use super::scram::ScramVerifier;
use super::{StateError, schema};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use rusqlite::Connection;
use std::collections::HashMap;

pub(super) struct Live {
    /// `PRAGMA data_version` when these were read.
    pub(super) seen: i64,
    by_digest: HashMap<Digest, Entry>,
    by_name: HashMap<String, Digest>,
    secret: [u8; 32],
}

impl std::fmt::Debug for Live {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Live").field("seen", &self.seen).field("keys", &self.by_name.len()).finish()
    }
}

impl Live {
    pub(super) fn load(connection: &Connection) -> Result<Self, StateError> {
        // Before the rows: what is written in between is seen again at the next look.
        let seen = schema::version_of_content(connection)?;
        let secret = schema::secret(connection)?;
        let mut entries = schema::entries(connection)?;
        entries.retain(|entry| entry.key.revoked_at.is_none());
        let by_name = entries.iter().map(|e| (e.key.name.clone(), e.digest)).collect();
        let by_digest = entries.into_iter().map(|e| (e.digest, e)).collect();
        Ok(Self { seen, by_digest, by_name, secret })
    }

    pub(super) fn by_digest(&self, digest: &Digest) -> Option<KeyInfo> {
        let entry = self.by_digest.get(digest)?;
        same(&entry.digest, digest).then(|| entry.key.clone())
    }

    pub(super) fn by_name(&self, name: &str, digest: &Digest) -> Option<KeyInfo> {
        let expected = self.by_name.get(name);
        let matches = same(expected.unwrap_or(&self.secret), digest);
        expected.filter(|_| matches).and_then(|d| self.by_digest.get(d)).map(|e| e.key.clone())
    }

    pub(super) fn scram(&self, name: &str) -> Option<ScramVerifier> {
        let known = self.by_name.get(name).and_then(|d| self.by_digest.get(d));
        Some(known.map_or_else(|| ScramVerifier::of_nobody(name, &self.secret), |e| e.scram.clone()))
    }
}

fn same(a: &Digest, b: &Digest) -> bool {
    verify_slices_are_equal(a, b).is_ok()
}
