//! Why a submission was not taken. Nothing of it was stored.

use ::message::FieldError;
use queue::JobId;

/// Doors translate each variant once, exhaustively.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubmitError {
    /// Mistakes of the caller, each with its field and remedy; never empty.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<FieldError>),
    /// Over a limit; the text names it.
    #[error("{0}")]
    TooLarge(String),
    /// The caller's key does not allow it (From domain, scope).
    #[error("{0}")]
    Forbidden(String),
    /// The message goes in circles.
    #[error("{0}")]
    Loop(String),
    /// The idempotency key belongs to another message.
    #[error("the idempotency key was already used for another message ({0})")]
    KeyReused(JobId),
    /// A submission with this idempotency key is under way.
    #[error("a submission with this idempotency key is still under way")]
    KeyInFlight,
    /// No room now: memory, queue length or disk. Try again later.
    #[error("{0}")]
    Busy(String),
    /// The store failed; the text is for the operator, not for the caller.
    #[error("the queue cannot store mail: {0}")]
    Store(String),
}
