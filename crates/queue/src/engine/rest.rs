//! What becomes of jobs that are done: their bytes go, then they leave the table, into history or out
//! of memory.

use super::group::{Group, Use};
use super::question::{ago, later};
use super::{Answer, Command, Works};
use crate::error::StoreError;
use crate::history::{Filer, Filing, History, Order, is_past};
use crate::job::JobId;
use crate::journal::Journal;
use crate::record::Record;
use crate::table::Entry;
use crate::{State, Status};
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeSet, VecDeque};
use std::time::{Duration, Instant};

/// Where done jobs go.
pub(super) enum Rest {
    /// Into files, in large batches.
    Filed(Desk),
    /// They stay in memory for a while, the oldest forgotten first.
    Kept { settled: VecDeque<(Timestamp, JobId)>, dead: VecDeque<(Timestamp, JobId)> },
}

impl Default for Rest {
    fn default() -> Self {
        Self::Kept { settled: VecDeque::new(), dead: VecDeque::new() }
    }
}

/// Jobs on their way into history.
pub(super) struct Desk {
    filer: Filer,
    history: History,
    /// To be handed over.
    next: Vec<JobId>,
    /// Handed over, not yet said to be safe.
    taken: BTreeSet<JobId>,
    /// Of those, the ones that wait to be written; and since when.
    unwritten: usize,
    /// Octets of log that cannot be freed until they are.
    octets: u64,
    since: Option<Timestamp>,
    /// After a failure, not before.
    not_before: Option<Timestamp>,
    retained: Option<Timestamp>,
}

/// Jobs handed over in one round.
const HANDED_TOGETHER: usize = 512;
/// So many are written at once.
const WRITTEN_TOGETHER: usize = 16_384;
/// A done job is in history after this long.
const WRITTEN_AFTER: SignedDuration = SignedDuration::from_secs(30);
/// History that cannot be written is tried again after this long.
const WRITE_AGAIN: SignedDuration = SignedDuration::from_secs(60);
/// How often old days are looked for.
const RETAIN_EVERY: SignedDuration = SignedDuration::from_mins(10);

impl Desk {
    pub(super) fn new(filer: Filer, history: History) -> Self {
        Self {
            filer,
            history,
            next: Vec::new(),
            taken: BTreeSet::new(),
            unwritten: 0,
            octets: 0,
            // What is found at the start need not wait.
            since: Some(Timestamp::MIN),
            not_before: None,
            retained: None,
        }
    }

    /// When there is something to do.
    fn next_time(&self) -> Option<Timestamp> {
        if self.next.is_empty() && self.unwritten == 0 {
            return None;
        }
        let at = if self.next.is_empty() { later_by(self.since?, WRITTEN_AFTER) } else { Timestamp::MIN };
        Some(self.not_before.map_or(at, |not_before| at.max(not_before)))
    }
}

fn later_by(at: Timestamp, by: SignedDuration) -> Timestamp {
    let end = if by.is_negative() { Timestamp::MIN } else { Timestamp::MAX };
    at.checked_add(by).unwrap_or(end)
}

impl<J: Journal> Works<J> {
    /// Looks at jobs that ended, and at those whose time of rest is over. Needs no record: at the next
    /// start the same settings do the same.
    pub(super) fn rest(&mut self, now: Timestamp) {
        for (at, id) in std::mem::take(&mut self.table.done) {
            let Some(entry) = self.table.get(id) else { continue };
            if !entry.is_final() || entry.settled_at() != Some(at) {
                continue;
            }
            match &mut self.rest {
                Rest::Kept { settled, .. } if entry.state == State::Settled => settled.push_back((at, id)),
                Rest::Kept { dead, .. } => dead.push_back((at, id)),
                Rest::Filed(_) => {}
            }
            self.lay_to_rest(id, now);
        }
        while let Some((at, id)) = self.resting.first().copied().filter(|(at, _)| *at < now) {
            self.resting.remove(&(at, id));
            if self.table.get(id).is_some_and(Entry::is_final) {
                self.lay_to_rest(id, now);
            }
        }
        if !self.to_unlink.is_empty() {
            self.sync_by.get_or_insert(Instant::now());
        }
        self.file(now);
        self.forget_kept(now);
        if self.table.is_empty() {
            self.journal.nothing_lives();
        }
    }

    /// The clock was set: what is done is remembered for as long as it was to be.
    pub(super) fn shift_rest(&mut self, by: SignedDuration) {
        let moved = |at: Timestamp| later_by(at, by);
        self.resting =
            std::mem::take(&mut self.resting).into_iter().map(|(at, id)| (moved(at), id)).collect();
        match &mut self.rest {
            Rest::Filed(desk) => {
                for at in [&mut desk.since, &mut desk.not_before, &mut desk.retained].into_iter().flatten() {
                    *at = moved(*at);
                }
            }
            Rest::Kept { settled, dead } => {
                settled.iter_mut().chain(dead).for_each(|(at, _)| *at = moved(*at))
            }
        }
    }

    /// When `rest` will have something to do.
    pub(super) fn rest_time(&self) -> Option<Timestamp> {
        let desk = match &self.rest {
            Rest::Filed(desk) => desk.next_time(),
            Rest::Kept { .. } => None,
        };
        let just_after = |at: Timestamp| later_by(at, SignedDuration::from_micros(1));
        self.resting.first().map(|(at, _)| just_after(*at)).into_iter().chain(desk).min()
    }

    fn lay_to_rest(&mut self, id: JobId, now: Timestamp) {
        let named = self.table.keys.named_until(id);
        let forgotten = ago(now, self.settings.keep_history);
        let Some(entry) = self.table.get_mut(id) else { return };
        let Some(done) = entry.settled_at() else { return };
        let keep = self.settings.keeps(entry.status);
        let until = later(done, keep);
        if entry.bytes() && !keep.is_zero() && until >= now {
            self.resting.insert((until, id));
            return;
        }
        if entry.let_bytes_go() {
            self.to_unlink.push(id);
        }
        if let Some(until) = named {
            if entry.drop_once() {
                self.journal.drop_bytes(entry.place);
            }
            self.resting.insert((until, id));
            return;
        }
        match &mut self.rest {
            Rest::Filed(_) if is_past(done, forgotten) => self.leave(id),
            // Its segment stays until it is filed, or it would be copied only to be filed.
            Rest::Filed(desk) => desk.next.push(id),
            Rest::Kept { .. } if entry.drop_once() => self.journal.drop_bytes(entry.place),
            Rest::Kept { .. } => {}
        }
    }

    /// Out of the table, and its records out of the journal.
    fn leave(&mut self, id: JobId) {
        if let Some(entry) = self.table.remove(id) {
            self.forget_entry(id, &entry);
        }
    }

    /// Memory only: done before the time that is remembered, or settled and too many. Sent mail never
    /// pushes failed mail out.
    fn forget_kept(&mut self, now: Timestamp) {
        let before = ago(now, self.settings.keep_history);
        let Rest::Kept { settled, dead } = &mut self.rest else { return };
        let mut gone = Vec::new();
        for (queue, count) in [(settled, self.settings.history_count), (dead, usize::MAX)] {
            while let Some((at, id)) = queue.front().copied() {
                // A job retried by hand stands here twice; its own time tells the true entry.
                let stale = self.table.get(id).is_none_or(|e| e.settled_at() != Some(at));
                let named = self.table.keys.named_until(id).is_some();
                if !stale && (named || at >= before && queue.len() <= count) {
                    break;
                }
                queue.pop_front();
                gone.extend((!stale).then_some(id));
            }
        }
        for id in gone {
            self.leave(id);
        }
    }

    /// Hands jobs to the filer, some at a time, and has them written late and together.
    fn file(&mut self, now: Timestamp) {
        let since = ago(self.unset(now), self.settings.keep_history);
        let Rest::Filed(desk) = &mut self.rest else { return };
        if desk.retained.is_none_or(|at| later_by(at, RETAIN_EVERY) <= now) {
            desk.retained = Some(now);
            desk.filer.order(Order::Retain(since));
        }
        if desk.not_before.is_some_and(|at| at > now) {
            return;
        }
        desk.not_before = None;
        let rest = desk.next.len().saturating_sub(HANDED_TOGETHER);
        let some = desk.next.split_off(rest);
        let mut jobs = Vec::with_capacity(some.len());
        for id in some {
            let Some(entry) = self.table.get(id).filter(|e| e.is_final()) else { continue };
            jobs.push(self.standing(id, entry));
        }
        let Rest::Filed(desk) = &mut self.rest else { return };
        if !jobs.is_empty() {
            desk.since.get_or_insert(now);
            desk.unwritten += jobs.len();
            desk.octets += jobs.iter().map(|job| u64::from(job.entry.place.octets)).sum::<u64>();
            desk.taken.extend(jobs.iter().map(|job| job.id));
            desk.filer.order(Order::Take(jobs));
        }
        let overdue = desk.since.is_some_and(|since| later_by(since, WRITTEN_AFTER) <= now);
        let full = desk.unwritten >= WRITTEN_TOGETHER || desk.octets >= self.settings.segment_octets / 2;
        if desk.unwritten > 0 && (full || overdue && desk.next.is_empty()) {
            (desk.unwritten, desk.octets, desk.since) = (0, 0, None);
            desk.filer.order(Order::Write);
        }
    }

    /// The filer's answer. It goes on record with whatever is synced next: should it be lost, the jobs
    /// are filed once more, and found there.
    pub(super) fn filed(&mut self, filing: Filing, now: Timestamp, group: &mut Group) {
        let Rest::Filed(desk) = &mut self.rest else { return };
        let ids = match filing {
            Filing::Failed(ids) => {
                desk.not_before = Some(later_by(now, WRITE_AGAIN));
                desk.next.extend(ids.into_iter().filter(|id| desk.taken.remove(id)));
                return;
            }
            Filing::Damaged(ids) => ids,
            Filing::Done(record, new) => {
                // What was purged meanwhile is about to be taken out of the file again.
                let new = new.into_iter().filter(|(id, _)| desk.taken.contains(id));
                desk.history.count(record.day, new.map(|(_, status)| status));
                self.filed += record.ids.len() as u64;
                let ids = record.ids.clone();
                self.add(vec![(Record::Filed(record), Use::Nothing)], group);
                ids
            }
        };
        for id in ids {
            if let Rest::Filed(desk) = &mut self.rest {
                desk.taken.remove(&id);
            }
            if self.table.get(id).is_some_and(Entry::is_final) {
                self.leave(id);
            }
        }
    }

    /// Ends the filer, and takes its last answers.
    pub(super) fn end_filing(&mut self) {
        let Rest::Filed(desk) = std::mem::take(&mut self.rest) else { return };
        let Desk { filer, history, .. } = desk;
        filer.end();
        let mut records = Vec::new();
        while let Ok(command) = self.commands.try_recv() {
            if let Command::Filed(Filing::Done(record, new)) = command {
                history.count(record.day, new.into_iter().map(|(_, status)| status));
                records.push((Record::Filed(record), Use::Nothing));
            }
        }
        let mut group = Group::default();
        self.add(records, &mut group);
        if let Err(error) = self.commit(&mut group) {
            tracing::warn!(%error, "jobs put into history will be put there once more");
        }
    }

    pub(super) fn unfile(&mut self, id: JobId, answer: Answer<Result<Option<Status>, StoreError>>) {
        match &self.rest {
            Rest::Filed(desk) => desk.filer.order(Order::Remove(id, Some(answer))),
            Rest::Kept { .. } => drop(answer.send(Ok(None))),
        }
    }

    /// A done job was purged: should it be on its way into history, it is not to arrive.
    pub(super) fn not_to_file(&mut self, id: JobId) {
        if let Rest::Filed(desk) = &mut self.rest
            && desk.taken.remove(&id)
        {
            desk.filer.order(Order::Remove(id, None));
        }
    }

    pub(super) fn filed_counts(&self) -> [u64; Status::ALL.len()] {
        match &self.rest {
            Rest::Filed(desk) => desk.history.counts(),
            Rest::Kept { .. } => [0; Status::ALL.len()],
        }
    }

    pub(super) fn unfiled(&self) -> u64 {
        match &self.rest {
            Rest::Filed(desk) => (desk.next.len() + desk.taken.len()) as u64,
            Rest::Kept { .. } => 0,
        }
    }
}

/// Time until then, by this clock.
pub(super) fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default()
}
