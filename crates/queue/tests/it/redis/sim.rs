//! Nodes of one queue over a real Redis, by a clock that a seed moves: they lease, settle, freeze, die and come back,
//! connections are lost, people act. After each step what stands in Redis agrees with itself, no mail has two leases
//! that count, no fence is used twice; in the end every mail that was taken has its end.

use super::sim_books::{Books, Entry};
use crate::house::{self, clock};
use postrider_queue::{
    Action, AnyStore, Begun, Clock, Idempotency, JobId, Lease, LeaseAsk, NewJob, Next, Priority,
    RecipientState, RedisPlace, RedisSettings, RedisStore, Settlement, Store, StoreSettings,
};
use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::{Flavour, Link, ManualClock, Redis, RedisConnection};

/// Seconds for which a sign of life is believed.
const LIFE: u64 = 1000;
const NODES: usize = 3;
const STEPS: usize = 40;
/// The seeds that are run, and as many after them over the other server. After changes of scripts, leases or keeper: some
/// thousands of others.
const SEEDS: Range<u64> = 0..100;

/// Splitmix64.
struct Dice(u64);

impl Dice {
    fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, n: usize) -> usize {
        (self.roll() % n as u64) as usize
    }

    fn once_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }
}

struct Held {
    lease: Lease,
    begun: Begun,
    had_begun: bool,
    number: u64,
}

struct Node {
    store: AnyStore,
    link: Link,
    leases: Vec<Held>,
    frozen: bool,
}

/// What happened so far.
type Story = Arc<Mutex<Vec<String>>>;

struct World {
    dice: Dice,
    story: Story,
    clock: Arc<ManualClock>,
    place: RedisPlace,
    books: RedisConnection,
    nodes: Vec<Node>,
    /// Died with what they had; what their senders do, nobody knows.
    dead: Vec<Node>,
    accepted: HashSet<JobId>,
    fences: HashSet<(JobId, u64)>,
    /// The newest lease of a mail, until its node ended it.
    owners: HashMap<JobId, u64>,
    numbers: u64,
}

fn settings() -> StoreSettings {
    StoreSettings { keep_failed: Duration::from_secs(600), keep_body: Duration::ZERO, ..house::settings() }
}

impl World {
    async fn new(server: &Redis, seed: u64, story: Story) -> Self {
        let db = server.database();
        let mut books = server.connect().unwrap();
        books.command(&["SELECT", &db.to_string()]).unwrap();
        let place = RedisPlace { db: db.into(), ..RedisPlace::tcp("127.0.0.1", server.port(), db.into()) };
        let mut world = Self {
            dice: Dice(seed),
            story,
            clock: clock(),
            place,
            books,
            nodes: Vec::new(),
            dead: Vec::new(),
            accepted: HashSet::new(),
            fences: HashSet::new(),
            owners: HashMap::new(),
            numbers: 0,
        };
        for _ in 0..NODES {
            let node = world.open(server).await;
            world.nodes.push(node);
        }
        world
    }

    async fn open(&self, server: &Redis) -> Node {
        let link = Link::to(server.port());
        let place =
            RedisPlace { db: self.place.db, ..RedisPlace::tcp("127.0.0.1", link.port(), self.place.db) };
        let redis = RedisSettings { lease: Duration::from_secs(LIFE), ..RedisSettings::default() };
        let store = RedisStore::open_by(place, settings(), redis, self.clock.clone()).await.unwrap();
        Node { store: AnyStore::Redis(store), link, leases: Vec::new(), frozen: false }
    }

    fn tell(&self, what: String) {
        self.story.lock().unwrap().push(what);
    }

    fn now(&self) -> i64 {
        self.clock.now().as_microsecond()
    }

    fn look(&mut self) -> Books {
        Books::read(&mut self.books, &self.place.queue)
    }

    fn awake(&mut self) -> Option<usize> {
        let awake: Vec<usize> = (0..self.nodes.len()).filter(|n| !self.nodes[*n].frozen).collect();
        (!awake.is_empty()).then(|| awake[self.dice.below(awake.len())])
    }

    async fn step(&mut self, server: &Redis) {
        let Some(node) = self.awake() else { return self.thaw().await };
        if self.dice.once_in(16) {
            self.tell(format!("{node} loses its connection"));
            self.nodes[node].link.lose_reply_to("EVALSHA");
        }
        match self.dice.below(20) {
            0..4 => self.insert(node).await,
            4..9 => self.lease(node).await,
            9..13 => self.settle(node).await,
            13 => self.give_back(node).await,
            14 => self.act(node).await,
            15..17 => {
                let seconds = 1 + self.dice.roll() % 900;
                self.pass(seconds).await;
            }
            17 => {
                self.tell(format!("{node} freezes"));
                self.nodes[node].frozen = true;
            }
            18 => self.thaw().await,
            _ if self.dice.once_in(3) => {
                self.tell(format!("{node} dies"));
                let born = self.open(server).await;
                self.dead.push(std::mem::replace(&mut self.nodes[node], born));
            }
            _ => self.pass(LIFE / 2).await,
        }
    }

    async fn insert(&mut self, node: usize) {
        let now = self.clock.now();
        let (many, call) = (1 + self.dice.below(3), self.dice.roll());
        let keyed = self.dice.once_in(4);
        let jobs: Vec<NewJob> = (0..many)
            .map(|n| {
                let wait = if self.dice.once_in(4) { self.dice.roll() % 600 } else { 0 };
                let priority = [Priority::Urgent, Priority::Normal, Priority::Bulk][self.dice.below(3)];
                let life = 200 + self.dice.roll() % 4000;
                let key = || Idempotency { key: format!("{call}"), fingerprint: [7; 32], index: n as u16 };
                NewJob {
                    created_at: now,
                    due_at: now + Duration::from_secs(wait),
                    expires_at: now + Duration::from_secs(wait + life),
                    priority,
                    project: ["a", "b"][self.dice.below(2)].into(),
                    idempotency: keyed.then(key),
                    ..house::to(house::job("simulated"), &["one@example.org", "two@example.org"])
                }
            })
            .collect();
        let taken = self.nodes[node].store.insert(jobs).await.unwrap();
        assert!(taken.iter().all(|taken| self.accepted.insert(taken.id())), "taken twice");
    }

    async fn lease(&mut self, node: usize) {
        let ready = self.look().ready(self.now());
        if ready == 0 {
            return;
        }
        let limit = 1 + self.dice.below(3);
        let leasing = self.nodes[node].store.lease(LeaseAsk::new("default", limit));
        let leases =
            tokio::time::timeout(Duration::from_secs(30), leasing).await.expect("ready mail is leased");
        let books = self.look();
        for lease in leases.unwrap() {
            let id = lease.job.id;
            let version = books.jobs[&id.to_string()].version;
            assert!(self.fences.insert((id, version)), "a fence is used twice");
            let number = self.numbers;
            self.tell(format!("{node} leases {id} at version {version}, as {number}"));
            if self.owners.insert(id, self.numbers).is_some() {
                assert!(lease.job.possible_duplicate, "taken from a node without a mark");
            }
            let (begun, had_begun) = (lease.begun(), self.dice.once_in(2));
            if had_begun {
                begun.set();
            }
            self.nodes[node].leases.push(Held { lease, begun, had_begun, number: self.numbers });
            self.numbers += 1;
        }
    }

    fn pick(&mut self, node: usize) -> Option<Held> {
        let many = self.nodes[node].leases.len();
        (many > 0).then(|| {
            let which = self.dice.below(many);
            self.nodes[node].leases.swap_remove(which)
        })
    }

    /// Whoever had the lease said how it ended; if it was still its own.
    fn ended(&mut self, id: JobId, number: u64) {
        if self.owners.get(&id) == Some(&number) {
            self.owners.remove(&id);
        }
    }

    async fn settle(&mut self, node: usize) {
        let Some(Held { lease, begun, number, .. }) = self.pick(node) else { return };
        let (id, open) = (lease.job.id, lease.job.open.clone());
        let before = self.look().jobs.get(&id.to_string()).cloned();
        let counts = begun.may();
        self.tell(format!("{node} settles {id}, as {number}; {counts}"));
        let outcome = self.outcome(&open);
        self.nodes[node].store.settle(vec![(lease, outcome)]).await.unwrap();
        let after = self.look().jobs.get(&id.to_string()).cloned();
        let attempts = |entry: &Option<Entry>| entry.as_ref().map_or(0, |entry| entry.attempts);
        let written = attempts(&after) - attempts(&before);
        // What counts is written; what is not the node's any more is not.
        let own = self.owners.get(&id) == Some(&number) && before.is_some_and(|entry| entry.state == "l");
        assert!(written == i64::from(own) || written == 0 && !counts, "{id}: {written} {own} {counts}");
        if written == 1 {
            self.ended(id, number);
        }
    }

    fn outcome(&mut self, open: &[u32]) -> Settlement {
        let all = |state| open.iter().map(|index| (*index, state)).collect::<Vec<_>>();
        let wait = Next::RetryIn(Duration::from_secs(self.dice.roll() % 300));
        let mut outcome = house::finals(&[], wait);
        match self.dice.below(8) {
            0..3 => outcome.finals = all(RecipientState::Sent),
            3 => outcome.finals = all(RecipientState::Failed),
            4 => outcome.finals = all(RecipientState::Sent)[..1].to_vec(),
            5 => (outcome.in_doubt, outcome.only) = (true, Some("default".into())),
            6 => outcome.counted = false,
            _ => outcome.next = Next::Hold("by the simulation".into()),
        }
        outcome
    }

    /// One whose mail had begun is to come back with the mark.
    async fn give_back(&mut self, node: usize) {
        let Some(Held { lease, number, had_begun, .. }) = self.pick(node) else { return };
        self.tell(format!("{node} drops {}, as {number}; begun: {had_begun}", lease.job.id));
        if !had_begun {
            self.ended(lease.job.id, number);
        }
        drop(lease);
        self.nodes[node].store.stats().await.unwrap();
    }

    async fn act(&mut self, node: usize) {
        let mut ids: Vec<JobId> = self.accepted.iter().copied().collect();
        ids.sort();
        if ids.is_empty() {
            return;
        }
        let id = ids[self.dice.below(ids.len())];
        let later = self.clock.now() + Duration::from_secs(self.dice.roll() % 500);
        let actions = [
            Action::Cancel,
            Action::Retry,
            Action::Hold("by hand".into()),
            Action::Release,
            Action::Reschedule(later),
            Action::Purge,
        ];
        let action = actions[self.dice.below(actions.len())].clone();
        let purge = action == Action::Purge;
        if self.nodes[node].store.act(id, action).await.is_ok() && purge {
            self.accepted.remove(&id);
        }
    }

    /// In steps in which nobody who is awake is taken for dead.
    async fn pass(&mut self, mut seconds: u64) {
        self.tell(format!("{seconds} s pass"));
        while seconds > 0 {
            let some = seconds.min(LIFE / 4);
            seconds -= some;
            self.clock.advance(Duration::from_secs(some));
            for node in self.nodes.iter().filter(|node| !node.frozen) {
                node.store.poke();
                node.store.stats().await.unwrap();
            }
            self.check();
        }
    }

    async fn thaw(&mut self) {
        self.tell("all wake up".into());
        for node in 0..self.nodes.len() {
            if !std::mem::take(&mut self.nodes[node].frozen) {
                continue;
            }
            // Perhaps the first thing it says is how a lease ended that may be another's by now.
            if self.dice.once_in(2) {
                self.settle(node).await;
            }
            self.nodes[node].store.poke();
            self.nodes[node].store.stats().await.unwrap();
        }
    }

    fn check(&mut self) {
        let now = self.now();
        let books = self.look();
        books.agree(now);
        let there: HashSet<JobId> = books.jobs.keys().map(|id| id.parse().unwrap()).collect();
        assert_eq!(there, self.accepted, "what was taken is there, and nothing else");
        let mut counts = HashMap::new();
        for held in self.nodes.iter().chain(&self.dead).flat_map(|node| &node.leases) {
            if held.begun.may() {
                let id = held.lease.job.id;
                assert!(counts.insert(id, held.number).is_none(), "{id} has two leases that count");
                let entry = &books.jobs[&id.to_string()];
                assert_eq!(entry.state, "l", "a lease counts that Redis does not know: {id}");
            }
        }
    }

    /// Everybody wakes up and all mail goes out.
    async fn drain(&mut self) {
        self.thaw().await;
        self.pass(LIFE * 2).await;
        for round in 0.. {
            let left = self.look().jobs.into_iter().filter(|(_, entry)| entry.state != "f");
            assert!(round < 100, "never done: {:?}", left.collect::<Vec<_>>());
            self.check();
            while self.look().ready(self.now()) > 0 {
                self.lease(0).await;
                while let Some(Held { lease, number, .. }) = self.pick(0) {
                    let (id, open) = (lease.job.id, lease.job.open.clone());
                    let sent = open.iter().map(|index| (*index, RecipientState::Sent)).collect::<Vec<_>>();
                    let sent = house::finals(&sent, Next::RetryIn(Duration::ZERO));
                    self.nodes[0].store.settle(vec![(lease, sent)]).await.unwrap();
                    self.ended(id, number);
                }
            }
            for node in 0..self.nodes.len() {
                while !self.nodes[node].leases.is_empty() {
                    self.give_back(node).await;
                }
            }
            let books = self.look();
            let held =
                books.jobs.iter().filter(|(_, entry)| entry.state == "h").map(|(id, _)| id.parse().unwrap());
            for id in held.collect::<Vec<JobId>>() {
                self.nodes[0].store.act(id, Action::Release).await.unwrap();
            }
            if books.jobs.values().all(|entry| entry.state == "f") {
                return;
            }
            self.pass(LIFE / 4).await;
        }
    }
}

async fn run(server: &Redis, seed: u64, story: Story) {
    let mut world = World::new(server, seed, story).await;
    for _ in 0..STEPS {
        world.step(server).await;
        world.check();
    }
    world.drain().await;
    server.command(&["FLUSHALL"]);
}

fn simulate(flavour: Flavour, seeds: Range<u64>) {
    let server = Redis::start(flavour);
    for seed in seeds {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let story = Story::default();
        let running = AssertUnwindSafe(|| runtime.block_on(run(&server, seed, story.clone())));
        if catch_unwind(running).is_err() {
            let story = std::mem::take(&mut *story.lock().unwrap()).join("\n");
            panic!("{story}\n\nThat was seed {seed} over {flavour:?}");
        }
    }
}

#[test]
fn nodes_that_share_a_queue_in_redis_keep_their_word() {
    simulate(Flavour::Redis, SEEDS);
}

#[test]
fn nodes_that_share_a_queue_in_valkey_keep_their_word() {
    simulate(Flavour::Valkey, SEEDS.end..SEEDS.end * 2);
}
