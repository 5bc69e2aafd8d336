//! How a job stands in Redis: fields that scripts look at, and two that only we read. Each of the two begins
//! with the number of its form, so that a node never guesses at what a newer one wrote.

use super::reply::Row;
use crate::error::StoreError;
use crate::job::{Door, JobId, Meta};
use crate::record::{Head, Progress, Record};
use crate::settlement::Attempt;
use crate::standing::head_of;
use crate::{NewJob, Priority, RecipientState, State, Status};
use bytes::Bytes;
use envelope::{Address, Envelope, ReversePath};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// The form that this version writes, and the newest it reads.
pub(super) const FORM: u8 = 1;

/// What of a job changes and no script looks at.
#[derive(Serialize, Deserialize)]
struct ProgressV1 {
    recipients: Vec<RecipientState>,
    attempts: u32,
    held_because: Option<String>,
    /// Microseconds since 1970.
    settled_at: Option<i64>,
}

/// A job as it stands in Redis, without its message.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: JobId,
    /// Raised by each change; while it is leased, the lease's fence.
    pub(super) version: u64,
    pub(super) head: Head,
    pub(super) progress: Progress,
    pub(super) only: Option<Arc<str>>,
    /// Why this node cannot read it; what stands here then is what its fields tell.
    pub(super) unread: Option<String>,
}

pub(super) fn status_number(status: Status) -> String {
    Status::ALL.iter().position(|s| *s == status).unwrap_or_default().to_string()
}

pub(super) fn status(number: usize) -> Result<Status, StoreError> {
    Status::ALL.get(number).copied().ok_or_else(|| newer("a status"))
}

/// As in the scripts.
pub(super) fn state_letter(state: State) -> &'static str {
    match state {
        State::Scheduled | State::Deferred => "w",
        State::Ready => "r",
        State::Leased => "l",
        State::Held => "h",
        State::Settled | State::Dead => "f",
    }
}

pub(super) fn priority_digit(priority: Priority) -> &'static str {
    match priority {
        Priority::Urgent => "0",
        Priority::Normal => "1",
        Priority::Bulk => "2",
    }
}

fn newer(what: &str) -> StoreError {
    StoreError::Format(format!("{what} in Redis was written by a newer version, or not by us"))
}

fn opened<'a>(octets: &'a [u8], what: &str) -> Result<&'a [u8], StoreError> {
    match octets.split_first() {
        Some((&FORM, rest)) => Ok(rest),
        _ => Err(newer(what)),
    }
}

fn sealed(body: Vec<u8>) -> Vec<u8> {
    let mut octets = Vec::with_capacity(body.len() + 1);
    octets.push(FORM);
    octets.extend_from_slice(&body);
    octets
}

/// What never changes of a job, for storing.
pub(super) fn head(job: &NewJob) -> Result<Vec<u8>, StoreError> {
    let record = Record::Accepted(Box::new(Head::of(job, None)));
    let stored = record.store(Bytes::new(), Bytes::new());
    stored.map(|stored| sealed(stored.head)).map_err(|e| StoreError::Io(e.to_string()))
}

pub(super) fn read_head(octets: &[u8]) -> Result<Head, StoreError> {
    /// `record::v1`'s number of an accepted job.
    const ACCEPTED: u8 = 1;
    let read = head_of(ACCEPTED, opened(octets, "a job")?);
    read.map(|(head, _)| head).map_err(|e| StoreError::Format(e.to_string()))
}

pub(super) fn progress(of: &Progress) -> Result<Vec<u8>, StoreError> {
    let form = ProgressV1 {
        recipients: of.recipients.clone(),
        attempts: of.attempts,
        held_because: of.held_because.clone(),
        settled_at: of.settled_at.map(Timestamp::as_microsecond),
    };
    postcard::to_stdvec(&form).map(sealed).map_err(|e| StoreError::Io(e.to_string()))
}

/// What a job's own fields say beside its progress.
pub(super) struct Beside {
    pub(super) status: Status,
    pub(super) doubt: bool,
    pub(super) with_bytes: bool,
}

/// Empty octets: nothing was tried yet.
pub(super) fn read_progress(octets: &[u8], head: &Head, beside: &Beside) -> Result<Progress, StoreError> {
    let form = if octets.is_empty() {
        let recipients = vec![RecipientState::Open; head.envelope.to.len()];
        ProgressV1 { recipients, attempts: 0, held_because: None, settled_at: None }
    } else {
        postcard::from_bytes(opened(octets, "a job's progress")?)
            .map_err(|e| StoreError::Format(e.to_string()))?
    };
    Ok(Progress {
        status: beside.status,
        recipients: form.recipients,
        attempts: form.attempts,
        doubt: beside.doubt,
        held_because: form.held_because,
        settled_at: form.settled_at.map(time),
        history: Vec::new(),
        with_bytes: beside.with_bytes,
    })
}

/// A time out of range is the end of time.
pub(super) fn time(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(if micros < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

pub(super) fn attempt(attempt: &Attempt) -> Result<Vec<u8>, StoreError> {
    attempt.encode().map(sealed).map_err(|e| StoreError::Io(e.to_string()))
}

fn read_attempt(octets: &[u8]) -> Result<Attempt, StoreError> {
    Attempt::decode(opened(octets, "an attempt")?).map_err(StoreError::Format)
}

/// A row of `look.lua`; `Err`: its job is gone.
pub(super) fn known(mut row: Row) -> Result<Result<Known, JobId>, StoreError> {
    let id = row.id()?;
    if row.is_empty() {
        return Ok(Err(id));
    }
    let version = row.number()?;
    let status_no: usize = row.number()?;
    let (due, ends): (i64, i64) = (row.number()?, row.number()?);
    let (doubt, only) = (row.text()? == "1", row.text()?);
    let (head, moved) = (row.octets()?, row.octets()?);
    let with_bytes = row.text()? == "1";
    let attempts = super::reply::list(row.value()?)?;
    let why = Some(row.text()?).filter(|why| !why.is_empty());
    let read = || {
        let beside = Beside { status: status(status_no)?, doubt, with_bytes };
        let head = Head { due_at: time(due), expires_at: time(ends), ..read_head(&head)? };
        let mut progress = read_progress(&moved, &head, &beside)?;
        for attempt in attempts {
            match super::reply::octets(attempt).and_then(|octets| read_attempt(&octets)) {
                Ok(attempt) => progress.history.push(attempt),
                Err(error) => tracing::warn!(%id, %error, "an attempt of this job cannot be read"),
            }
        }
        progress.held_because = progress.held_because.or_else(|| why.clone());
        let only = (!only.is_empty()).then(|| only.as_str().into());
        Ok::<_, StoreError>(Known { id, version, head, progress, only, unread: None })
    };
    match read() {
        Ok(known) => Ok(Ok(known)),
        Err(error) => {
            let beside = Beside { status: status(status_no).unwrap_or(Status::Held), doubt, with_bytes };
            let (head, progress) = bare(id, (due, ends), &beside, &mut row)?;
            let error = error.to_string();
            let held_because = why.or_else(|| (beside.status == Status::Held).then(|| error.clone()));
            let progress = Progress { held_because, ..progress };
            Ok(Ok(Known { id, version, head, progress, only: None, unread: Some(error) }))
        }
    }
}

/// What is known of a job that this node cannot read, so that it stays visible.
fn bare(
    id: JobId,
    (due, ends): (i64, i64),
    beside: &Beside,
    row: &mut Row,
) -> Result<(Head, Progress), StoreError> {
    let (project, route) = (row.text()?, row.text()?);
    // A UUID v7 begins with milliseconds since 1970.
    let created = i64::try_from(id.0.as_u128() >> 80).unwrap_or_default().saturating_mul(1000);
    let head = Head {
        id,
        project: project.into(),
        envelope: Envelope::new(ReversePath(None), std::iter::empty::<Address>()),
        meta: Meta { subject: "(this node cannot read it)".into(), ..Meta::new(Door::Library) },
        created_at: time(created),
        due_at: time(due),
        expires_at: time(ends),
        priority: Priority::Normal,
        route: route.into(),
        idempotency: None,
        eight_bit: false,
        utf8_header: false,
        size: row.number()?,
        beside: None,
    };
    let progress = Progress {
        status: beside.status,
        recipients: Vec::new(),
        attempts: 0,
        doubt: beside.doubt,
        held_because: None,
        settled_at: None,
        history: Vec::new(),
        with_bytes: beside.with_bytes,
    };
    Ok((head, progress))
}
