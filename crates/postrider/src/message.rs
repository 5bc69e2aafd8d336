//! What a caller submits.

use ::message::Draft;
use bytes::Bytes;
use envelope::Envelope;
use jiff::Timestamp;
use queue::Priority;

/// A message to compose, with how it is to travel.
#[derive(Debug, Clone, Default)]
pub struct Message {
    pub draft: Draft,
    pub options: Options,
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

/// A finished message with its envelope.
#[derive(Debug, Clone)]
pub struct RawSubmission {
    pub envelope: Envelope,
    pub raw: Bytes,
    pub options: Options,
    /// The protocol and peer of the `Received` field: e.g. `from [127.0.0.1] with ESMTPA`.
    pub received: Option<String>,
    /// The From used when the message has none.
    pub from: Option<String>,
    /// Whether bare LF line ends are turned into CRLF instead of refused.
    pub accept_bare_lf: bool,
}
