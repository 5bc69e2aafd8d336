//! What became of a mail, recipient by recipient.

use envelope::Reply;

/// The step of the dialogue that a reply answers, or during which trouble came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Phase {
    Connect,
    Greeting,
    Hello,
    Tls,
    Auth,
    Mail,
    Rcpt,
    /// `DATA` up to the 354, or a `BDAT` chunk that is not the last.
    Data,
    /// The reply to the final dot or `BDAT LAST`.
    End,
}

impl Phase {
    /// The command as an operator knows it.
    pub fn command(self) -> &'static str {
        match self {
            Self::Connect => "connect",
            Self::Greeting => "greeting",
            Self::Hello => "EHLO",
            Self::Tls => "STARTTLS",
            Self::Auth => "AUTH",
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::End => "end of data",
        }
    }
}

/// What went wrong with the relay or the line to it, as opposed to a refusal of this mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TroubleKind {
    /// Name not found, connection refused, unreachable, socket file missing.
    Unreachable,
    /// Handshake or certificate.
    Tls,
    /// The relay refused our credentials, or we have none that it takes.
    Auth,
    /// A greeting, EHLO or 421 that turns everybody away.
    Busy,
    /// Time ran out.
    Timeout,
    /// The connection broke.
    Lost,
    /// The peer broke the protocol.
    Misbehaved,
    /// Our own settings forbid the attempt (TLS demanded and not offered, certificate file unreadable).
    Settings,
    /// The sender was told to stop (shutdown).
    Stopped,
}

/// Trouble with the relay: charged to the relay, not to the mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    pub kind: TroubleKind,
    pub phase: Phase,
    /// The reply, when there was one.
    pub reply: Option<Reply>,
    /// For the operator: cause and, where known, remedy. Never a secret.
    pub text: Box<str>,
}

/// What became of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecipientOutcome {
    /// The next hop took it; the reply is the one to the end of data (per recipient in LMTP).
    Accepted(Reply),
    /// The next hop refused this recipient or this mail, for now or for good, as the reply's first
    /// digit says.
    Refused { phase: Phase, reply: Reply },
    /// Refused by ourselves: no relay of this kind can take the mail as it is (8-bit, SMTPUTF8, SIZE).
    Undeliverable { status: envelope::EnhancedStatus, text: Box<str> },
    /// The relay was in trouble before the mail could be in doubt.
    NotAttempted(Trouble),
    /// The end of data was sent and no answer came: it may have been delivered (RFC 1047).
    Unknown(Trouble),
}

/// The whole outcome of one mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MailOutcome {
    pub ticket: u64,
    /// One per recipient of the mail, in its order.
    pub recipients: Vec<RecipientOutcome>,
    /// The dialogue with `->` `<-` `~>` marks, secrets redacted: a success keeps its own lines
    /// (≤ 300 bytes), a failure the whole dialogue (≤ 16 KiB).
    pub transcript: Box<str>,
    /// The peer's id for the mail, read from its final 250.
    pub remote_id: Option<Box<str>>,
    /// Where it went, e.g. `mx.example:587`.
    pub peer: Box<str>,
}

impl MailOutcome {
    /// The same outcome for every recipient.
    pub fn all(ticket: u64, count: usize, outcome: RecipientOutcome, peer: &str) -> Self {
        Self {
            ticket,
            recipients: vec![outcome; count],
            transcript: "".into(),
            remote_id: None,
            peer: peer.into(),
        }
    }
}
