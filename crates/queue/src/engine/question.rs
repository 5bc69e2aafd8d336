//! Answers that change nothing: jobs and bytes to be read elsewhere, counts.

use super::round::NOWHERE;
use super::{Question, Works};
use crate::error::ContentError;
use crate::job::JobId;
use crate::journal::{Handle, Journal};
use crate::standing::Standing;
use crate::table::Entry;
use crate::view::{Filter, Stats};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Jobs looked at for one question: who asks comes again for more.
const SEEN_AT_ONCE: usize = 4096;

/// Some jobs of the table, newest first.
#[derive(Debug, Default)]
pub(crate) struct Glance {
    pub(crate) jobs: Vec<Standing>,
    /// Look further after this one; `None`: that was all.
    pub(crate) next: Option<JobId>,
}

impl<J: Journal> Works<J> {
    pub(super) fn reply(&mut self, question: Question) {
        // Whoever asked and went away needs no answer.
        match question {
            Question::Get(id, answer) => {
                let found = self.table.get(id).map(|entry| self.standing(id, entry));
                drop(answer.send(Ok(found)));
            }
            Question::List(filter, after, most, answer) => {
                drop(answer.send(Ok(self.glance(&filter, after, most))));
            }
            Question::Content(id, answer) => drop(answer.send(self.content(id))),
            Question::Stats(answer) => drop(answer.send(Ok(self.stats()))),
        }
    }

    /// A job to be read elsewhere.
    pub(super) fn standing(&self, id: JobId, entry: &Entry) -> Standing {
        let mut attempts = Vec::with_capacity(entry.history().len());
        for place in entry.history() {
            match self.journal.handle(*place) {
                Ok(handle) => attempts.push(handle),
                Err(error) => tracing::warn!(%id, %error, "an attempt of this job cannot be read"),
            }
        }
        Standing {
            id,
            entry: entry.clone(),
            project: self.table.project_of(entry).clone(),
            route: self.table.route_of(entry).clone(),
            job: self.journal.handle(entry.place),
            attempts,
        }
    }

    fn glance(&self, filter: &Filter, after: Option<JobId>, most: usize) -> Glance {
        let mut glance = Glance::default();
        let before = |id: JobId| filter.before.is_none_or(|b| id > b);
        for (seen, (id, entry)) in self.table.newest(after).take_while(|(id, _)| before(*id)).enumerate() {
            if glance.jobs.len() == most || seen == SEEN_AT_ONCE {
                return glance;
            }
            glance.next = Some(id);
            let wrong_project = filter.project.as_ref().is_some_and(|p| p != self.table.project_of(entry));
            if !wrong_project && filter.status.is_none_or(|s| s == entry.status) && entry.place != NOWHERE {
                glance.jobs.push(self.standing(id, entry));
            }
        }
        glance.next = None;
        glance
    }

    fn content(&self, id: JobId) -> Result<Handle, ContentError> {
        let entry = self.table.get(id).ok_or(ContentError::NotFound)?;
        if !entry.bytes() || self.kept_too_long(entry) {
            return Err(ContentError::Gone);
        }
        Ok(self.journal.handle(entry.place)?)
    }

    pub(super) fn kept_too_long(&self, entry: &Entry) -> bool {
        let keep = self.settings.keeps(entry.status);
        entry.settled_at().is_some_and(|at| ago(self.clock.now(), keep) > at)
    }

    fn stats(&self) -> Stats {
        Stats {
            by_status: self
                .table
                .counts()
                .zip(self.filed_counts())
                .map(|((s, n), h)| (s.word(), n + h))
                .collect(),
            unsettled: self.table.unsettled() as u64,
            oldest_unsettled: self.table.oldest_unsettled(),
            syncs: self.syncs,
            accepted: self.accepted,
            log_bytes: self.journal.octets(),
            corrupt: self.corrupt,
            filed: self.filed,
            unfiled: self.unfiled(),
            nodes: Vec::new(),
        }
    }
}

/// The moment that lies `time` before now.
pub(super) fn ago(now: Timestamp, time: Duration) -> Timestamp {
    SignedDuration::try_from(time).ok().and_then(|d| now.checked_sub(d).ok()).unwrap_or(Timestamp::MIN)
}

/// The moment that lies `time` after another.
pub(crate) fn later(at: Timestamp, time: Duration) -> Timestamp {
    SignedDuration::try_from(time).ok().and_then(|d| at.checked_add(d).ok()).unwrap_or(Timestamp::MAX)
}
