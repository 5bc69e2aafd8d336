//! The engine's loop: one round after the other.

use super::group::{Group, Use, stored};
use super::question::later;
use super::rest::until;
use super::{Acted, Answer, Arriving, Command, Inserts, Leases, Question, Works};
use crate::error::{ActError, InsertError, StoreError};
use crate::job::{Inserted, JobId, NewJob};
use crate::journal::{Frame, Journal, Place};
use crate::record::{Control, ControlKind, Head, JobFact, Record, SettledRecord};
use crate::settlement::{Next, Settlement};
use crate::table::{Entry, Known};
use crate::{Action, RecipientState, State, Status};
use jiff::Timestamp;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

/// Leased jobs, each with its fence.
pub(super) type Picked = Vec<(JobId, u64)>;

/// What waits for the round's sync.
#[derive(Default)]
struct Waiting {
    inserts: Vec<(Inserts, Answer<Inserts>)>,
    settles: Vec<Answer<Result<(), StoreError>>>,
    acts: Vec<(Acted, Answer<Acted>)>,
    /// Told once the round is on record.
    records: Vec<Answer<Result<(), StoreError>>>,
    leases: Vec<(Picked, Answer<Leases>)>,
    questions: Vec<Question>,
}

/// Commands taken into one round.
const ROUND: usize = 1024;
/// A settlement is synced after this long at the latest.
const LAZY_SYNC: Duration = Duration::from_millis(100);
/// A clock that jumps is noticed after this long at the latest.
const LONGEST_SLEEP: Duration = Duration::from_secs(60);
/// After a failed write the journal is tried again at this distance.
const RETRY_WRITE: Duration = Duration::from_secs(1);

impl<J: Journal> Works<J> {
    pub(super) fn run(mut self) {
        self.rest(self.clock.now());
        loop {
            let first = self.commands.recv_timeout(self.sleep());
            if matches!(first, Err(std::sync::mpsc::RecvTimeoutError::Disconnected)) {
                return;
            }
            let mut commands: Vec<Command> = first.ok().into_iter().collect();
            while commands.len() < ROUND
                && let Ok(next) = self.commands.try_recv()
            {
                commands.push(next);
            }
            self.round(commands);
            if self.closing.is_some() {
                self.close();
                return;
            }
        }
    }

    /// The end: syncs, and says so.
    pub(super) fn close(mut self) {
        self.end_filing();
        let Some(answer) = self.closing.take() else { return };
        let synced = self.journal.sync().map_err(|e| StoreError::Io(e.to_string()));
        self.journal.end();
        // The folder is free before anybody hears that the store is closed.
        drop(self);
        drop(answer.send(synced));
    }

    fn sleep(&self) -> Duration {
        let now = self.clock.now();
        let due = self.table.next_time().into_iter().chain(self.rest_time()).min().map(|at| until(at, now));
        let sync = self.sync_by.map(|at| at.saturating_duration_since(Instant::now()));
        if self.reclaiming.is_some() && self.refusing.lock().unwrap_or_else(PoisonError::into_inner).is_none()
        {
            return Duration::ZERO;
        }
        due.into_iter().chain(sync).min().unwrap_or(LONGEST_SLEEP).min(LONGEST_SLEEP)
    }

    pub(super) fn round(&mut self, commands: Vec<Command>) {
        let now = self.clock.now();
        self.notice_jump(now);
        self.table.keys.forget_old(now);
        let (mut group, mut waiting) = (Group::default(), Waiting::default());
        for command in commands {
            self.take(command, now, &mut group, &mut waiting);
        }
        self.expire(now, &mut group);
        self.table.promote(now);
        self.serve_lessees(&mut group, &mut waiting);
        let written = self.commit(&mut group);
        self.answer(written, group, waiting);
        self.rest(now);
        self.reclaim();
        self.tell();
    }

    fn take(&mut self, command: Command, now: Timestamp, group: &mut Group, waiting: &mut Waiting) {
        match command {
            Command::Insert(jobs, answer) => waiting.inserts.push((self.insert(jobs, now, group), answer)),
            Command::Lease(ask, answer) => {
                let at = self.lessees.partition_point(|(waiting, _)| waiting.place >= ask.place);
                self.lessees.insert(at, (ask, answer));
            }
            Command::Settle(results, answer) => {
                self.settle(results, now, group);
                waiting.settles.push(answer);
            }
            Command::Know(known, answer) => {
                self.know(&known, now, group);
                waiting.settles.push(answer);
            }
            Command::Act(id, action, answer) => waiting.acts.push((self.act(id, action, now, group), answer)),
            // Needs no record: after a start they wait for the time they had.
            Command::Hurry(relay, route, answer) => {
                drop(answer.send(Ok(self.table.hurry(&relay, &route, now))))
            }
            Command::Ask(question) => waiting.questions.push(question),
            Command::Return(id, fence, true) => {
                let broken_off = Settlement {
                    finals: Vec::new(),
                    next: Next::RetryIn(Duration::ZERO),
                    attempt: None,
                    counted: true,
                    in_doubt: true,
                    only: None,
                };
                self.settle(vec![(id, fence, broken_off)], now, group);
            }
            Command::Return(id, fence, false) => {
                if self.table.get(id).is_some_and(|e| e.state == State::Leased && e.fence() == fence) {
                    self.control(Control { id, at: now, kind: ControlKind::Return }, group);
                }
            }
            Command::Unreadable(id, fence, why) => self.unreadable(id, fence, &why, now, group),
            Command::Filed(filing) => self.filed(filing, now, group),
            Command::Unfile(id, answer) => self.unfile(id, answer),
            Command::Erase(id, answer) => {
                self.control(Control { id, at: now, kind: ControlKind::Purge }, group);
                group.must_sync = true;
                waiting.records.push(answer);
            }
            Command::Poke => {}
            Command::Close(answer) => self.closing = Some(answer),
        }
    }

    fn insert(
        &mut self,
        jobs: Vec<Arriving>,
        now: Timestamp,
        group: &mut Group,
    ) -> Result<Vec<Inserted>, InsertError> {
        let mut answers = Vec::with_capacity(jobs.len());
        let mut fresh = Vec::with_capacity(jobs.len());
        for mut arriving in jobs {
            self.jumps.set_right(&mut arriving.job, now);
            let job = &arriving.job;
            match self.known(job, &fresh) {
                Some(Known::Same(id)) => answers.push(Inserted::Repeat(id)),
                Some(Known::Other(id)) => return Err(InsertError::KeyReused(id)),
                None => {
                    answers.push(Inserted::New(job.id));
                    fresh.push(arriving);
                }
            }
        }
        self.room_for(fresh.len())?;
        let mut frame = Frame::with_capacity(fresh.len());
        let mut heads = Vec::with_capacity(fresh.len());
        for Arriving { job, beside } in &fresh {
            let head = Head::of(job, *beside);
            let record = Record::Accepted(Box::new(head));
            frame.push(stored(&record, job.header.clone(), job.body.clone())?);
            if let Record::Accepted(head) = record {
                heads.push(head);
            }
        }
        if frame.is_empty() {
            return Ok(answers);
        }
        group.add_frame(frame, fresh.iter().map(|a| Use::Job(a.job.id)));
        for (arriving, head) in fresh.into_iter().zip(heads) {
            let job = &arriving.job;
            let entry = Entry::accepted(&JobFact::of(&head), NOWHERE, &mut self.table.names);
            self.table.add(job.id, entry);
            if job.due_at <= now {
                // It is ready before the round ends: nobody need hear that it was scheduled.
                self.table.changed.pop();
            }
            if let Some(key) = &job.idempotency {
                self.table.keys.keep(&job.project, key, job.id, job.created_at);
            }
            group.inserted.push((job.id, job.project.clone(), job.idempotency.clone()));
            group.fresh.insert(job.id, arriving);
        }
        group.must_sync = true;
        Ok(answers)
    }

    /// What the job's key stands for already: from an earlier call, or from this one's `before`.
    fn known(&self, job: &NewJob, before: &[Arriving]) -> Option<Known> {
        let key = job.idempotency.as_ref()?;
        let twin = before.iter().map(|a| &a.job).filter(|b| b.project == job.project).find_map(|b| {
            let other = b.idempotency.as_ref().filter(|o| o.key == key.key && o.index == key.index)?;
            Some(if other.fingerprint == key.fingerprint { Known::Same(b.id) } else { Known::Other(b.id) })
        });
        twin.or_else(|| self.table.keys.look(&job.project, key))
    }

    fn room_for(&mut self, jobs: usize) -> Result<(), InsertError> {
        if jobs == 0 {
            return Ok(());
        }
        if let Some(full) = self.settings.length.filter(|most| self.table.unsettled() + jobs > *most) {
            return Err(InsertError::Crowded(format!(
                "{full} messages are waiting, which is LENGTH; try again later"
            )));
        }
        self.journal.no_room().map_or(Ok(()), |why| Err(InsertError::Full(why)))
    }

    pub(super) fn settle(
        &mut self,
        results: Vec<(JobId, u64, Settlement)>,
        now: Timestamp,
        group: &mut Group,
    ) {
        let mut records = Vec::with_capacity(results.len());
        for (id, fence, settlement) in results {
            if self.table.get(id).is_none_or(|e| e.state != State::Leased || e.fence() != fence) {
                tracing::warn!(%id, fence, "a settlement of a lease that ended; ignored");
                continue;
            }
            let (due_at, hold) = match settlement.next {
                Next::RetryIn(wait) => (Some(later(now, wait)), None),
                Next::Hold(why) => (None, Some(why)),
            };
            let record = SettledRecord {
                id,
                at: now,
                finals: settlement.finals,
                due_at,
                hold,
                counted: settlement.counted,
                doubt: settlement.in_doubt,
                attempt: settlement.attempt,
            };
            self.table.settle(&record, None);
            if let (Some(only), Some(entry)) = (settlement.only, self.table.get_mut(id)) {
                entry.set_only(Some(only));
            }
            let what_for = if record.attempt.is_some() { Use::Attempt(id) } else { Use::Nothing };
            records.push((Record::Settled(Box::new(record)), what_for));
        }
        self.add(records, group);
    }

    pub(super) fn add(&mut self, records: Vec<(Record, Use)>, group: &mut Group) {
        if records.is_empty() {
            return;
        }
        if let Err(error) = group.add(records) {
            tracing::error!(%error, "a record cannot be encoded");
        }
    }

    pub(super) fn control(&mut self, control: Control, group: &mut Group) {
        let forgotten =
            (control.kind == ControlKind::Purge).then(|| self.table.get(control.id).cloned()).flatten();
        self.table.control(&control);
        if let Some(entry) = forgotten {
            self.forget_entry(control.id, &entry);
            self.not_to_file(control.id);
        }
        self.add(vec![(Record::Control(control), Use::Nothing)], group);
    }

    /// Nothing of its records is wanted.
    pub(super) fn forget_entry(&mut self, id: JobId, entry: &Entry) {
        if entry.beside() {
            self.to_unlink.push(id);
        }
        self.forget_records(entry);
    }

    pub(super) fn forget_records(&mut self, entry: &Entry) {
        self.journal.forget(entry.place, entry.dropped());
        for place in entry.history() {
            self.journal.forget(*place, false);
        }
    }

    fn act(
        &mut self,
        id: JobId,
        action: Action,
        now: Timestamp,
        group: &mut Group,
    ) -> Result<Status, ActError> {
        let entry = self.table.get(id).ok_or(ActError::NotFound)?;
        let before = entry.status;
        let kind =
            wanted(entry, &action, now).ok_or_else(|| ActError::TooLate(too_late(entry.status, &action)))?;
        self.control(Control { id, at: now, kind }, group);
        group.must_sync = true;
        // A purged job is gone; what it was is the last that can be said of it.
        self.table.promote(now);
        Ok(self.table.get(id).map_or(before, |e| e.status))
    }

    fn expire(&mut self, now: Timestamp, group: &mut Group) {
        for id in self.table.expired(now) {
            self.control(Control { id, at: now, kind: ControlKind::Expire }, group);
        }
    }

    /// Serves the lessees that wait: a relay that is preferred first, and of its connections the one
    /// that came last, as it is the warmest.
    fn serve_lessees(&mut self, group: &mut Group, waiting: &mut Waiting) {
        let mut still = Vec::new();
        while let Some((ask, answer)) = self.lessees.pop() {
            if answer.is_closed() {
                continue;
            }
            let picked = self.table.pick(&ask, &mut self.fence);
            if picked.is_empty() {
                still.push((ask, answer));
                continue;
            }
            let fences = picked.iter().filter_map(|id| Some((*id, self.table.get(*id)?.fence())));
            waiting.leases.push((fences.collect(), answer));
            group.leased.extend(&picked);
            group.must_sync = true;
        }
        still.reverse();
        self.lessees = still;
        if !group.leased.is_empty() {
            let record = Record::Leased(group.leased.clone());
            self.add(vec![(record, Use::Nothing)], group);
        }
    }

    /// Writes and, where an answer waits for it or it is time, syncs. On failure the round is taken back.
    pub(super) fn commit(&mut self, group: &mut Group) -> Result<(), StoreError> {
        let overdue = self.sync_by.is_some_and(|at| at <= Instant::now()) || self.closing.is_some();
        if group.frames.is_empty() && !(overdue && self.sync_by.is_some()) {
            return Ok(());
        }
        match self.write(group, overdue) {
            Ok(()) => {
                self.say(None);
                Ok(())
            }
            Err(error) => {
                group.take_back(&mut self.table);
                // What is applied and not an insert or a lease stays applied and is written again.
                Err(self.failed(&error))
            }
        }
    }

    /// A write or sync failed: its segment is given up, nothing is accepted until a new one was synced.
    pub(super) fn failed(&mut self, error: &std::io::Error) -> StoreError {
        let text = format!("the queue cannot write: {error}");
        tracing::error!("{text}");
        self.journal.give_up_unsynced();
        self.say(Some(text.clone()));
        self.sync_by = Some(Instant::now() + RETRY_WRITE);
        StoreError::Io(text)
    }

    fn write(&mut self, group: &mut Group, overdue: bool) -> std::io::Result<()> {
        let wrote = self.append(group);
        self.unsynced.extend(lasting(&group.frames));
        wrote?;
        if group.must_sync || overdue {
            self.sync()?;
        } else if self.sync_by.is_none() {
            self.sync_by = Some(Instant::now() + LAZY_SYNC);
        }
        Ok(())
    }

    fn append(&mut self, group: &mut Group) -> std::io::Result<()> {
        let given_up = self.refusing.lock().unwrap_or_else(PoisonError::into_inner).is_some();
        if given_up && !self.unsynced.is_empty() {
            // Their first copies went with the segment that was given up.
            for place in self.journal.append(&self.unsynced)? {
                self.journal.forget(place, false);
            }
        }
        if group.frames.is_empty() { Ok(()) } else { group.write(&mut self.journal, &mut self.table) }
    }

    pub(super) fn sync(&mut self) -> std::io::Result<()> {
        self.journal.sync()?;
        self.syncs += 1;
        self.unsynced.clear();
        self.sync_by = None;
        if let Some(bodies) = self.bodies.as_ref().filter(|_| !self.to_unlink.is_empty()) {
            bodies.remove(self.to_unlink.drain(..));
        }
        Ok(())
    }

    fn say(&self, why: Option<String>) {
        *self.refusing.lock().unwrap_or_else(PoisonError::into_inner) = why;
    }

    fn answer(&mut self, written: Result<(), StoreError>, group: Group, waiting: Waiting) {
        self.accepted += group.inserted.len() as u64;
        self.tell();
        let refused = |e: &StoreError| InsertError::Store(e.clone());
        for (result, answer) in waiting.inserts {
            let result = written.as_ref().map_err(refused).and(result);
            drop(answer.send(result));
        }
        for answer in waiting.settles {
            drop(answer.send(Ok(())));
        }
        for (result, answer) in waiting.acts {
            let not_on_record = |e: &StoreError| ActError::Store(e.clone());
            drop(answer.send(result.and_then(|s| written.as_ref().map(|()| s).map_err(not_on_record))));
        }
        for answer in waiting.records {
            drop(answer.send(written.clone()));
        }
        for (picked, answer) in waiting.leases {
            match &written {
                Ok(()) => self.hand_over(picked, &group, answer),
                Err(error) => drop(answer.send(Err(error.clone()))),
            }
        }
        for question in waiting.questions {
            self.reply(question);
        }
    }

    fn tell(&mut self) {
        for change in self.table.changed.drain(..) {
            // Nobody listening is no failure.
            drop(self.changes.send(change));
        }
    }
}

/// A record not yet written stands nowhere.
pub(crate) const NOWHERE: Place = Place { segment: u32::MAX, at: u32::MAX, octets: 0 };

/// Frames that stay true when the round fails: all but inserts and leases.
fn lasting(frames: &[Frame]) -> Vec<Frame> {
    let of_this_round = |kind: u8| matches!(kind, 1 | 2 | 7);
    frames.iter().filter(|f| !f.iter().any(|r| of_this_round(r.kind))).cloned().collect()
}

/// What an action means for a job as it stands; `None`: it does not apply.
pub(crate) fn wanted(entry: &Entry, action: &Action, now: Timestamp) -> Option<ControlKind> {
    let waits = matches!(entry.state, State::Scheduled | State::Ready | State::Deferred);
    let held = entry.state == State::Held;
    let refused =
        entry.recipients().iter().any(|r| matches!(r, RecipientState::Failed | RecipientState::Expired));
    match action {
        Action::Cancel => (waits || held).then_some(ControlKind::Cancel),
        Action::Retry if entry.is_final() => {
            let lifetime = entry.expires_at().duration_since(entry.created_at());
            let expires_at = now.checked_add(lifetime).unwrap_or(Timestamp::MAX);
            (refused && entry.bytes()).then_some(ControlKind::Retry { expires_at })
        }
        Action::Retry => {
            let soon = matches!(entry.state, State::Scheduled | State::Deferred);
            soon.then_some(ControlKind::Retry { expires_at: entry.expires_at() })
        }
        Action::Hold(why) => waits.then(|| ControlKind::Hold(why.clone())),
        Action::Release => held.then_some(ControlKind::Release),
        Action::Reschedule(at) => (entry.state == State::Scheduled).then_some(ControlKind::Reschedule(*at)),
        Action::Purge => entry.is_final().then_some(ControlKind::Purge),
    }
}

/// What is said of an action that does not apply.
pub(crate) fn too_late(status: Status, action: &Action) -> String {
    let verb = match action {
        Action::Cancel => "cancelled",
        Action::Retry => "retried",
        Action::Hold(_) => "held",
        Action::Release => "released",
        Action::Reschedule(_) => "rescheduled",
        Action::Purge => "purged",
    };
    format!("the message is {}; it cannot be {verb}", status.word())
}
