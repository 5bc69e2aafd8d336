//! What a store can answer instead of success.

use crate::JobId;

/// The store cannot do what was asked. `Display` is for the operator.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    /// The store stopped or was never opened.
    #[error("the queue is closed")]
    Closed,
    /// Reading or writing failed; the text names the file and the system's reason.
    #[error("{0}")]
    Io(String),
    /// The folder belongs to another process.
    #[error("{0}")]
    Owned(String),
    /// A file written by a newer version, or not by us.
    #[error("{0}")]
    Format(String),
    /// The server that has the queue does not answer, or not now: try again later.
    #[error("{0}")]
    Away(String),
    /// The server is none to keep mail in, as it is set up; the text says what to change.
    #[error("{0}")]
    Unfit(String),
}

/// Why jobs were not taken. Nothing of the call was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum InsertError {
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The disk's floor is reached: try again later.
    #[error("the queue is full: {0}")]
    Full(String),
    /// LENGTH unsettled jobs are queued: there is room again as soon as one is settled.
    #[error("the queue is full: {0}")]
    Crowded(String),
    /// The idempotency key was used for something else (same project).
    #[error("the idempotency key was already used for another message ({0})")]
    KeyReused(JobId),
}

/// Why a message's bytes cannot be read.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ContentError {
    #[error("no such message")]
    NotFound,
    /// Settled and no longer kept.
    #[error("the body is no longer kept")]
    Gone,
    /// The stored bytes do not match their checksum.
    #[error("the stored message is damaged: {0}")]
    Corrupt(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Why an operator's action was not taken.
#[derive(Debug, Clone, thiserror::Error)]
pub enum ActError {
    #[error("no such message")]
    NotFound,
    /// The job is in a state the action does not apply to; the text names both.
    #[error("{0}")]
    TooLate(String),
    #[error(transparent)]
    Store(#[from] StoreError),
}
