//! Leases: jobs handed over, and the guard that brings a job back when it is dropped unsettled.

use super::group::Group;
use super::round::Picked;
use super::{Answer, Arriving, Command, Half, Handed, Leases, Works};
use crate::journal::Journal;
use crate::record::{Control, ControlKind, Head};
use crate::settlement::{Next, Settlement};
use crate::standing::Unreadable;
use crate::store::Job;
use crate::table::Entry;
use crate::{JobId, State};
use bytes::Bytes;
use jiff::Timestamp;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::Duration;

/// Where a lease came from, and goes back to.
pub(crate) trait Home: Send + Sync {
    /// The lease was dropped unsettled; `begun`: with its mail in a sender's hands.
    fn give_back(&self, id: JobId, fence: u64, begun: bool);

    /// Whether the lease still counts.
    fn holds(&self, _id: JobId, _fence: u64) -> bool {
        true
    }
}

impl Home for Sender<Command> {
    fn give_back(&self, id: JobId, fence: u64, begun: bool) {
        // A closed engine has forgotten its leases; the log has not.
        drop(self.send(Command::Return(id, fence, begun)));
    }
}

/// Returns the job when dropped, unless the lease was settled.
pub(crate) struct Guard {
    id: JobId,
    fence: u64,
    home: Option<Arc<dyn Home>>,
    begun: Arc<AtomicBool>,
}

impl std::fmt::Debug for Guard {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Guard").field("id", &self.id).field("fence", &self.fence).finish_non_exhaustive()
    }
}

/// Says that a leased mail went into a sender's hands: from then on a lease that is dropped leaves
/// the mark of a possible duplicate.
#[derive(Clone)]
pub struct Begun {
    flag: Arc<AtomicBool>,
    home: Option<Arc<dyn Home>>,
    id: JobId,
    fence: u64,
}

impl std::fmt::Debug for Begun {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Begun").field(&self.flag).finish()
    }
}

impl Begun {
    /// To be asked before each mail: whether the lease still counts. One that ended may be somebody else's already,
    /// and its mail must not be sent.
    pub fn may(&self) -> bool {
        self.home.as_ref().is_some_and(|home| home.holds(self.id, self.fence))
    }

    pub fn set(&self) {
        self.flag.store(true, Ordering::Release);
    }
}

impl Guard {
    pub(crate) fn new(id: JobId, fence: u64, home: Arc<dyn Home>) -> Self {
        Self { id, fence, home: Some(home), begun: Arc::default() }
    }

    pub(crate) fn begun(&self) -> Begun {
        Begun { flag: self.begun.clone(), home: self.home.clone(), id: self.id, fence: self.fence }
    }

    /// Ends the guard; id and fence go into the settlement.
    pub(crate) fn release(mut self) -> (JobId, u64) {
        self.home = None;
        (self.id, self.fence)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(home) = self.home.take() {
            home.give_back(self.id, self.fence, self.begun.load(Ordering::Acquire));
        }
    }
}

/// A message that the disk will not read now is looked at again after this long.
const READ_AGAIN: Duration = Duration::from_secs(60);

impl<J: Journal> Works<J> {
    /// Leases that are on record go to whoever asked; big bodies are read over there.
    pub(super) fn hand_over(&mut self, picked: Picked, group: &Group, answer: Answer<Leases>) {
        let mut leases = Vec::with_capacity(picked.len());
        let home: Arc<dyn Home> = Arc::new(self.back.clone());
        for (id, fence) in picked {
            let guard = Guard::new(id, fence, home.clone());
            match self.half(id, group) {
                Ok(job) => leases.push(Handed { guard, job }),
                Err(why) => {
                    let (id, fence) = guard.release();
                    let mut group = Group::default();
                    self.unreadable(id, fence, &why, self.clock.now(), &mut group);
                    if let Err(error) = self.commit(&mut group) {
                        tracing::error!(%id, %error, "could not be recorded");
                    }
                }
            }
        }
        // A lessee that went away drops its leases here, and each comes back by its guard.
        drop(answer.send(Ok(leases)));
    }

    fn half(&self, id: JobId, group: &Group) -> Result<Half, Unreadable> {
        let entry = self.table.get(id).ok_or(Unreadable::Ever("no such job".into()))?;
        if let Some(Arriving { job: new, beside: None }) = group.fresh.get(&id) {
            let head = Head::of(new, None);
            return Ok(Half::Whole(Box::new(job(entry, &head, new.header.clone(), new.body.clone()))));
        }
        let standing = self.standing(id, entry);
        if entry.beside() {
            return Ok(Half::Beside(Box::new(standing)));
        }
        let (head, _, header, body) = standing.read_all()?;
        Ok(Half::Whole(Box::new(job(entry, &head, header, body))))
    }

    /// A leased message that cannot be read: it waits a minute, or is given up, visibly.
    pub(super) fn unreadable(
        &mut self,
        id: JobId,
        fence: u64,
        why: &Unreadable,
        now: Timestamp,
        group: &mut Group,
    ) {
        if self.table.get(id).is_none_or(|e| e.state != State::Leased || e.fence() != fence) {
            return;
        }
        match why {
            Unreadable::Now(why) => {
                tracing::error!(%id, "a stored message cannot be read now: {why}");
                let again = Settlement {
                    finals: Vec::new(),
                    next: Next::RetryIn(READ_AGAIN),
                    attempt: None,
                    counted: false,
                    in_doubt: false,
                    only: None,
                };
                self.settle(vec![(id, fence, again)], now, group);
            }
            Unreadable::Ever(why) => {
                tracing::error!(%id, "a stored message is damaged: {why}");
                self.corrupt += 1;
                let kind = ControlKind::Broken(format!("the stored message is damaged: {why}"));
                self.control(Control { id, at: now, kind }, group);
            }
        }
    }
}

/// What a worker needs of a job.
pub(crate) fn job(entry: &Entry, head: &Head, header: Bytes, body: Bytes) -> Job {
    Job {
        id: head.id,
        project: head.project.clone(),
        envelope: head.envelope.clone(),
        open: entry.open(),
        header,
        body,
        meta: Arc::new(head.meta.clone()),
        created_at: head.created_at,
        expires_at: entry.expires_at(),
        priority: entry.priority,
        attempts: entry.attempts(),
        possible_duplicate: entry.doubt(),
        route: head.route.clone(),
        pinned: entry.only().is_some(),
        eight_bit: head.eight_bit,
        utf8_header: head.utf8_header,
    }
}
