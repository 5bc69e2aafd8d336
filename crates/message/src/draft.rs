//! What a caller fills in, and the house rules applied to it.

use bytes::Bytes;
use envelope::{Mailbox, ReversePath};
use jiff::Timestamp;

/// A mailbox as the caller gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written {
    /// `Name <a@b>`, `a@b`, or a comma-separated list of them.
    Text(String),
    /// Name and address apart; the name is taken as it is.
    Parts { name: Option<String>, address: String },
}

impl From<&str> for Written {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}

impl From<String> for Written {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

/// Name and address.
impl<N: Into<String>, A: Into<String>> From<(N, A)> for Written {
    fn from((name, address): (N, A)) -> Self {
        Self::Parts { name: Some(name.into()), address: address.into() }
    }
}

impl From<&Mailbox> for Written {
    fn from(mailbox: &Mailbox) -> Self {
        Self::Parts {
            name: mailbox.name.as_deref().map(Into::into),
            address: mailbox.address.as_str().into(),
        }
    }
}

/// The parts of a message before they are bytes. Everything is checked by `compose`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    /// `None`: the profile's default.
    pub from: Option<Written>,
    pub to: Vec<Written>,
    pub cc: Vec<Written>,
    /// In the envelope only.
    pub bcc: Vec<Written>,
    pub reply_to: Vec<Written>,
    /// Without prefix.
    pub subject: String,
    /// `None`: no HTML part.
    pub html: Option<String>,
    /// `None`: made from `html`; empty: no text part.
    pub text: Option<String>,
    /// Further header fields, each with its values, in the caller's order.
    pub headers: Vec<(String, Vec<String>)>,
    pub attachments: Vec<Attachment>,
    /// `None`: `now`.
    pub date: Option<Timestamp>,
}

/// A file that travels with the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub filename: Option<String>,
    pub content: Bytes,
    /// `None`: by the filename's ending, else `application/octet-stream`.
    pub content_type: Option<String>,
    /// Set: an inline part of the HTML (`cid:`), in multipart/related.
    pub content_id: Option<String>,
}

/// How a Message-ID is made when the draft has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MessageIdStyle {
    /// `<autogen-<ms>-<fnv64>@domain>` as the reference makes it (spec 4).
    Autogen { domain: String },
    /// `<uuid@domain>`
    Unique { domain: String },
}

/// The house rules: settings that shape every message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// `[mailer] FROM`
    pub from: Option<Mailbox>,
    /// `[mailer] ENVELOPE_FROM`: replaces the reverse-path.
    pub envelope_from: Option<ReversePath>,
    /// `SUBJECT_PREFIX`: prefix, one space, subject.
    pub subject_prefix: String,
    /// `SEND_AS_PLAIN_TEXT`: text/plain only.
    pub plain_text: bool,
    /// `[mailer.override_header]`, applied last. No values: the header is removed.
    pub override_headers: Vec<(String, Vec<String>)>,
    pub message_id: MessageIdStyle,
    /// Whether `Draft::headers` may hold fields that have a key of their own (From, To, Cc, Bcc,
    /// Subject, Date, MIME fields): the reference allows it, the API refuses it.
    pub headers_may_replace: bool,
}

impl Default for Profile {
    fn default() -> Self {
        Self {
            from: None,
            envelope_from: None,
            subject_prefix: String::new(),
            plain_text: false,
            override_headers: Vec::new(),
            message_id: MessageIdStyle::Unique { domain: "localhost".into() },
            headers_may_replace: false,
        }
    }
}
