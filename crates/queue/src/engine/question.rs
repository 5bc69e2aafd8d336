//! Answers that change nothing: views, lists, bytes, counts.

use super::round::NOWHERE;
use super::{Question, Works};
use crate::error::{ContentError, StoreError};
use crate::job::JobId;
use crate::journal::{Journal, ReadError};
use crate::record::{Head, Record};
use crate::settlement::Attempt;
use crate::table::Entry;
use crate::view::{Content, Filter, JobView, Page, RecipientView, Stats};
use crate::{RecipientState, Status};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Jobs one page holds at most.
const PAGE: usize = 1000;

impl<J: Journal> Works<J> {
    pub(super) fn reply(&mut self, question: Question) {
        // Whoever asked and went away needs no answer.
        match question {
            Question::Get(id, answer) => drop(answer.send(self.view(id))),
            Question::List(filter, answer) => drop(answer.send(self.list(&filter))),
            Question::Content(id, answer) => drop(answer.send(self.content(id))),
            Question::Stats(answer) => drop(answer.send(Ok(self.stats()))),
        }
    }

    fn view(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        self.table.get(id).map(|entry| self.view_of(id, entry)).transpose()
    }

    fn view_of(&self, id: JobId, entry: &Entry) -> Result<JobView, StoreError> {
        let (head, mut attempts) = self.head(entry).map_err(|e| StoreError::Io(format!("{id}: {e}")))?;
        for place in &entry.history {
            match self.journal.read_head(*place).map(|(kind, head)| Record::read(kind, &head)) {
                Ok(Ok(Record::Settled(settled))) => attempts.extend(settled.attempt),
                other => {
                    tracing::warn!(%id, ?place, ok = other.is_ok(), "an attempt of this job cannot be read")
                }
            }
        }
        let shown =
            |state: &RecipientState| RecipientView { state: *state, status: word(*state, entry.status) };
        Ok(JobView {
            id,
            project: entry.project.clone(),
            status: entry.status,
            envelope: head.envelope,
            recipients: entry.recipients.iter().map(shown).collect(),
            meta: head.meta,
            created_at: entry.created_at,
            due_at: entry.due_at,
            expires_at: entry.expires_at,
            priority: entry.priority,
            route: entry.route.clone(),
            attempts,
            possible_duplicate: entry.doubt,
            held_because: entry.held_because.as_deref().map(Into::into),
            size: head.size,
        })
    }

    /// The job's head and the attempts that came with a snapshot.
    fn head(&self, entry: &Entry) -> Result<(Head, Vec<Attempt>), String> {
        let (kind, head) = self.journal.read_head(entry.place).map_err(|e| e.to_string())?;
        match Record::read(kind, &head).map_err(|e| e.to_string())? {
            Record::Accepted(head) => Ok((*head, Vec::new())),
            Record::Snapshot(head, progress) => Ok((*head, progress.history)),
            Record::Leased(_) | Record::Settled(_) | Record::Control(_) => {
                Err("another record is in its place".into())
            }
        }
    }

    fn list(&self, filter: &Filter) -> Result<Page, StoreError> {
        let limit = filter.limit.clamp(1, PAGE);
        let mut page = Page::default();
        let before = |id: JobId| filter.before.is_none_or(|b| id > b);
        for (id, entry) in self.table.newest(filter.after).take_while(|(id, _)| before(*id)) {
            let wrong_project = filter.project.as_ref().is_some_and(|p| *p != entry.project);
            if wrong_project || filter.status.is_some_and(|s| s != entry.status) || entry.place == NOWHERE {
                continue;
            }
            let view = match self.view_of(id, entry) {
                Ok(view) => view,
                Err(error) => {
                    tracing::warn!(%id, %error, "a job cannot be shown");
                    continue;
                }
            };
            if !matches(filter, &view) {
                continue;
            }
            if page.jobs.len() == limit {
                page.has_more = true;
                break;
            }
            page.jobs.push(view);
        }
        Ok(page)
    }

    fn content(&self, id: JobId) -> Result<Content, ContentError> {
        let entry = self.table.get(id).ok_or(ContentError::NotFound)?;
        if !entry.bytes || self.kept_too_long(entry) {
            return Err(ContentError::Gone);
        }
        let found = self.journal.read(entry.place).map_err(|error| match error {
            ReadError::Gone => ContentError::Gone,
            ReadError::Damaged => ContentError::Corrupt(error.to_string()),
            ReadError::Io(text) => ContentError::Store(StoreError::Io(text)),
        })?;
        Ok(Content { header: found.header, body: found.body })
    }

    pub(super) fn kept_too_long(&self, entry: &Entry) -> bool {
        let keep = self.settings.keeps(entry.status);
        entry.settled_at.is_some_and(|at| ago(self.clock.now(), keep) > at)
    }

    fn stats(&self) -> Stats {
        Stats {
            by_status: self.table.counts().map(|(s, n)| (s.word(), n)).collect(),
            unsettled: self.table.unsettled() as u64,
            oldest_unsettled: self.table.oldest_unsettled(),
            syncs: self.syncs,
            accepted: self.accepted,
            log_bytes: self.journal.octets(),
            corrupt: self.corrupt,
        }
    }
}

/// The moment that lies `time` before now.
pub(super) fn ago(now: Timestamp, time: Duration) -> Timestamp {
    SignedDuration::try_from(time).ok().and_then(|d| now.checked_sub(d).ok()).unwrap_or(Timestamp::MIN)
}

/// The moment that lies `time` after another.
pub(super) fn later(at: Timestamp, time: Duration) -> Timestamp {
    SignedDuration::try_from(time).ok().and_then(|d| at.checked_add(d).ok()).unwrap_or(Timestamp::MAX)
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

fn holds(text: &str, wanted: &str) -> bool {
    text.to_ascii_lowercase().contains(&wanted.to_ascii_lowercase())
}

fn matches(filter: &Filter, view: &JobView) -> bool {
    let to = |wanted: &str| view.envelope.to.iter().any(|r| holds(r.address.as_str(), wanted));
    let anywhere = |wanted: &str| {
        holds(&view.meta.subject, wanted)
            || to(wanted)
            || holds(&view.meta.from, wanted)
            || view.meta.to.iter().chain(&view.meta.cc).any(|t| holds(t, wanted))
            || holds(&view.meta.message_id, wanted)
            || holds(&view.id.to_string(), wanted)
            || view.attempts.iter().filter_map(|a| a.remote_id.as_deref()).any(|r| holds(r, wanted))
    };
    filter.to.as_deref().is_none_or(to)
        && filter.subject.as_deref().is_none_or(|w| holds(&view.meta.subject, w))
        && (filter.external_id.is_none() || filter.external_id == view.meta.external_id)
        && filter.q.as_deref().is_none_or(anywhere)
}
