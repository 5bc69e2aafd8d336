//! What a start needs of a record: no texts, no addresses. Kept beside the log (`disk::index`), so that
//! a start need not read every message.

use super::v1;
use super::{Control, FiledRecord, Head, Progress, Record, SettledRecord, Undecodable};
use crate::{Idempotency, JobId, Priority};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// One fact, as the table takes it.
#[derive(Debug, Clone)]
pub(crate) enum Fact<'a> {
    Accepted(JobFact<'a>),
    Snapshot(JobFact<'a>, Box<Progress>),
    Leased(Vec<JobId>),
    Settled(Box<SettledRecord>),
    Control(Control),
    Filed(FiledRecord),
}

/// What the table knows of a job from the beginning.
#[derive(Debug, Clone)]
pub(crate) struct JobFact<'a> {
    pub(crate) id: JobId,
    pub(crate) project: &'a str,
    pub(crate) route: &'a str,
    pub(crate) created_at: Timestamp,
    pub(crate) due_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) priority: Priority,
    pub(crate) recipients: usize,
    pub(crate) idempotency: Option<Idempotency>,
    pub(crate) beside: bool,
}

#[derive(Serialize, Deserialize)]
struct JobV1<'a> {
    id: [u8; 16],
    #[serde(borrow)]
    project: &'a str,
    #[serde(borrow)]
    route: &'a str,
    created_at: i64,
    due_at: i64,
    expires_at: i64,
    priority: Priority,
    recipients: u64,
    idempotency: Option<Idempotency>,
    beside: bool,
}

impl<'a> JobFact<'a> {
    pub(crate) fn of(head: &'a Head) -> Self {
        Self {
            id: head.id,
            project: &head.project,
            route: &head.route,
            created_at: head.created_at,
            due_at: head.due_at,
            expires_at: head.expires_at,
            priority: head.priority,
            recipients: head.envelope.to.len(),
            idempotency: head.idempotency.clone(),
            beside: head.beside.is_some(),
        }
    }

    fn out(&self) -> JobV1<'a> {
        JobV1 {
            id: *self.id.0.as_bytes(),
            project: self.project,
            route: self.route,
            created_at: v1::micros(self.created_at),
            due_at: v1::micros(self.due_at),
            expires_at: v1::micros(self.expires_at),
            priority: self.priority,
            recipients: self.recipients as u64,
            idempotency: self.idempotency.clone(),
            beside: self.beside,
        }
    }

    fn read(job: JobV1<'a>) -> Self {
        Self {
            id: JobId(uuid::Uuid::from_bytes(job.id)),
            project: job.project,
            route: job.route,
            created_at: v1::time(job.created_at),
            due_at: v1::time(job.due_at),
            expires_at: v1::time(job.expires_at),
            priority: job.priority,
            recipients: usize::try_from(job.recipients).unwrap_or(usize::MAX),
            idempotency: job.idempotency,
            beside: job.beside,
        }
    }
}

impl<'a> Fact<'a> {
    pub(crate) fn of(record: &'a Record) -> Self {
        match record {
            Record::Accepted(head) => Self::Accepted(JobFact::of(head)),
            Record::Snapshot(head, progress) => Self::Snapshot(JobFact::of(head), progress.clone()),
            Record::Leased(ids) => Self::Leased(ids.clone()),
            Record::Settled(settled) => Self::Settled(settled.clone()),
            Record::Control(control) => Self::Control(control.clone()),
            Record::Filed(filed) => Self::Filed(filed.clone()),
        }
    }

    pub(crate) fn read(kind: u8, bytes: &'a [u8]) -> Result<Self, Undecodable> {
        let failed = |why: String| Undecodable { kind, why };
        let job = |job: JobV1<'a>| JobFact::read(job);
        match kind {
            v1::ACCEPTED | v1::ACCEPTED_BESIDE => {
                postcard::from_bytes(bytes).map(|j| Self::Accepted(job(j))).map_err(|e| failed(e.to_string()))
            }
            v1::SNAPSHOT | v1::SNAPSHOT_BESIDE => {
                let (of, progress) = postcard::from_bytes(bytes).map_err(|e| failed(e.to_string()))?;
                Ok(Self::Snapshot(job(of), Box::new(v1::progress_in(progress).map_err(failed)?)))
            }
            _ => match Record::read(kind, bytes)? {
                Record::Leased(ids) => Ok(Self::Leased(ids)),
                Record::Settled(settled) => Ok(Self::Settled(settled)),
                Record::Control(control) => Ok(Self::Control(control)),
                Record::Filed(filed) => Ok(Self::Filed(filed)),
                Record::Accepted(_) | Record::Snapshot(..) => Err(failed("a job without its form".into())),
            },
        }
    }
}

/// The short form of a record; `None`: it is short already.
pub(super) fn short(record: &Record) -> Result<Option<Vec<u8>>, postcard::Error> {
    Ok(Some(match record {
        Record::Accepted(head) => postcard::to_stdvec(&JobFact::of(head).out())?,
        Record::Snapshot(head, progress) => {
            let bare = Progress { history: Vec::new(), ..(**progress).clone() };
            postcard::to_stdvec(&(JobFact::of(head).out(), v1::progress_out(&bare)))?
        }
        Record::Settled(settled) => {
            let Some(attempt) = &settled.attempt else { return Ok(None) };
            let relay = crate::Attempt {
                peer: String::new(),
                recipients: Vec::new(),
                transcript: String::new(),
                remote_id: None,
                ..attempt.clone()
            };
            v1::settled_bytes(&SettledRecord { attempt: Some(relay), ..(**settled).clone() })?
        }
        Record::Leased(_) | Record::Control(_) | Record::Filed(_) => return Ok(None),
    }))
}
