//! The engine: one thread that owns table and journal. Commands come by channel, answers by oneshot.
//!
//! A round takes every command that waits, lays their records out as one group, writes it with one
//! sync, and only then answers. Lessees that wait are served in the same round, so that a mail which
//! finds a free connection costs one sync in all. Before the sync nothing leaves this thread; when it
//! fails, what the round had changed is taken back.

mod group;
mod jump;
mod know;
mod lease;
mod question;
mod reclaim;
mod rest;
mod round;
mod step;

pub(crate) use know::vanished;
pub use lease::Begun;
pub(crate) use lease::{Guard, Home, job};
pub(crate) use question::{Glance, later};
pub(crate) use round::{NOWHERE, too_late, wanted};

use crate::Status;
use crate::clock::Clock;
use crate::disk::Bodies;
use crate::error::{ActError, ContentError, InsertError, StoreError};
use crate::history::{Filer, Filing, History};
use crate::job::{Inserted, JobId, NewJob};
use crate::journal::{Handle, Journal};
use crate::record::Beside;
use crate::settings::StoreSettings;
use crate::settlement::Settlement;
use crate::standing::{Standing, Unreadable};
use crate::store::{Change, Job, KnownRelays, LeaseAsk};
use crate::table::Table;
use crate::view::{Action, Filter, Stats};
use jiff::Timestamp;
use rest::{Desk, Rest};
use std::collections::BTreeSet;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, broadcast, oneshot};

/// Where an answer goes.
type Answer<T> = oneshot::Sender<T>;
type Inserts = Result<Vec<Inserted>, InsertError>;
type Leases = Result<Vec<Handed>, StoreError>;
type Acted = Result<Status, ActError>;

/// A job to be stored; `beside`: its body is in a file already, and empty here.
#[derive(Debug, Clone)]
pub(crate) struct Arriving {
    pub(crate) job: NewJob,
    pub(crate) beside: Option<Beside>,
}

/// A lease and its job; a big body is to be read yet.
pub(crate) struct Handed {
    pub(crate) guard: Guard,
    pub(crate) job: Half,
}

/// A leased job, as far as the engine's thread reads it.
pub(crate) enum Half {
    Whole(Box<Job>),
    Beside(Box<Standing>),
}

/// What the engine is asked.
pub(crate) enum Command {
    Insert(Vec<Arriving>, Answer<Inserts>),
    Lease(LeaseAsk, Answer<Leases>),
    Settle(Vec<(JobId, u64, Settlement)>, Answer<Result<(), StoreError>>),
    Know(KnownRelays, Answer<Result<(), StoreError>>),
    Act(JobId, Action, Answer<Acted>),
    /// A relay, and its route.
    Hurry(Arc<str>, Arc<str>, Answer<Result<u64, StoreError>>),
    Ask(Question),
    /// A leased job's record or body cannot be read.
    Unreadable(JobId, u64, Unreadable),
    /// The filer put jobs into history, or could not.
    Filed(Filing),
    /// Takes a job out of history.
    Unfile(JobId, Answer<Result<Option<Status>, StoreError>>),
    /// Records that a job of history was purged.
    Erase(JobId, Answer<Result<(), StoreError>>),
    /// A lease was dropped unsettled; `true`: with its mail in a sender's hands.
    Return(JobId, u64, bool),
    /// Look at the clock.
    Poke,
    Close(Answer<Result<(), StoreError>>),
}

/// What changes nothing.
pub(crate) enum Question {
    Get(JobId, Answer<Result<Option<Standing>, StoreError>>),
    /// Jobs of this project and status, after one of them, at most so many.
    List(Box<Filter>, Option<JobId>, usize, Answer<Result<Glance, StoreError>>),
    Content(JobId, Answer<Result<Handle, ContentError>>),
    Stats(Answer<Result<Stats, StoreError>>),
}

/// The way to the engine; cheap to clone. The thread ends at `Close`, or when the last is dropped.
#[derive(Clone)]
pub(crate) struct Engine {
    commands: Arc<Way>,
    /// With no thread: to be called after each command.
    step: Option<Arc<step::Step>>,
    changes: broadcast::Sender<Change>,
    refusing: Arc<Mutex<Option<String>>>,
    durable: bool,
    big_body: usize,
    /// A permit per KiB of big bodies that may be in memory.
    room: Arc<Semaphore>,
    room_in_all: u32,
    history: Option<History>,
    /// Where big bodies stand.
    bodies: Option<Arc<Bodies>>,
}

impl std::fmt::Debug for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Engine").field("durable", &self.durable).finish_non_exhaustive()
    }
}

/// The last one to go closes the engine; leases and the thread itself do not count.
struct Way(Sender<Command>);

impl Drop for Way {
    fn drop(&mut self) {
        let (answer, _) = oneshot::channel();
        // An engine that is closed already does not mind.
        drop(self.0.send(Command::Close(answer)));
    }
}

/// Changes a slow listener may lag behind.
const CHANGES: usize = 4096;

/// The thread's own: everything it works on.
struct Works<J> {
    journal: J,
    table: Table,
    settings: StoreSettings,
    clock: Arc<dyn Clock>,
    commands: Receiver<Command>,
    /// For leases, so that a dropped one comes back.
    back: Sender<Command>,
    changes: broadcast::Sender<Change>,
    refusing: Arc<Mutex<Option<String>>>,
    lessees: Vec<(LeaseAsk, Answer<Leases>)>,
    fence: u64,
    /// Frames applied but not synced; written again when their segment is given up.
    unsynced: Vec<crate::journal::Frame>,
    /// When `unsynced` must be synced at the latest.
    sync_by: Option<std::time::Instant>,
    reclaiming: Option<reclaim::Reclaiming>,
    /// Not to be tried before.
    reclaim_after: Option<std::time::Instant>,
    /// A damaged job was met in it.
    damaged_here: bool,
    /// Done jobs that are still needed for a while, by the end of it.
    resting: BTreeSet<(Timestamp, JobId)>,
    rest: Rest,
    filed: u64,
    bodies: Option<Arc<Bodies>>,
    /// Bodies that go once what ended their jobs is synced.
    to_unlink: Vec<JobId>,
    syncs: u64,
    accepted: u64,
    corrupt: u64,
    closing: Option<Answer<Result<(), StoreError>>>,
    jumps: jump::Jumps,
}

impl Engine {
    /// Starts the thread over a table that was read from the journal.
    pub(crate) fn start<J: Journal>(
        journal: J,
        table: Table,
        corrupt: u64,
        settings: StoreSettings,
        clock: Arc<dyn Clock>,
        history: History,
        bodies: Arc<Bodies>,
    ) -> Result<Self, StoreError> {
        let (mut engine, mut works) = Self::build(journal, table, corrupt, settings, clock);
        let back = works.back.clone();
        let filer = Filer::start(history.clone(), move |filing| drop(back.send(Command::Filed(filing))))
            .map_err(|e| StoreError::Io(format!("the thread of history cannot start: {e}")))?;
        works.rest = Rest::Filed(Desk::new(filer, history.clone()));
        works.bodies = Some(bodies.clone());
        (engine.history, engine.bodies) = (Some(history), Some(bodies));
        std::thread::Builder::new()
            .name("queue".into())
            .spawn(move || works.run())
            .map_err(|e| StoreError::Io(format!("the queue's thread cannot start: {e}")))?;
        Ok(engine)
    }

    /// As `start`, over nothing; without a thread to be had, an engine that answers `Closed`.
    pub(crate) fn start_or_closed<J: Journal>(
        journal: J,
        settings: StoreSettings,
        clock: Arc<dyn Clock>,
    ) -> Self {
        let (engine, works) = Self::build(journal, Table::default(), 0, settings, clock);
        if let Err(error) = std::thread::Builder::new().name("queue".into()).spawn(move || works.run()) {
            tracing::error!(%error, "the queue's thread cannot start");
        }
        engine
    }

    fn build<J: Journal>(
        journal: J,
        table: Table,
        corrupt: u64,
        settings: StoreSettings,
        clock: Arc<dyn Clock>,
    ) -> (Self, Works<J>) {
        let (commands, receiver) = channel();
        let changes = broadcast::Sender::new(CHANGES);
        let refusing = Arc::new(Mutex::new(None));
        let engine = Self {
            commands: Arc::new(Way(commands.clone())),
            step: None,
            changes: changes.clone(),
            refusing: refusing.clone(),
            durable: journal.durable(),
            big_body: settings.big_body,
            room: Arc::new(Semaphore::new((settings.bodies_in_memory >> 10).max(1) as usize)),
            room_in_all: (settings.bodies_in_memory >> 10).max(1),
            history: None,
            bodies: None,
        };
        let mut works = Works {
            journal,
            table,
            settings,
            clock,
            commands: receiver,
            back: commands,
            changes,
            refusing,
            lessees: Vec::new(),
            fence: 0,
            unsynced: Vec::new(),
            sync_by: None,
            reclaiming: None,
            reclaim_after: None,
            damaged_here: false,
            resting: BTreeSet::new(),
            rest: Rest::default(),
            filed: 0,
            bodies: None,
            to_unlink: Vec::new(),
            syncs: 0,
            accepted: 0,
            corrupt,
            closing: None,
            jumps: jump::Jumps::default(),
        };
        works.notice_jump(works.clock.now());
        (engine, works)
    }

    /// Sends a command and waits for its answer; `closed` is the answer of an engine that is gone.
    pub(crate) async fn ask<T>(
        &self,
        command: impl FnOnce(Answer<T>) -> Command,
        closed: impl FnOnce() -> T,
    ) -> T {
        let (answer, answered) = oneshot::channel();
        if self.commands.0.send(command(answer)).is_err() {
            return closed();
        }
        self.step();
        answered.await.unwrap_or_else(|_| closed())
    }

    pub(crate) fn poke(&self) {
        // A closed engine has nothing to look at.
        drop(self.commands.0.send(Command::Poke));
        self.step();
    }

    pub(crate) fn history(&self) -> Option<&History> {
        self.history.as_ref()
    }

    pub(crate) fn bodies(&self) -> Option<&Arc<Bodies>> {
        self.bodies.as_ref()
    }

    pub(crate) fn is_big(&self, octets: usize) -> bool {
        octets > self.big_body
    }

    /// Waits until a body of so many octets may be in memory; never longer than until nothing else is.
    pub(crate) async fn room(&self, octets: u64) -> Option<OwnedSemaphorePermit> {
        let wanted = u32::try_from(octets >> 10).unwrap_or(u32::MAX).clamp(1, self.room_in_all);
        self.room.clone().acquire_many_owned(wanted).await.ok()
    }

    /// Says that a leased job cannot be read; its lease ends.
    pub(crate) fn unreadable(&self, guard: Guard, why: Unreadable) {
        let (id, fence) = guard.release();
        drop(self.commands.0.send(Command::Unreadable(id, fence, why)));
    }

    /// Takes a job out of history; says what it was.
    pub(crate) async fn erase(&self, id: JobId) -> Result<Option<Status>, StoreError> {
        let was = self.ask(|a| Command::Unfile(id, a), || Err(StoreError::Closed)).await?;
        if was.is_some() {
            self.ask(|a| Command::Erase(id, a), || Err(StoreError::Closed)).await?;
        }
        Ok(was)
    }

    pub(crate) fn changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    pub(crate) fn durable(&self) -> bool {
        self.durable
    }

    pub(crate) fn refusing(&self) -> Option<String> {
        self.refusing.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[cfg(test)]
mod tests;
