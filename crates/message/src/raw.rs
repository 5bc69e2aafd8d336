//! A finished message from outside: checked, completed, never re-written.

use crate::ComposeError;
use bytes::Bytes;
use jiff::Timestamp;

/// How a raw message is completed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawOptions {
    /// Value of the `Received` field put in front, without name and date; `None`: no trace field.
    pub received: Option<String>,
    /// Domain of a Message-ID made for a message that has none.
    pub domain: String,
    /// The From to use when the message has none (sendmail's habit); `None`: such a message is refused.
    pub from: Option<String>,
    /// Bare LF line ends are turned into CRLF (sendmail, HTTP) instead of refused (SMTP).
    pub accept_bare_lf: bool,
}

/// A raw message split for the store. `Bcc`, `Resent-Bcc`, `Return-Path` and `Content-Length` and
/// our own `X-Postrider-*` fields are gone from the header; the body is untouched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawMail {
    pub header: Bytes,
    pub body: Bytes,
    pub message_id: String,
    /// Decoded.
    pub subject: String,
    pub from: String,
    pub to: Vec<String>,
    pub cc: Vec<String>,
    pub bcc: Vec<String>,
    pub reply_to: Vec<String>,
    /// Our own fields, name without `X-Postrider-`, in lower case, with their value.
    pub options: Vec<(String, String)>,
    pub eight_bit: bool,
    pub utf8_header: bool,
}

/// Takes a finished message in: limits (header 100 KB, RFC 5322 syntax of field names, one From,
/// lines ≤ 998), drops what must not leave, adds Date and Message-ID where they lack.
pub fn admit_raw(
    raw: &Bytes,
    options: &RawOptions,
    now: Timestamp,
    unique: u128,
) -> Result<RawMail, ComposeError> {
    let _ = (raw, options, now, unique);
    Err(ComposeError(Vec::new()))
}
