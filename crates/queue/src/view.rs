//! Jobs as people and programs see them.

use crate::{Attempt, JobId, Meta, Priority, RecipientState, Status};
use bytes::Bytes;
use envelope::Envelope;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// Everything but the bytes.
#[derive(Debug, Clone)]
pub struct JobView {
    pub id: JobId,
    pub project: Arc<str>,
    pub status: Status,
    pub envelope: Envelope,
    /// In the envelope's order.
    pub recipients: Vec<RecipientView>,
    pub meta: Meta,
    pub created_at: Timestamp,
    pub due_at: Timestamp,
    pub expires_at: Timestamp,
    pub priority: Priority,
    pub route: Arc<str>,
    pub attempts: Vec<Attempt>,
    pub possible_duplicate: bool,
    /// Why it is held.
    pub held_because: Option<String>,
    /// Octets of the message.
    pub size: u64,
}

/// One recipient's state and what last happened to it.
#[derive(Debug, Clone)]
pub struct RecipientView {
    pub state: RecipientState,
    /// The word shown: a recipient still open carries the job's own.
    pub status: Status,
}

/// The bytes of a message.
#[derive(Debug, Clone)]
pub struct Content {
    pub header: Bytes,
    pub body: Bytes,
}

/// What to list. Texts match anywhere, without regard to ASCII case.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// `None`: all projects.
    pub project: Option<Arc<str>>,
    pub status: Option<Status>,
    pub to: Option<String>,
    pub subject: Option<String>,
    pub external_id: Option<String>,
    /// Name, value or `name:value` of a tag.
    pub tag: Option<String>,
    /// `<id@domain>`, whole.
    pub message_id: Option<String>,
    /// The id a peer gave it in its final answer, whole.
    pub remote_id: Option<String>,
    /// Subject, addresses, Message-ID, id or remote id.
    pub q: Option<String>,
    /// 1..=1000
    pub limit: usize,
    /// Only jobs older than this one (the next page).
    pub after: Option<JobId>,
    /// Only jobs newer than this one.
    pub before: Option<JobId>,
}

/// One page, newest first.
#[derive(Debug, Clone, Default)]
pub struct Page {
    pub jobs: Vec<JobView>,
    pub has_more: bool,
}

/// What an operator may ask of one job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Give up what is still open.
    Cancel,
    /// Try now: a deferred or scheduled job becomes ready, a failed one open again.
    Retry,
    Hold(String),
    Release,
    Reschedule(Timestamp),
    /// Forget a settled or dead job.
    Purge,
}

/// A node of a queue that several share.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeStats {
    pub name: String,
    /// Whether it is the node that was asked.
    pub this: bool,
    /// Jobs it has leased.
    pub leased: u64,
    /// Since its last sign of life.
    pub silent: SignedDuration,
    /// What it says of itself.
    pub about: String,
}

/// Counts for metrics and the console; done jobs count while they are remembered, in history too.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stats {
    /// Every status, in `Status::ALL`'s order.
    pub by_status: Vec<(&'static str, u64)>,
    pub unsettled: u64,
    pub oldest_unsettled: Option<Timestamp>,
    /// Syncs of the log since start.
    pub syncs: u64,
    /// Jobs accepted since start.
    pub accepted: u64,
    /// Bytes of log on disk.
    pub log_bytes: u64,
    /// Messages found damaged, kept aside.
    pub corrupt: u64,
    /// Jobs put into the history files since start.
    pub filed: u64,
    /// Done jobs that wait to be put there.
    pub unfiled: u64,
    /// Those who share the queue; empty where nobody can.
    pub nodes: Vec<NodeStats>,
}
