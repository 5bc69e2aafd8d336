//! How a peer can break the protocol.

/// What the peer did wrong. After one of these the connection has no meaning and is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Violation {
    #[error("a line that is no SMTP reply")]
    NotAReply,
    #[error("a reply code out of range: {0}")]
    CodeOutOfRange(u16),
    #[error("different codes within one reply")]
    MixedCodes,
    #[error("a reply line over {} octets", crate::limits::REPLY_LINE)]
    LineTooLong,
    #[error("a reply of too many lines or octets")]
    ReplyTooLong,
    #[error("a reply that answers no command")]
    Unsolicited,
    #[error("a reply of the wrong kind: {0}")]
    WrongKind(u16),
    #[error("octets after the reply to STARTTLS, before TLS began")]
    InjectedBeforeTls,
    #[error("success before the message was sent")]
    EarlySuccess,
    #[error("a message is taken whose sender was refused: it may leave under another sender")]
    ForeignSender,
    #[error("more AUTH challenges than any mechanism has")]
    EndlessAuth,
}
