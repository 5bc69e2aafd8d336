//! What really happened, as the relays know it: each mail that went into a sender's hands, who took it for
//! whom, and what the worker was told. And the run's log and faults.

use super::clock::SimulatedClock;
use super::{Ran, script::Mode};
use queue::JobId;
use send::{Mail, RecipientOutcome};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};

/// One mail in a sender's hands.
pub(crate) struct Handed {
    pub(crate) job: JobId,
    pub(crate) relay: &'static str,
    pub(crate) to: Vec<String>,
    /// Whether the relay took it, for each recipient.
    pub(crate) took: Vec<bool>,
    /// What the worker heard; `None`: nothing.
    pub(crate) told: Option<Vec<RecipientOutcome>>,
}

impl Handed {
    /// What the worker heard of one recipient.
    fn told_of(&self, place: usize) -> Option<&RecipientOutcome> {
        self.told.as_ref()?.get(place)
    }

    /// Whether what became of the mail is unknown for some recipient.
    pub(crate) fn in_doubt(&self) -> bool {
        (0..self.to.len()).any(|n| matches!(self.told_of(n), None | Some(RecipientOutcome::Unknown(_))))
    }

    /// What became of a recipient, if it was one: whether the mail was taken, and what was told.
    pub(crate) fn of(&self, to: &str) -> Option<(bool, Option<&RecipientOutcome>)> {
        let place = self.to.iter().position(|t| t == to)?;
        Some((self.took[place], self.told_of(place)))
    }
}

#[derive(Default)]
pub(crate) struct Pages {
    pub(crate) handed: Vec<Handed>,
    pub(crate) modes: BTreeMap<&'static str, Mode>,
    /// Jobs that an operator had tried before their time.
    pub(crate) hurried: BTreeSet<JobId>,
    log: Vec<String>,
    faults: Vec<String>,
}

pub(crate) struct Book {
    clock: Arc<SimulatedClock>,
    pages: Mutex<Pages>,
}

impl Book {
    pub(crate) fn new(clock: &Arc<SimulatedClock>) -> Self {
        Self { clock: clock.clone(), pages: Mutex::default() }
    }

    pub(crate) fn pages(&self) -> MutexGuard<'_, Pages> {
        self.pages.lock().unwrap()
    }

    pub(crate) fn note(&self, what: &str) {
        let line = format!("{:>12?} {what}", self.clock.passed());
        self.pages().log.push(line);
    }

    pub(crate) fn fault(&self, what: &str) {
        self.note(&format!("FAULT {what}"));
        self.pages().faults.push(what.into());
    }

    /// A mail goes into a sender's hands; returns its number.
    pub(crate) fn hand(&self, relay: &'static str, mail: &Mail) -> usize {
        let job = job_of(mail);
        let to: Vec<String> = mail.to.iter().map(|r| r.address.to_string()).collect();
        self.note(&format!("{relay} is given {job} for {to:?}"));
        let mut again = None;
        let mut pages = self.pages();
        for before in pages.handed.iter().filter(|h| h.job == job) {
            let had = |to: &&String| matches!(before.of(to), Some((_, Some(RecipientOutcome::Accepted(_)))));
            again = again.or_else(|| to.iter().find(had).cloned());
        }
        let took = vec![false; to.len()];
        pages.handed.push(Handed { job, relay, to, took, told: None });
        let number = pages.handed.len() - 1;
        drop(pages);
        if let Some(to) = again {
            self.fault(&format!("{job} was taken for {to}, said so, and is sent again"));
        }
        number
    }

    pub(crate) fn take(&self, number: usize, takes: &[bool]) {
        self.pages().handed[number].took = takes.to_vec();
        self.note(&format!("mail {number} is taken: {takes:?}"));
    }

    pub(crate) fn tell(&self, number: usize, outcomes: &[RecipientOutcome]) {
        self.pages().handed[number].told = Some(outcomes.to_vec());
        self.note(&format!("mail {number} is answered: {outcomes:?}"));
    }

    pub(crate) fn end(&self) -> Ran {
        let pages = std::mem::take(&mut *self.pages());
        Ran { log: pages.log, faults: pages.faults }
    }
}

/// The job, named in the mail's Subject.
pub(crate) fn job_of(mail: &Mail) -> JobId {
    let header = std::str::from_utf8(&mail.header).unwrap();
    header.trim_end().strip_prefix("Subject: ").unwrap().parse().unwrap()
}
