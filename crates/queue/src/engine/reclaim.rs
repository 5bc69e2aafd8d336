//! Forgetting what is no longer kept, and freeing the oldest segment of the log.

use super::Works;
use super::group::{Group, Use, stored};
use super::question::{ago, later};
use crate::error::StoreError;
use crate::job::JobId;
use crate::journal::{Frame, Journal, ReadError};
use crate::record::{Head, Progress, Record};
use crate::table::Entry;
use bytes::Bytes;
use jiff::Timestamp;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// Why a job cannot be carried forward.
enum Lost {
    Now(String),
    Ever(String),
}

fn unstorable(error: StoreError) -> Lost {
    Lost::Now(error.to_string())
}

/// Why carrying forward stopped: the old segment would not be read, or the new one not be written.
enum Stop {
    Read(String),
    Write(std::io::Error),
}

/// A segment that cannot be freed is tried again after this long.
const RECLAIM_PAUSE: Duration = Duration::from_secs(60);
/// Jobs carried forward in one round.
const CARRIED_TOGETHER: usize = 64;

impl<J: Journal> Works<J> {
    /// Forgets settled jobs past their time or number. Needs no record: at the next start the same
    /// settings forget the same jobs.
    pub(super) fn forget(&mut self, now: Timestamp) {
        self.fade(now);
        let before = ago(now, self.settings.keep_history);
        for id in self.table.forgettable(before, self.settings.history_count) {
            if let Some(entry) = self.table.remove(id) {
                for place in std::iter::once(entry.place).chain(entry.history) {
                    self.journal.forget(place);
                }
            }
        }
    }

    /// Lets go of bytes that were kept long enough.
    fn fade(&mut self, now: Timestamp) {
        while let Some((at, id)) = self.fading.first().copied().filter(|(at, _)| *at < now) {
            self.fading.remove(&(at, id));
            let Some(entry) = self.table.get_mut(id) else { continue };
            // One that was retried by hand and ended again stands here twice.
            let due = entry.settled_at.is_some_and(|s| later(s, self.settings.keeps(entry.status)) == at);
            if due && entry.bytes {
                entry.bytes = false;
                self.journal.drop_bytes(entry.place);
            }
        }
    }

    /// Frees the oldest segment, if it is due, a few jobs per round so that callers wait for none of
    /// it: what lives in it is carried forward and synced, then it is unlinked.
    pub(super) fn reclaim(&mut self) {
        if self.refusing.lock().unwrap_or_else(PoisonError::into_inner).is_some() {
            return;
        }
        if self.reclaim_after.is_some_and(|at| at > Instant::now()) {
            return;
        }
        if self.reclaiming.is_none() {
            let oldest = self.journal.oldest_to_reclaim();
            self.reclaiming = oldest.map(|segment| (segment, self.table.in_segment(segment)));
        }
        let Some((segment, mut jobs)) = self.reclaiming.take() else { return };
        let some = jobs.split_off(jobs.len().saturating_sub(CARRIED_TOGETHER));
        match self.carry_forward(segment, some) {
            Ok(()) if !jobs.is_empty() => self.reclaiming = Some((segment, jobs)),
            // Looked at again, so that a segment never goes with something that lives in it.
            Ok(()) if self.table.in_segment(segment).is_empty() => {
                if let Err(error) = self.journal.reclaimed(segment, self.damaged_here) {
                    self.pause_reclaiming(segment, &error.to_string());
                } else {
                    self.damaged_here = false;
                }
            }
            Ok(()) => {}
            Err(Stop::Read(why)) => self.pause_reclaiming(segment, &why),
            Err(Stop::Write(error)) => {
                self.failed(&error);
            }
        }
    }

    /// The segment stays for now; intake and delivery go on.
    fn pause_reclaiming(&mut self, segment: u32, why: &str) {
        tracing::error!(segment, "the oldest segment cannot be freed now: {why}");
        self.reclaim_after = Some(Instant::now() + RECLAIM_PAUSE);
    }

    /// Appends and syncs the jobs' snapshots; only then do the jobs stand there.
    fn carry_forward(&mut self, segment: u32, jobs: Vec<JobId>) -> Result<(), Stop> {
        let (mut group, mut carried) = (Group::default(), Vec::new());
        for id in jobs {
            let here =
                |e: &&Entry| e.place.segment == segment || e.history.iter().any(|p| p.segment == segment);
            let Some(entry) = self.table.get(id).filter(here).cloned() else { continue };
            let with_bytes = entry.bytes && !self.kept_too_long(&entry);
            match self.snapshot(id, &entry, with_bytes) {
                Ok(frame) => {
                    let rest = frame.len().saturating_sub(1);
                    let uses = std::iter::once(Use::Job(id)).chain((0..rest).map(|_| Use::Nothing));
                    group.add_frame(frame, uses);
                    carried.push((id, entry, with_bytes));
                }
                Err(Lost::Now(why)) => return Err(Stop::Read(format!("{id}: {why}"))),
                Err(Lost::Ever(why)) => self.lose(id, &why),
            }
        }
        if group.frames.is_empty() {
            return Ok(());
        }
        let places = self.journal.append(&group.frames).map_err(Stop::Write)?;
        self.sync().map_err(Stop::Write)?;
        group.stand(places, &mut self.journal, &mut self.table);
        for (id, before, with_bytes) in carried {
            for place in std::iter::once(before.place).chain(before.history) {
                self.journal.forget(place);
            }
            if let Some(entry) = self.table.get_mut(id) {
                entry.history.clear();
                entry.bytes = with_bytes;
            }
        }
        Ok(())
    }

    /// A job of the oldest segment that is damaged on disk; the segment goes to quarantine whole.
    fn lose(&mut self, id: JobId, why: &str) {
        tracing::error!(%id, "a stored message is damaged and ends here; its segment goes to quarantine: {why}");
        self.corrupt += 1;
        self.damaged_here = true;
        self.table.remove(id);
    }

    /// A job with its state and attempts in one record; with its bytes while they are wanted.
    fn snapshot(&self, id: JobId, entry: &Entry, with_bytes: bool) -> Result<Frame, Lost> {
        let damaged = Lost::Ever;
        let found = self.journal.read(entry.place).map_err(|error| match error {
            ReadError::Io(why) => Lost::Now(why),
            ReadError::Damaged | ReadError::Gone => Lost::Ever(error.to_string()),
        })?;
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
        let mut frame =
            vec![stored(&Record::Snapshot(head, Box::new(progress)), header, body).map_err(unstorable)?];
        // A lease under way stays on record: the snapshot alone would forget that it may be out.
        if entry.state == crate::State::Leased {
            frame.push(stored(&Record::Leased(vec![id]), Bytes::new(), Bytes::new()).map_err(unstorable)?);
        }
        Ok(frame)
    }
}
