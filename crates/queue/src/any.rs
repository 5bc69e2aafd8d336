//! The stores behind one type.

use crate::engine::{Command, Engine, Question};
use crate::history::History;
use crate::journal::{Journal, Place};
use crate::listing;
use crate::memory::MemoryJournal;
use crate::record::{ControlKind, Fact, JobFact};
use crate::table::{Entry, Table};
use crate::{
    ActError, Action, Change, Clock, Content, ContentError, Filter, InsertError, Inserted, JobId, JobView,
    KnownRelays, Lease, LeaseAsk, NewJob, OpenReport, Page, RedisStore, Settlement, State, Stats, Status,
    Store, StoreError, StoreSettings,
};
use crate::{bodies, disk, future};
use jiff::Timestamp;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::broadcast;

/// One of the stores. Doors and workers take this, so that they need no type parameter (ADR 11).
#[derive(Debug, Clone)]
pub enum AnyStore {
    Disk(DiskStore),
    Memory(MemoryStore),
    Redis(RedisStore),
}

/// Who does a store's work. What Redis does is boxed: its calls would make every caller's larger.
enum Works<'a> {
    Here(&'a Engine),
    Redis(&'a RedisStore),
}

/// Survives whatever dies (`[queue] TYPE = level`).
#[derive(Debug, Clone)]
pub struct DiskStore(Engine);

/// Lives and dies with the process (`[queue] TYPE = channel`).
#[derive(Debug, Clone)]
pub struct MemoryStore(Engine);

impl AnyStore {
    /// Opens the disk store in a folder, which is made if it is not there.
    ///
    /// # Errors
    /// `Owned`: another process has the folder. `Format`: a newer version wrote it; nothing was
    /// touched. `Io`: with the path.
    pub fn open_disk(
        folder: &Path,
        settings: StoreSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<(Self, OpenReport), StoreError> {
        Self::open_disk_with(folder, settings, clock, Box::new(disk::Disk))
    }

    /// What this node shares with others; `None`: it is alone.
    pub fn shared(&self) -> Option<&RedisStore> {
        match self {
            Self::Redis(store) => Some(store),
            Self::Disk(_) | Self::Memory(_) => None,
        }
    }

    /// Jobs that still have something to do in the disk store of a folder that is not to be used as one:
    /// nobody would deliver them.
    ///
    /// # Errors
    /// As `open_disk`.
    pub fn waiting_on_disk(folder: &Path) -> Result<u64, StoreError> {
        let any = std::fs::read_dir(folder.join("log")).is_ok_and(|mut files| files.next().is_some());
        if !any {
            return Ok(0);
        }
        let read = read(folder, &StoreSettings::default(), Box::new(disk::Disk), Timestamp::MAX)?;
        Ok(read.table.unsettled() as u64)
    }

    pub(crate) fn open_disk_with(
        folder: &Path,
        settings: StoreSettings,
        clock: Arc<dyn Clock>,
        files: Box<dyn disk::Files>,
    ) -> Result<(Self, OpenReport), StoreError> {
        let Read { mut table, mut opened, history, spent } = read(folder, &settings, files, clock.now())?;
        for place in spent {
            opened.journal.forget(place, false);
        }
        let at_bodies =
            |e: std::io::Error| StoreError::Io(format!("{}: {e}", folder.join("bodies").display()));
        let big = disk::Bodies::open(folder, settings.space_floor).map_err(at_bodies)?;
        let orphans = big.remove_others(&table.with_body_beside()).map_err(at_bodies)?;
        let report = OpenReport {
            orphans,
            possible_duplicates: table.recover_leases(),
            unsettled: table.unsettled() as u64,
            torn: opened.torn,
            corrupt: opened.corrupt,
        };
        // Now, and not with the first call that waits for it.
        table.promote(clock.now());
        table.changed.clear();
        let engine =
            Engine::start(opened.journal, table, opened.corrupt, settings, clock, history, Arc::new(big))?;
        Ok((Self::Disk(DiskStore(engine)), report))
    }

    /// A store in memory.
    ///
    /// # Panics
    /// Never; a system that gives no thread gives a store that is closed.
    pub fn memory(settings: StoreSettings, clock: Arc<dyn Clock>) -> Self {
        Self::Memory(MemoryStore(Engine::start_or_closed(MemoryJournal::default(), settings, clock)))
    }

    /// A store in memory without a thread: each call does its work at once, in turn, in its caller's thread. For
    /// simulations, as the same calls make the same run. Time that passed and leases that were dropped are noticed
    /// at the next call or `poke`.
    pub fn memory_in_step(settings: StoreSettings, clock: Arc<dyn Clock>) -> Self {
        Self::Memory(MemoryStore(Engine::in_step(MemoryJournal::default(), settings, clock)))
    }

    fn works(&self) -> Works<'_> {
        match self {
            Self::Disk(DiskStore(engine)) | Self::Memory(MemoryStore(engine)) => Works::Here(engine),
            Self::Redis(redis) => Works::Redis(redis),
        }
    }

    /// What an operator should know of how safely mail is kept, one sentence each. They name no place and no
    /// secret.
    pub fn warnings(&self) -> Vec<String> {
        match self {
            Self::Disk(_) => Vec::new(),
            Self::Memory(_) => {
                vec!["mail is kept in memory: what waits is lost when the process ends".into()]
            }
            Self::Redis(redis) => redis.worth().warnings.clone(),
        }
    }

    #[cfg(test)]
    pub(crate) fn engine(&self) -> &Engine {
        match self.works() {
            Works::Here(engine) => engine,
            Works::Redis(_) => panic!("a store with an engine of its own"),
        }
    }

    /// Makes the store look at its clock: after a manual one was moved.
    pub fn poke(&self) {
        match self.works() {
            Works::Here(engine) => engine.poke(),
            Works::Redis(redis) => redis.poke(),
        }
    }
}

/// A log that was read into a table.
struct Read {
    table: Table,
    opened: disk::Opened,
    history: History,
    /// Records that nothing needs any more.
    spent: Vec<Place>,
}

/// `now`: what claims to be later was written by a clock that was ahead.
fn read(
    folder: &Path,
    settings: &StoreSettings,
    files: Box<dyn disk::Files>,
    now: Timestamp,
) -> Result<Read, StoreError> {
    let mut table = Table::default();
    let mut spent = Vec::new();
    let in_history = |error: std::io::Error| {
        StoreError::Io(format!("the folder {}: {error}", folder.join("history").display()))
    };
    let history = std::cell::OnceCell::new();
    let opened = disk::open(folder, settings, files, |place, fact| {
        // Only now is it sure that the folder is ours.
        let history = history.get_or_init(|| History::open(folder));
        spent.extend(replay(&mut table, history.as_ref().ok(), place, future::tame(fact, now)));
    })?;
    let history = history.into_inner().unwrap_or_else(|| History::open(folder)).map_err(in_history)?;
    Ok(Read { table, opened, history, spent })
}

/// Applies one record of the log; returns places that nothing needs any more.
fn replay(table: &mut Table, history: Option<&History>, place: Place, fact: Fact<'_>) -> Vec<Place> {
    // Nobody listens yet.
    table.changed.clear();
    match fact {
        Fact::Accepted(job) => {
            keep_key(table, &job);
            let entry = Entry::accepted(&job, place, &mut table.names);
            table.add(job.id, entry);
            Vec::new()
        }
        Fact::Snapshot(job, progress) => {
            keep_key(table, &job);
            let before = table.remove(job.id);
            let entry = Entry::snapshot(&job, &progress, place, &mut table.names);
            table.add(job.id, entry);
            before.iter().flat_map(Entry::places).collect()
        }
        Fact::Leased(ids) => {
            for id in ids {
                table.leased(id);
            }
            vec![place]
        }
        Fact::Settled(settled) => {
            // Its `Leased` may be damaged: that it was leased is said by the settlement itself.
            if table.get(settled.id).is_some_and(|e| !e.is_final() && e.state != State::Leased) {
                table.leased(settled.id);
            }
            let kept = settled.attempt.is_some() && table.get(settled.id).is_some();
            table.settle(&settled, kept.then_some(place));
            if kept { Vec::new() } else { vec![place] }
        }
        Fact::Filed(filed) => {
            let there = history.is_some_and(|h| h.has(&filed));
            let ids = filed.ids.into_iter().filter(|id| there && table.get(*id).is_some_and(Entry::is_final));
            let left: Vec<Entry> =
                ids.collect::<Vec<_>>().into_iter().filter_map(|id| table.remove(id)).collect();
            let places = left.iter().flat_map(Entry::places);
            places.chain([place]).collect()
        }
        Fact::Control(control) => {
            let gone = (control.kind == ControlKind::Purge).then(|| table.get(control.id).cloned());
            if !matches!(control.kind, ControlKind::Return | ControlKind::Broken(_)) {
                table.crashed(control.id);
            }
            table.control(&control);
            gone.flatten().iter().flat_map(Entry::places).chain([place]).collect()
        }
    }
}

fn keep_key(table: &mut Table, job: &JobFact<'_>) {
    if let Some(key) = &job.idempotency {
        let project = table.names.number(job.project);
        table.keys.keep(table.names.name(project), key, job.id, job.created_at);
    }
}

const fn closed<T>() -> Result<T, StoreError> {
    Err(StoreError::Closed)
}

impl Store for AnyStore {
    async fn insert(&self, jobs: Vec<NewJob>) -> Result<Vec<Inserted>, InsertError> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        match self.works() {
            Works::Here(engine) => bodies::insert(engine, jobs).await,
            Works::Redis(redis) => Box::pin(redis.insert(jobs)).await,
        }
    }

    async fn lease(&self, ask: LeaseAsk) -> Result<Vec<Lease>, StoreError> {
        match self.works() {
            Works::Here(engine) => bodies::lease(engine, ask).await,
            Works::Redis(redis) => Box::pin(redis.lease(ask)).await,
        }
    }

    async fn know(&self, known: KnownRelays) -> Result<(), StoreError> {
        match self.works() {
            Works::Here(engine) => engine.ask(|a| Command::Know(known, a), closed).await,
            Works::Redis(redis) => Box::pin(redis.know(known)).await,
        }
    }

    async fn settle(&self, results: Vec<(Lease, Settlement)>) -> Result<(), StoreError> {
        let engine = match self.works() {
            Works::Here(engine) => engine,
            Works::Redis(redis) => return Box::pin(redis.settle(results)).await,
        };
        let results = results.into_iter().map(|(lease, settlement)| {
            let (id, fence) = lease.into_key();
            (id, fence, settlement)
        });
        let results = results.collect();
        engine.ask(|a| Command::Settle(results, a), closed).await
    }

    async fn get(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        match self.works() {
            Works::Here(engine) => listing::get(engine, id).await,
            Works::Redis(redis) => Box::pin(redis.get(id)).await,
        }
    }

    async fn list(&self, filter: Filter) -> Result<Page, StoreError> {
        match self.works() {
            Works::Here(engine) => listing::list(engine, filter).await,
            Works::Redis(redis) => Box::pin(redis.list(filter)).await,
        }
    }

    async fn content(&self, id: JobId) -> Result<Content, ContentError> {
        match self.works() {
            Works::Here(engine) => listing::content(engine, id).await,
            Works::Redis(redis) => Box::pin(redis.content(id)).await,
        }
    }

    async fn act(&self, id: JobId, action: Action) -> Result<Status, ActError> {
        let engine = match self.works() {
            Works::Here(engine) => engine,
            Works::Redis(redis) => return Box::pin(redis.act(id, action)).await,
        };
        let closed = || Err(StoreError::Closed.into());
        match engine.ask(|a| Command::Act(id, action.clone(), a), closed).await {
            Err(ActError::NotFound) => listing::act_on_history(engine, id, &action).await,
            answer => answer,
        }
    }

    async fn hurry(&self, relay: Arc<str>, route: Arc<str>) -> Result<u64, StoreError> {
        match self.works() {
            Works::Here(engine) => engine.ask(|a| Command::Hurry(relay, route, a), closed).await,
            Works::Redis(redis) => Box::pin(redis.hurry(&relay, &route)).await,
        }
    }

    async fn stats(&self) -> Result<Stats, StoreError> {
        match self.works() {
            Works::Here(engine) => engine.ask(|a| Command::Ask(Question::Stats(a)), closed).await,
            Works::Redis(redis) => Box::pin(redis.stats()).await,
        }
    }

    fn changes(&self) -> broadcast::Receiver<Change> {
        match self.works() {
            Works::Here(engine) => engine.changes(),
            Works::Redis(redis) => redis.changes(),
        }
    }

    fn durable(&self) -> bool {
        match self.works() {
            Works::Here(engine) => engine.durable(),
            Works::Redis(redis) => redis.durable(),
        }
    }

    fn refusing(&self) -> Option<String> {
        match self.works() {
            Works::Here(engine) => engine.refusing(),
            Works::Redis(redis) => redis.refusing(),
        }
    }

    async fn close(&self) -> Result<(), StoreError> {
        match self.works() {
            Works::Here(engine) => engine.ask(Command::Close, || Ok(())).await,
            Works::Redis(redis) => Box::pin(redis.close()).await,
        }
    }
}
