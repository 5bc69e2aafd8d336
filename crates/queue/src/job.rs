//! A submission on its way into the store.

use bytes::Bytes;
use envelope::Envelope;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::sync::Arc;

/// The id of a job: a UUID v7, made by the library at submit. Sorts by time of submission.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct JobId(pub uuid::Uuid);

impl fmt::Display for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_hyphenated().fmt(f)
    }
}

impl fmt::Debug for JobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::str::FromStr for JobId {
    type Err = uuid::Error;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self)
    }
}

/// Order among jobs that are due. Bulk is not starved: see the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Priority {
    Urgent,
    #[default]
    Normal,
    Bulk,
}

/// The door a job came in by; decides how its failure is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Door {
    Library,
    Http,
    Smtp,
    Sendmail,
    Event,
}

/// What people want to see of a job and nobody needs for delivering it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meta {
    pub door: Door,
    /// `<id@domain>`.
    pub message_id: String,
    pub subject: String,
    /// As written in the header, decoded.
    pub from: String,
    pub to: Vec<String>,
    pub cc: Vec<String>,
    /// Never on the wire.
    pub bcc: Vec<String>,
    pub reply_to: Vec<String>,
    /// name, value
    pub tags: Vec<(String, String)>,
    pub external_id: Option<String>,
    /// The caller's JSON object, verbatim.
    pub metadata: Option<String>,
    /// The reference's `Info`: for logs only.
    pub info: Option<String>,
    pub key_id: Option<String>,
}

impl Meta {
    /// Nothing known but the door.
    pub fn new(door: Door) -> Self {
        Self {
            door,
            message_id: String::new(),
            subject: String::new(),
            from: String::new(),
            to: Vec::new(),
            cc: Vec::new(),
            bcc: Vec::new(),
            reply_to: Vec::new(),
            tags: Vec::new(),
            external_id: None,
            metadata: None,
            info: None,
            key_id: None,
        }
    }
}

/// A key under which a submission is taken once (24 h, per project).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Idempotency {
    /// At most 256 characters.
    pub key: String,
    /// Hash over what must be equal for a repeat to be the same submission.
    pub fingerprint: [u8; 32],
    /// Place within the call's batch, so that a repeated batch gets its ids back in order.
    pub index: u16,
}

/// A composed submission, about to be stored.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub id: JobId,
    pub project: Arc<str>,
    pub envelope: Envelope,
    /// Header block including the blank line; CRLF.
    pub header: Bytes,
    /// Body; CRLF.
    pub body: Bytes,
    pub meta: Meta,
    pub created_at: Timestamp,
    /// Not to be worked on before; `created_at` means at once.
    pub due_at: Timestamp,
    /// Given up (expired) when still unsettled then.
    pub expires_at: Timestamp,
    pub priority: Priority,
    /// The ordered relays it may take; `default` unless the caller pinned one.
    pub route: Arc<str>,
    pub idempotency: Option<Idempotency>,
    /// Octets over 127 in header or body; and UTF-8 in the header.
    pub eight_bit: bool,
    pub utf8_header: bool,
}

/// What an insert made of one job of the call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inserted {
    New(JobId),
    /// The idempotency key names this earlier job; nothing was stored.
    Repeat(JobId),
}

impl Inserted {
    pub fn id(self) -> JobId {
        match self {
            Self::New(id) | Self::Repeat(id) => id,
        }
    }
}
