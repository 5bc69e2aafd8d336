//! What the worker reports of one lease.

use crate::RecipientState;
use envelope::Reply;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// The result of an attempt, applied in one record.
#[derive(Debug, Clone)]
pub struct Settlement {
    /// Index in the envelope and the new, final state. Recipients not named stay open.
    pub finals: Vec<(u32, RecipientState)>,
    /// What becomes of the recipients still open. Ignored when none is.
    pub next: Next,
    /// The record of the attempt, for people; `None` when nothing worth showing was tried.
    pub attempt: Option<Attempt>,
    /// Whether the attempt counts for the retry profile (relay trouble does not).
    pub counted: bool,
    /// The mail may have been delivered although it will be tried again; only the attempt's relay may.
    pub in_doubt: bool,
    /// The only relay that may take the open recipients next; kept while the process lives.
    pub only: Option<Arc<str>>,
}

/// What becomes of the open recipients.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Next {
    /// So long after the store took the settlement: a wait, as the clock may be set while it is on its way.
    RetryIn(Duration),
    /// Until an operator releases it; with the reason shown.
    Hold(String),
}

/// One attempt as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    pub at: Timestamp,
    pub relay: String,
    /// `host:port` or socket path.
    pub peer: String,
    pub recipients: Vec<AttemptRecipient>,
    /// Redacted dialogue.
    pub transcript: String,
    pub remote_id: Option<String>,
}

/// What an attempt meant for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttemptRecipient {
    /// Index in the envelope.
    pub index: u32,
    /// The command answered, e.g. `RCPT`.
    pub command: String,
    pub reply: Option<Reply>,
    /// Cause, when there was no reply or more is known.
    pub cause: Option<String>,
}
