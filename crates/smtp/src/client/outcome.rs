//! What came of a transaction, recipient by recipient, and what can end a connection.

use envelope::{EnhancedStatus, Reply};

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
        Self { kind, phase, reply, text: text.into() }
    }

    /// Whether the server said that it goes (RFC 5321 3.8): what it had not answered by then, it did
    /// not take.
    pub(super) fn is_farewell(&self) -> bool {
        self.reply.as_ref().is_some_and(|reply| reply.code == 421)
    }
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
