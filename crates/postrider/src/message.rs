//! What a caller submits.

use crate::Template;
use ::message::{Draft, SharedBody};
use bytes::Bytes;
use envelope::Envelope;
use jiff::Timestamp;
use queue::Priority;
use std::sync::Arc;

/// A message to compose, with how it is to travel.
#[derive(Debug, Clone, Default)]
pub struct Message {
    pub draft: Draft,
    pub options: Options,
    /// Set: text, HTML and files in place of the draft's, composed once for many (`Mailer::shared_body`).
    pub body: Option<Arc<SharedBody>>,
    /// Set: subject, HTML and text are made from it.
    pub template: Option<Template>,
}

/// How a message travels and how it is found again.
#[derive(Debug, Clone, Default)]
pub struct Options {
    pub scheduled_at: Option<Timestamp>,
    pub expires_at: Option<Timestamp>,
    pub priority: Priority,
    pub tags: Vec<(String, String)>,
    pub external_id: Option<String>,
    /// A JSON object, verbatim.
    pub metadata: Option<String>,
    /// For logs only.
    pub info: Option<String>,
    /// A relay by name.
    pub relay: Option<String>,
    /// Taken once within 24 h per project; at most 256 characters.
    pub idempotency_key: Option<String>,
    /// What must be equal for a repeat to count as the same; `None`: the draft itself.
    pub fingerprint: Option<[u8; 32]>,
}

/// How a finished message came to us: the clauses of `Received` around `by` (RFC 5321 4.4). Either may be empty.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Came {
    /// E.g. `from client.example ([192.0.2.1])`.
    pub from: String,
    /// E.g. `with ESMTPSA`, or a comment.
    pub with: String,
}

impl Came {
    /// The value of the field, up to its date. `by` is our name.
    pub(crate) fn trace(&self, by: &str, id: &str) -> String {
        let clauses = [&self.from, &format!("by {by}"), &self.with, &format!("id {id}")];
        clauses.into_iter().map(String::as_str).filter(|c| !c.is_empty()).collect::<Vec<_>>().join(" ")
    }
}

/// A finished message with its envelope.
#[derive(Debug, Clone)]
pub struct RawSubmission {
    pub envelope: Envelope,
    pub raw: Bytes,
    pub options: Options,
    /// What its `Received` field tells; `None`: it gets none.
    pub received: Option<Came>,
    /// The From used when the message has none.
    pub from: Option<String>,
    /// Whether bare LF line ends are turned into CRLF instead of refused.
    pub accept_bare_lf: bool,
}
