//! What a sender is given.

use bytes::Bytes;
use envelope::{Recipient, Ret, ReversePath};

/// One message on its way out. Cloning copies no message bytes.
#[derive(Debug, Clone)]
pub struct Mail {
    /// Echoed in the outcome; unique within one `send_batch`.
    pub ticket: u64,
    pub from: ReversePath,
    /// The recipients still open, at least one; outcomes come in this order.
    pub to: Vec<Recipient>,
    pub ret: Option<Ret>,
    pub envid: Option<Box<str>>,
    /// Header block with CRLF line ends, including the blank line that ends it.
    pub header: Bytes,
    /// Body with CRLF line ends; may be empty.
    pub body: Bytes,
    /// Whether header or body hold octets over 127: the mail then needs 8BITMIME.
    pub eight_bit: bool,
    /// Whether header (not address) text is UTF-8, so that the mail needs SMTPUTF8 whatever its recipients.
    pub utf8_header: bool,
    /// Goes alone, never behind other mail.
    pub urgent: bool,
}

impl Mail {
    /// Octets of the whole message, for `SIZE` (RFC 1870).
    pub fn size(&self) -> u64 {
        (self.header.len() + self.body.len()) as u64
    }
}
