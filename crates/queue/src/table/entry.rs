//! What is kept in memory of one job: its state and where its records stand; no bytes, no texts.

use crate::journal::Place;
use crate::record::{Head, Progress};
use crate::{Priority, RecipientState, State, Status};
use jiff::Timestamp;
use std::sync::Arc;

/// One job.
#[derive(Debug, Clone)]
pub(crate) struct Entry {
    pub(crate) project: Arc<str>,
    pub(crate) route: Arc<str>,
    /// The only relay that may take it: the one that has it perhaps.
    pub(crate) only: Option<Arc<str>>,
    /// The `Accepted` or `Snapshot` record.
    pub(crate) place: Place,
    /// Its `Settled` records that hold an attempt.
    pub(crate) history: Vec<Place>,
    pub(crate) recipients: Box<[RecipientState]>,
    pub(crate) held_because: Option<Box<str>>,
    pub(crate) created_at: Timestamp,
    pub(crate) due_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) settled_at: Option<Timestamp>,
    /// Of the lease that counts; a settlement with another is stale.
    pub(crate) fence: u64,
    pub(crate) attempts: u32,
    pub(crate) state: State,
    pub(crate) status: Status,
    pub(crate) priority: Priority,
    pub(crate) doubt: bool,
    /// Whether the journal has the message's bytes.
    pub(crate) bytes: bool,
    /// Whether the body is in a file of its own.
    pub(crate) beside: bool,
    /// Whether the journal was told that the bytes are not wanted.
    pub(crate) dropped: bool,
}

impl Entry {
    /// A job just accepted: scheduled until the table promotes it.
    pub(crate) fn accepted(head: &Head, place: Place) -> Self {
        Self {
            project: head.project.clone(),
            route: head.route.clone(),
            only: None,
            place,
            history: Vec::new(),
            recipients: vec![RecipientState::Open; head.envelope.to.len()].into(),
            held_because: None,
            created_at: head.created_at,
            due_at: head.due_at,
            expires_at: head.expires_at,
            settled_at: None,
            fence: 0,
            attempts: 0,
            state: State::Scheduled,
            status: Status::Scheduled,
            priority: head.priority,
            doubt: false,
            bytes: true,
            beside: head.beside.is_some(),
            dropped: false,
        }
    }

    /// A job as a snapshot carried it.
    pub(crate) fn snapshot(head: &Head, progress: &Progress, place: Place) -> Self {
        let state = match progress.status {
            Status::Held => State::Held,
            Status::Deferred => State::Deferred,
            Status::Scheduled | Status::Queued | Status::Sending => State::Scheduled,
            Status::Sent | Status::Partial => State::Settled,
            Status::Failed | Status::Expired | Status::Cancelled | Status::Suppressed => State::Dead,
        };
        Self {
            recipients: progress.recipients.clone().into(),
            held_because: progress.held_because.as_deref().map(Into::into),
            settled_at: progress.settled_at,
            attempts: progress.attempts,
            state,
            status: progress.status,
            doubt: progress.doubt,
            bytes: progress.with_bytes,
            ..Self::accepted(head, place)
        }
    }

    pub(crate) fn is_final(&self) -> bool {
        matches!(self.state, State::Settled | State::Dead)
    }

    /// Indices of the recipients still open.
    pub(crate) fn open(&self) -> Vec<u32> {
        let open = |(i, r): (u32, &RecipientState)| (*r == RecipientState::Open).then_some(i);
        (0..).zip(&self.recipients).filter_map(open).collect()
    }
}
