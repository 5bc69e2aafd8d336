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

/// Returns the job when dropped, unless the lease was settled.
#[derive(Debug)]
pub(crate) struct Guard {
    id: JobId,
    fence: u64,
    back: Option<Sender<Command>>,
    begun: Arc<AtomicBool>,
}

/// Says that a leased mail went into a sender's hands: from then on a lease that is dropped leaves
/// the mark of a possible duplicate.
#[derive(Debug, Clone)]
pub struct Begun(Arc<AtomicBool>);

impl Begun {
    pub fn set(&self) {
        self.0.store(true, Ordering::Release);
    }
}

impl Guard {
    pub(super) fn new(id: JobId, fence: u64, back: Sender<Command>) -> Self {
        Self { id, fence, back: Some(back), begun: Arc::default() }
    }

    pub(crate) fn begun(&self) -> Begun {
        Begun(self.begun.clone())
    }

    /// Ends the guard; id and fence go into the settlement.
    pub(crate) fn release(mut self) -> (JobId, u64) {
        self.back = None;
        (self.id, self.fence)
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        if let Some(back) = self.back.take() {
            // A closed engine has forgotten its leases; the log has not.
            drop(back.send(Command::Return(self.id, self.fence, self.begun.load(Ordering::Acquire))));
        }
    }
}

/// A message that the disk will not read now is looked at again after this long.
const READ_AGAIN: Duration = Duration::from_secs(60);

impl<J: Journal> Works<J> {
    /// Leases that are on record go to whoever asked; big bodies are read over there.
    pub(super) fn hand_over(&mut self, picked: Picked, group: &Group, answer: Answer<Leases>) {
        let mut leases = Vec::with_capacity(picked.len());
        for (id, fence) in picked {
            let guard = Guard::new(id, fence, self.back.clone());
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
