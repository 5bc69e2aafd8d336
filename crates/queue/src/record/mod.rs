//! What the log says, one record per fact. The form on disk is in `v1`, the meaning here.

mod fact;
mod v1;

pub(crate) use fact::{Fact, JobFact};

use crate::{Attempt, Idempotency, JobId, Meta, NewJob, Priority, RecipientState, Status};
use bytes::Bytes;
use envelope::Envelope;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What an `Accepted` or `Snapshot` record says besides the bytes.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    pub(crate) id: JobId,
    pub(crate) project: Arc<str>,
    pub(crate) envelope: Envelope,
    pub(crate) meta: Meta,
    pub(crate) created_at: Timestamp,
    pub(crate) due_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) priority: Priority,
    pub(crate) route: Arc<str>,
    pub(crate) idempotency: Option<Idempotency>,
    pub(crate) eight_bit: bool,
    pub(crate) utf8_header: bool,
    /// Octets of the message, also when its bytes are gone.
    pub(crate) size: u64,
    /// Its body is not in the record but in a file of its own.
    pub(crate) beside: Option<Beside>,
}

/// What a body in a file of its own must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Beside {
    pub(crate) octets: u64,
    pub(crate) crc: u32,
}

/// A job's progress, as a `Snapshot` carries it forward.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    pub(crate) status: Status,
    pub(crate) recipients: Vec<RecipientState>,
    pub(crate) attempts: u32,
    pub(crate) doubt: bool,
    pub(crate) held_because: Option<String>,
    pub(crate) settled_at: Option<Timestamp>,
    pub(crate) history: Vec<Attempt>,
    /// Whether the bytes follow.
    pub(crate) with_bytes: bool,
}

/// A settlement as recorded.
#[derive(Debug, Clone)]
pub(crate) struct SettledRecord {
    pub(crate) id: JobId,
    pub(crate) at: Timestamp,
    pub(crate) finals: Vec<(u32, RecipientState)>,
    pub(crate) due_at: Option<Timestamp>,
    pub(crate) hold: Option<String>,
    pub(crate) counted: bool,
    pub(crate) doubt: bool,
    pub(crate) attempt: Option<Attempt>,
}

/// What happened to a job other than by an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ControlKind {
    Cancel,
    /// Due at once; refused recipients open again, and a new end of life.
    Retry {
        expires_at: Timestamp,
    },
    Hold(String),
    Release,
    Reschedule(Timestamp),
    Purge,
    Expire,
    /// A lease came back untouched.
    Return,
    /// The bytes do not match their checksum: given up, with the reason.
    Broken(String),
}

#[derive(Debug, Clone)]
pub(crate) struct Control {
    pub(crate) id: JobId,
    pub(crate) at: Timestamp,
    pub(crate) kind: ControlKind,
}

/// Done jobs that stand in a file of history, and need no place in the table any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FiledRecord {
    /// The day whose file has them.
    pub(crate) day: Date,
    /// Which file of that day: one that was deleted and made anew bears another mark.
    pub(crate) mark: u64,
    /// The number of its last row: an older copy of the file does not have them all.
    pub(crate) rows: i64,
    pub(crate) ids: Vec<JobId>,
}

/// One fact.
#[derive(Debug, Clone)]
pub(crate) enum Record {
    Accepted(Box<Head>),
    Leased(Vec<JobId>),
    Settled(Box<SettledRecord>),
    Control(Control),
    Snapshot(Box<Head>, Box<Progress>),
    Filed(FiledRecord),
}

/// A record in its stored form: a head and, for messages, header block and body.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) kind: u8,
    pub(crate) head: Vec<u8>,
    pub(crate) header: Bytes,
    pub(crate) body: Bytes,
    /// What a start needs of it, unless that is the head.
    pub(crate) fact: Option<Vec<u8>>,
}

/// The records this version writes and reads. A kind or version above is refused at start.
pub(crate) const VERSION: u8 = 1;
pub(crate) const KINDS: std::ops::RangeInclusive<u8> = 1..=8;

/// The head bytes do not decode.
#[derive(Debug, thiserror::Error)]
#[error("a record of kind {kind} cannot be decoded: {why}")]
pub(crate) struct Undecodable {
    kind: u8,
    why: String,
}

impl Record {
    /// The stored form; `header` and `body` follow `Accepted` and full `Snapshot` records.
    pub(crate) fn store(&self, header: Bytes, body: Bytes) -> Result<Stored, Undecodable> {
        let (kind, head) = v1::encode(self).map_err(|(kind, e)| Undecodable { kind, why: e.to_string() })?;
        let fact = fact::short(self).map_err(|e| Undecodable { kind, why: e.to_string() })?;
        Ok(Stored { kind, head, header, body, fact })
    }

    pub(crate) fn read(kind: u8, head: &[u8]) -> Result<Self, Undecodable> {
        v1::decode(kind, head).map_err(|why| Undecodable { kind, why })
    }
}

impl Head {
    pub(crate) fn of(job: &NewJob, beside: Option<Beside>) -> Self {
        Self {
            id: job.id,
            project: job.project.clone(),
            envelope: job.envelope.clone(),
            meta: job.meta.clone(),
            created_at: job.created_at,
            due_at: job.due_at,
            expires_at: job.expires_at,
            priority: job.priority,
            route: job.route.clone(),
            idempotency: job.idempotency.clone(),
            eight_bit: job.eight_bit,
            utf8_header: job.utf8_header,
            size: (job.header.len() + job.body.len()) as u64 + beside.map_or(0, |b| b.octets),
            beside,
        }
    }
}

#[cfg(test)]
mod tests;
