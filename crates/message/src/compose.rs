//! Draft and profile to header block, body and envelope.

use crate::{ComposeError, Draft, Profile};
use bytes::Bytes;
use envelope::Envelope;
use jiff::Timestamp;

/// A finished message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    pub envelope: Envelope,
    /// Header block including the blank line.
    pub header: Bytes,
    pub body: Bytes,
    /// `<id@domain>`; empty when the settings remove it.
    pub message_id: String,
    /// As shown: with prefix, decoded.
    pub subject: String,
    pub from: String,
    /// One entry per mailbox: `Name <a@b>` or `a@b`, decoded.
    pub to: Vec<String>,
    pub cc: Vec<String>,
    pub bcc: Vec<String>,
    pub reply_to: Vec<String>,
}

/// Composes a message. `unique` makes boundary and Message-ID unique; `now` is the Date when the
/// draft has none.
pub fn compose(
    draft: &Draft,
    profile: &Profile,
    now: Timestamp,
    unique: u128,
) -> Result<Composed, ComposeError> {
    let _ = (draft, profile, now, unique);
    Err(ComposeError(Vec::new()))
}
