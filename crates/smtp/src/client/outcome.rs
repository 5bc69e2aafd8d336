//! What came of a transaction, recipient by recipient, and what can end a connection.

use crate::limits;
use envelope::{Class, EnhancedStatus, Reply};

/// The step a reply answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    Greeting,
    Hello,
    Tls,
    Auth,
    Reset,
    Mail,
    Rcpt,
    Data,
    End,
    Quit,
}

/// Whose fault the end of a connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// The server turns everybody away.
    Busy,
    /// The server refused the credentials, or takes none we have.
    Auth,
    /// The server refused to start TLS.
    Tls,
    /// Our settings forbid going on.
    Settings,
    /// The server broke the protocol.
    Misbehaved,
    /// The connection broke; made by the driver.
    Lost,
    /// A deadline passed; made by the driver.
    Timeout,
}

/// Why a connection ends before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub kind: FailureKind,
    pub phase: Phase,
    pub reply: Option<Reply>,
    /// For the operator; holds nothing the peer said and no secret.
    pub text: Box<str>,
}

impl Failure {
    pub fn new(kind: FailureKind, phase: Phase, reply: Option<Reply>, text: impl Into<Box<str>>) -> Self {
        Self { kind, phase, reply: reply.map(kept), text: text.into() }
    }

    /// Whether the server said that it goes (RFC 5321 3.8): what it had not answered by then, it did
    /// not take.
    pub(super) fn is_farewell(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| reply.code == 421)
    }
}

/// A reply as it is kept with a result: no more than [`limits::REPLY_KEPT`] octets of text, the beginning.
pub(super) fn kept(mut reply: Reply) -> Reply {
    let mut left = limits::REPLY_KEPT;
    let mut whole = 0;
    for line in &mut reply.lines {
        whole += 1;
        if line.len() > left {
            let end = (0..=left).rev().find(|at| line.is_char_boundary(*at)).unwrap_or(0);
            *line = format!("{}...", line.get(..end).unwrap_or_default()).into();
            break;
        }
        left -= line.len();
    }
    reply.lines.truncate(whole);
    reply
}

/// The class of a reply to a command of a transaction. 220 and 221 speak of the connection (RFC 5321 4.2.3): as
/// an answer here they belong to something else.
pub(super) fn class(reply: &Reply) -> Option<Class> {
    reply.class().filter(|_| !matches!(reply.code, 220 | 221))
}

/// What came of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecipientResult {
    Accepted(Reply),
    Refused {
        phase: Phase,
        reply: Reply,
    },
    /// Refused by ourselves: this server cannot take it as it is.
    Undeliverable {
        status: EnhancedStatus,
        text: Box<str>,
    },
    NotAttempted(Failure),
    /// The whole message was sent and no answer came (RFC 1047).
    Unknown(Failure),
}

/// What came of a transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// One per recipient, in the transaction's order.
    pub recipients: Vec<RecipientResult>,
    /// See [`crate::limits::TRANSCRIPT`].
    pub transcript: Box<str>,
}
