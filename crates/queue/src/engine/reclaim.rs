//! Forgetting what is no longer kept, and freeing the oldest segment of the log.

use super::Works;
use super::group::{Group, Use, stored};
use super::question::ago;
use crate::error::StoreError;
use crate::job::JobId;
use crate::journal::{Frame, Journal};
use crate::record::{Head, Progress, Record};
use crate::table::Entry;
use bytes::Bytes;
use jiff::Timestamp;
use std::sync::PoisonError;

/// Jobs carried forward in one round.
const CARRIED_TOGETHER: usize = 64;

impl<J: Journal> Works<J> {
    /// Forgets settled jobs past their time or number. Needs no record: at the next start the same
    /// settings forget the same jobs.
    pub(super) fn forget(&mut self, now: Timestamp) {
        let before = ago(now, self.settings.keep_history);
        for id in self.table.forgettable(before, self.settings.history_count) {
            if let Some(entry) = self.table.remove(id) {
                for place in std::iter::once(entry.place).chain(entry.history) {
                    self.journal.forget(place);
                }
            }
        }
    }

    /// Frees the oldest segment, if it is due, a few jobs per round so that callers wait for none of
    /// it: what lives in it is carried forward and synced, then it is unlinked.
    pub(super) fn reclaim(&mut self) {
        if self.refusing.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return;
        }
        if self.reclaiming.is_none() {
            let oldest = self.journal.oldest_to_reclaim();
            self.reclaiming = oldest.map(|segment| (segment, self.table.in_segment(segment)));
        }
        let Some((segment, mut jobs)) = self.reclaiming.take() else { return };
        let some = jobs.split_off(jobs.len().saturating_sub(CARRIED_TOGETHER));
        let done = jobs.is_empty();
        let carried =
            self.carry_forward(segment, some).and_then(|()| if done { self.sync_all() } else { Ok(()) });
        match carried {
            Ok(()) if done => self.journal.reclaimed(segment),
            Ok(()) => self.reclaiming = Some((segment, jobs)),
            Err(error) => tracing::error!(segment, %error, "the oldest segment cannot be freed now"),
        }
    }

    fn sync_all(&mut self) -> std::io::Result<()> {
        self.journal.sync()?;
        self.syncs += 1;
        self.unsynced.clear();
        self.sync_by = None;
        Ok(())
    }

    fn carry_forward(&mut self, segment: u32, jobs: Vec<JobId>) -> std::io::Result<()> {
        let mut group = Group::default();
        for id in jobs {
            let here =
                |e: &&Entry| e.place.segment == segment || e.history.iter().any(|p| p.segment == segment);
            let Some(entry) = self.table.get(id).filter(here).cloned() else { continue };
            match self.snapshot(id, &entry) {
                Ok(frame) => {
                    let others = (1..frame.len()).map(|_| Use::Nothing);
                    group.add_frame(frame, std::iter::once(Use::Job(id)).chain(others.collect::<Vec<_>>()));
                }
                Err(error) => {
                    tracing::error!(%id, %error, "a job of the oldest segment cannot be read; it ends there");
                    self.corrupt += 1;
                    self.table.remove(id);
                }
            }
            for place in std::iter::once(entry.place).chain(entry.history) {
                self.journal.forget(place);
            }
            if let Some(entry) = self.table.get_mut(id) {
                entry.history.clear();
            }
        }
        if group.frames.is_empty() { Ok(()) } else { group.write(&mut self.journal, &mut self.table) }
    }

    /// A job with its state and attempts in one record; with its bytes while they are wanted.
    fn snapshot(&self, id: JobId, entry: &Entry) -> Result<Frame, StoreError> {
        let damaged = |e: String| StoreError::Io(format!("{id}: {e}"));
        let found = self.journal.read(entry.place).map_err(|e| damaged(e.to_string()))?;
        let (head, mut history): (Box<Head>, _) =
            match Record::read(found.kind, &found.head).map_err(|e| damaged(e.to_string()))? {
                Record::Accepted(head) => (head, Vec::new()),
                Record::Snapshot(head, progress) => (head, progress.history),
                Record::Leased(_) | Record::Settled(_) | Record::Control(_) => {
                    return Err(damaged("another record is in its place".into()));
                }
            };
        for place in &entry.history {
            // An attempt that cannot be read is one line less for people, not a reason to lose the job.
            let read = self.journal.read(*place).ok().and_then(|f| Record::read(f.kind, &f.head).ok());
            if let Some(Record::Settled(settled)) = read {
                history.extend(settled.attempt);
            }
        }
        let with_bytes = entry.bytes && !self.kept_too_long(entry);
        let head = Box::new(Head { due_at: entry.due_at, expires_at: entry.expires_at, ..*head });
        let progress = Progress {
            status: entry.status,
            recipients: entry.recipients.to_vec(),
            attempts: entry.attempts,
            doubt: entry.doubt,
            held_because: entry.held_because.as_deref().map(Into::into),
            settled_at: entry.settled_at,
            history,
            with_bytes,
        };
        let (header, body) =
            if with_bytes { (found.header, found.body) } else { (Bytes::new(), Bytes::new()) };
        let mut frame = vec![stored(&Record::Snapshot(head, Box::new(progress)), header, body)?];
        // A lease under way stays on record: the snapshot alone would forget that it may be out.
        if entry.state == crate::State::Leased {
            frame.push(stored(&Record::Leased(vec![id]), Bytes::new(), Bytes::new())?);
        }
        Ok(frame)
    }
}
