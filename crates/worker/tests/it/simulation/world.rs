//! Everything one run works on.

use super::book::Book;
use super::chance::Chance;
use super::clock::SimulatedClock;
use super::relay::Peer;
use super::script::Mode;
use bytes::Bytes;
use jiff::Timestamp;
use postrider_worker::{Relay, Relays, Route, Worker, WorkerSettings};
use queue::{Action, AnyStore, Change, Clock, JobId, JobView, State, Status, Store, StoreSettings};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::broadcast;
use tokio::task::JoinSet;
use tokio::time::Instant;

/// The relays, and the route each is of.
pub(crate) const RELAYS: [(&str, &str); 3] = [("first", "default"), ("second", "default"), ("third", "bulk")];

/// What was submitted, and what was seen of it since.
#[derive(Default)]
pub(crate) struct Submitted {
    pub(crate) to: Vec<String>,
    pub(crate) state: Option<State>,
    pub(crate) last: Option<JobView>,
    /// An operator had it tried again after its end; not looked at since.
    pub(crate) reopened: bool,
    /// It was once.
    pub(crate) retried: bool,
    pub(crate) purged: bool,
}

pub(crate) struct World {
    pub(crate) chance: Chance,
    pub(crate) clock: Arc<SimulatedClock>,
    pub(crate) store: AnyStore,
    pub(crate) book: Arc<Book>,
    pub(crate) jobs: BTreeMap<JobId, Submitted>,
    pub(crate) changes: broadcast::Receiver<Change>,
    /// `None` only while it is exchanged.
    pub(crate) worker: Option<Worker>,
    pub(crate) relays: Relays,
    /// Workers that are being drained.
    pub(crate) retiring: JoinSet<()>,
    routes: Vec<Route>,
    seed: u64,
}

const FOR_EVER: Duration = Duration::from_secs(86_400 * 10_000);

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut chance = Chance(seed);
        let clock = Arc::new(SimulatedClock::new());
        let settings =
            StoreSettings { keep_history: FOR_EVER, keep_failed: FOR_EVER, ..StoreSettings::default() };
        let store = AnyStore::memory_in_step(settings, clock.clone());
        let book = Arc::new(Book::new(&clock));
        let mut routes: Vec<Route> = Vec::new();
        for (name, route) in RELAYS {
            let peer = Peer {
                name,
                window: 1 + chance.below(3) as usize,
                book: book.clone(),
                clock: clock.clone(),
                store: store.clone(),
                chance: Mutex::new(Chance(chance.next())),
            };
            let connections = chance.of(&[1, 2, 4]);
            let batch = chance.of(&[1, 3, 8]);
            let relay = Relay { connections, batch, ..Relay::new(name, Arc::new(peer)) };
            match routes.iter_mut().find(|r| *r.name == *route) {
                Some(route) => route.relays.push(relay),
                None => routes.push(Route { name: route.into(), relays: vec![relay] }),
            }
        }
        let changes = store.changes();
        let relays = Relays::default();
        let mut world = Self {
            chance,
            clock,
            store,
            book,
            jobs: BTreeMap::new(),
            changes,
            worker: None,
            relays,
            retiring: JoinSet::new(),
            routes,
            seed,
        };
        world.worker = Some(world.start());
        world
    }

    /// A worker over all that there is.
    pub(crate) fn start(&self) -> Worker {
        let (relays, clock): (_, Arc<dyn Clock>) = (self.relays.clone(), self.clock.clone());
        Worker::start_with(relays, &self.store, self.routes.clone(), WorkerSettings::default(), &clock)
    }

    /// The worker's successor takes its place; the worker itself is to be drained.
    pub(crate) fn succeed(&mut self) -> Worker {
        let before = self.worker.take().unwrap();
        let clock: Arc<dyn Clock> = self.clock.clone();
        let settings = WorkerSettings::default();
        self.worker = Some(before.successor(&self.store, self.routes.clone(), settings, &clock));
        before
    }

    /// An id that the seed alone decides.
    pub(crate) fn fresh_id(&mut self) -> JobId {
        let (number, low) = (self.jobs.len() as u128 + 1, self.chance.next() ^ self.seed);
        JobId(uuid::Builder::from_random_bytes((number << 96 | u128::from(low)).to_be_bytes()).into_uuid())
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Time passes, and what becomes of the mail is looked at.
    pub(crate) async fn pass(&mut self, time: Duration) {
        let (hop, end) = ((time / 12).max(Duration::from_millis(50)), Instant::now() + time);
        while Instant::now() < end {
            self.clock.pass(hop.min(end - Instant::now())).await;
            self.store.poke();
            self.watch().await;
        }
    }

    /// An operator's action; whether it applied.
    pub(crate) async fn act(&mut self, id: JobId, action: Action) -> bool {
        let before = self.store.get(id).await.unwrap();
        let answer = self.store.act(id, action.clone()).await;
        self.book.note(&format!("operator: {action:?} {id}: {answer:?}"));
        let (Ok(_), Some(before), Some(job)) = (&answer, before, self.jobs.get_mut(&id)) else {
            return false;
        };
        match action {
            Action::Retry => {
                self.book.pages().hurried.insert(id);
                let over = before.status.is_final();
                job.reopened |= over;
                job.retried |= over;
            }
            Action::Purge => (job.purged, job.last) = (true, Some(before)),
            _ => {}
        }
        true
    }

    /// All is mended: relays take everything, nobody holds anything back, and a day passes.
    pub(crate) async fn mend(&mut self) {
        self.book.note("all is mended");
        // A date that was reckoned by a clock that was ahead is far off by one that was set back.
        self.clock.jump(self.clock.behind());
        self.store.poke();
        for (name, _) in RELAYS {
            self.book.pages().modes.insert(name, Mode::Well);
            self.relays.resume(name);
        }
        self.relays.pause_all(None);
        if self.chance.percent(50) {
            for id in self.jobs.keys().copied().collect::<Vec<_>>() {
                self.act(id, Action::Release).await;
            }
        }
        let before = self.succeed();
        before.drain(Duration::from_secs(30), std::future::pending()).await;
        while self.retiring.join_next().await.is_some() {}
        let end = Instant::now() + Duration::from_secs(86_400);
        while Instant::now() < end && self.is_unsettled().await {
            self.pass(Duration::from_secs(3600)).await;
        }
        let last = self.worker.take().unwrap();
        last.drain(Duration::from_secs(60), std::future::pending()).await;
        self.watch().await;
    }

    /// Whether something is left to do that nobody holds.
    async fn is_unsettled(&self) -> bool {
        let stats = self.store.stats().await.unwrap();
        let open = |word: &str| Status::parse(word).is_some_and(|s| !s.is_final() && s != Status::Held);
        stats.by_status.iter().any(|(word, many)| *many > 0 && open(word))
    }

    /// The bytes of a job's mail; its Subject names it.
    pub(crate) fn bytes(id: JobId) -> (Bytes, Bytes) {
        (format!("Subject: {id}\r\n\r\n").into(), format!("body of {id}\r\n").into())
    }
}
