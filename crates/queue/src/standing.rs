//! A job as it stood at one moment, with handles on its records: to be read on any thread.

use crate::error::StoreError;
use crate::job::{Door, JobId, Meta};
use crate::journal::{Handle, ReadError};
use crate::record::{Head, Progress, Record};
use crate::settlement::Attempt;
use crate::table::Entry;
use crate::view::{JobView, RecipientView};
use crate::{RecipientState, Status};
use bytes::Bytes;
use envelope::{Address, Envelope, ReversePath};
use std::sync::Arc;

/// What the engine knows of a job, and where the rest is.
#[derive(Debug, Clone)]
pub(crate) struct Standing {
    pub(crate) id: JobId,
    pub(crate) entry: Entry,
    pub(crate) project: Arc<str>,
    pub(crate) route: Arc<str>,
    /// Its `Accepted` or `Snapshot`.
    pub(crate) job: Result<Handle, ReadError>,
    pub(crate) attempts: Vec<Handle>,
}

/// Why a job's record cannot be used.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum Unreadable {
    /// The disk will not read now.
    #[error("{0}")]
    Now(String),
    /// What is there is not what was written.
    #[error("{0}")]
    Ever(String),
}

impl From<ReadError> for Unreadable {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(why) => Self::Now(why),
            ReadError::Damaged | ReadError::Gone => Self::Ever(error.to_string()),
        }
    }
}

impl Standing {
    /// The job in one piece, as a `Snapshot` would carry it.
    pub(crate) fn read(&self) -> Result<(Head, Progress), Unreadable> {
        let (kind, head) = self.job.clone()?.read_head()?;
        self.whole(kind, &head)
    }

    /// As `read`, with header block and body.
    pub(crate) fn read_all(&self) -> Result<(Head, Progress, Bytes, Bytes), Unreadable> {
        let found = self.job.clone()?.read()?;
        let (head, progress) = self.whole(found.kind, &found.head)?;
        Ok((head, progress, found.header, found.body))
    }

    pub(crate) fn view(&self) -> Result<JobView, StoreError> {
        let (head, progress) =
            self.read_or_bare().map_err(|e| StoreError::Io(format!("{}: {e}", self.id)))?;
        Ok(view(head, progress))
    }

    /// As `read`; of a job whose record is damaged, what is known without it, so that it stays visible.
    pub(crate) fn read_or_bare(&self) -> Result<(Head, Progress), Unreadable> {
        match self.read() {
            Err(Unreadable::Ever(why)) => {
                tracing::error!(id = %self.id, "the record of this job is damaged: {why}");
                Ok(self.with(self.bare(), Vec::new()))
            }
            read => read,
        }
    }

    fn bare(&self) -> Head {
        Head {
            id: self.id,
            project: self.project.clone(),
            envelope: Envelope::new(ReversePath(None), std::iter::empty::<Address>()),
            meta: Meta { subject: "(its record is damaged)".into(), ..Meta::new(Door::Library) },
            created_at: self.entry.created_at(),
            due_at: self.entry.due_at(),
            expires_at: self.entry.expires_at(),
            priority: self.entry.priority,
            route: self.route.clone(),
            idempotency: None,
            eight_bit: false,
            utf8_header: false,
            size: u64::from(self.entry.place.octets),
            beside: None,
        }
    }

    fn whole(&self, kind: u8, head: &[u8]) -> Result<(Head, Progress), Unreadable> {
        let (head, mut history) = head_of(kind, head)?;
        for handle in &self.attempts {
            // An attempt that cannot be read is one line less for people, not a reason to lose the job.
            let read = handle.read_head().ok().and_then(|(kind, head)| Record::read(kind, &head).ok());
            match read {
                Some(Record::Settled(settled)) => history.extend(settled.attempt),
                _ => tracing::warn!(id = %self.id, "an attempt of this job cannot be read"),
            }
        }
        Ok(self.with(head, history))
    }

    fn with(&self, head: Head, history: Vec<Attempt>) -> (Head, Progress) {
        let entry = &self.entry;
        let head = Head { due_at: entry.due_at(), expires_at: entry.expires_at(), ..head };
        let progress = Progress {
            status: entry.status,
            recipients: entry.recipients().into_vec(),
            attempts: entry.attempts(),
            doubt: entry.doubt(),
            held_because: entry.held_because().map(Into::into),
            settled_at: entry.settled_at(),
            history,
            with_bytes: entry.bytes(),
        };
        (head, progress)
    }
}

/// A job's head and the attempts that came with a snapshot.
pub(crate) fn head_of(kind: u8, head: &[u8]) -> Result<(Head, Vec<Attempt>), Unreadable> {
    match Record::read(kind, head).map_err(|e| Unreadable::Ever(e.to_string()))? {
        Record::Accepted(head) => Ok((*head, Vec::new())),
        Record::Snapshot(head, progress) => Ok((*head, progress.history)),
        Record::Leased(_) | Record::Settled(_) | Record::Control(_) | Record::Filed(_) => {
            Err(Unreadable::Ever("another record stands in its place".into()))
        }
    }
}

/// A job as people see it.
pub(crate) fn view(head: Head, progress: Progress) -> JobView {
    let shown =
        |state: &RecipientState| RecipientView { state: *state, status: word(*state, progress.status) };
    JobView {
        id: head.id,
        project: head.project,
        status: progress.status,
        envelope: head.envelope,
        recipients: progress.recipients.iter().map(shown).collect(),
        meta: head.meta,
        created_at: head.created_at,
        due_at: head.due_at,
        expires_at: head.expires_at,
        priority: head.priority,
        route: head.route,
        attempts: progress.history,
        possible_duplicate: progress.doubt,
        held_because: progress.held_because,
        size: head.size,
    }
}

/// The word for a recipient: its own once final, else the job's.
fn word(state: RecipientState, job: Status) -> Status {
    match state {
        RecipientState::Open => job,
        RecipientState::Sent => Status::Sent,
        RecipientState::Failed => Status::Failed,
        RecipientState::Expired => Status::Expired,
        RecipientState::Cancelled => Status::Cancelled,
        RecipientState::Suppressed => Status::Suppressed,
    }
}
