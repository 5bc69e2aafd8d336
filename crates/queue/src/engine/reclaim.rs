//! Freeing the oldest segment of the log.

use super::Works;
use super::group::{Group, Use, stored};
use crate::error::StoreError;
use crate::job::JobId;
use crate::journal::{Frame, Journal};
use crate::record::Record;
use crate::standing::Unreadable;
use crate::table::Entry;
use bytes::Bytes;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// Why carrying forward stopped: the old segment would not be read, or the new one not be written.
enum Stop {
    Read(String),
    Write(std::io::Error),
}

/// A segment that cannot be freed is tried again after this long.
const RECLAIM_PAUSE: Duration = Duration::from_secs(60);
/// Jobs carried forward in one round.
const CARRIED_TOGETHER: usize = 64;

/// The segment being freed.
pub(super) struct Reclaiming {
    segment: u32,
    /// All that lived in it. Nothing comes to live in a segment that is not the last.
    jobs: Vec<JobId>,
    /// So many of them are carried forward.
    carried: usize,
}

impl<J: Journal> Works<J> {
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
            self.reclaiming = oldest.map(|segment| Reclaiming {
                segment,
                jobs: self.table.in_segment(segment),
                carried: 0,
            });
        }
        let Some(mut now) = self.reclaiming.take() else { return };
        let (segment, rest) = (now.segment, now.jobs.get(now.carried..).unwrap_or_default());
        let some = rest.get(..CARRIED_TOGETHER).unwrap_or(rest);
        match self.carry_forward(segment, some) {
            Ok(()) if some.len() < rest.len() => {
                now.carried += some.len();
                self.reclaiming = Some(now);
            }
            // Looked at again, so that a segment never goes with something that lives in it.
            Ok(()) if !now.jobs.iter().any(|id| self.table.get(*id).is_some_and(|e| e.is_in(segment))) => {
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
    fn carry_forward(&mut self, segment: u32, jobs: &[JobId]) -> Result<(), Stop> {
        let (mut group, mut carried) = (Group::default(), Vec::new());
        for id in jobs.iter().copied() {
            let Some(entry) = self.table.get(id).filter(|e| e.is_in(segment)).cloned() else { continue };
            let with_bytes = entry.bytes() && !self.kept_too_long(&entry);
            match self.snapshot(id, &entry, with_bytes) {
                Ok(frame) => {
                    let rest = frame.len().saturating_sub(1);
                    let uses = std::iter::once(Use::Job(id)).chain((0..rest).map(|_| Use::Nothing));
                    group.add_frame(frame, uses);
                    carried.push((id, entry, with_bytes));
                }
                Err(Unreadable::Now(why)) => return Err(Stop::Read(format!("{id}: {why}"))),
                Err(Unreadable::Ever(why)) => self.lose(id, &why),
            }
        }
        if group.frames.is_empty() {
            return Ok(());
        }
        let places = self.journal.append(&group.frames).map_err(Stop::Write)?;
        self.sync().map_err(Stop::Write)?;
        group.stand(places, &mut self.journal, &mut self.table);
        for (id, before, with_bytes) in carried {
            // Its body, if beside, stays where it is.
            self.forget_records(&before);
            if let Some(entry) = self.table.get_mut(id) {
                entry.clear_history();
                entry.undropped();
                if !with_bytes && entry.let_bytes_go() {
                    self.to_unlink.push(id);
                }
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
    fn snapshot(&self, id: JobId, entry: &Entry, with_bytes: bool) -> Result<Frame, Unreadable> {
        let (mut head, mut progress, header, body) = self.standing(id, entry).read_all()?;
        progress.with_bytes = with_bytes;
        head.beside = head.beside.filter(|_| with_bytes);
        let (header, body) = if with_bytes { (header, body) } else { (Bytes::new(), Bytes::new()) };
        let unstorable = |error: StoreError| Unreadable::Now(error.to_string());
        let mut frame = vec![
            stored(&Record::Snapshot(Box::new(head), Box::new(progress)), header, body)
                .map_err(unstorable)?,
        ];
        // A lease under way stays on record: the snapshot alone would forget that it may be out.
        if entry.state == crate::State::Leased {
            frame.push(stored(&Record::Leased(vec![id]), Bytes::new(), Bytes::new()).map_err(unstorable)?);
        }
        Ok(frame)
    }
}
