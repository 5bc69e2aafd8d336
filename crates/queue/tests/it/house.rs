//! What the tests share: jobs, stores of each kind, a clock to move.

use bytes::Bytes;
use envelope::{Address, Envelope, ReversePath};
use postrider_queue::{
    AnyStore, Attempt, AttemptRecipient, Clock, Door, Filter, JobId, JobView, Lease, LeaseAsk, Meta, NewJob,
    Next, Priority, RecipientState, RedisPlace, RedisSettings, RedisStore, Settlement, Stats, Status, Store,
    StoreSettings,
};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use testkit::{Flavour, ManualClock, Redis};

pub(crate) const START: &str = "2026-01-01T00:00:00Z";

/// A store with its clock and, on disk, its folder.
pub(crate) struct House {
    pub(crate) store: AnyStore,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) folder: Option<tempfile::TempDir>,
}

pub(crate) fn settings() -> StoreSettings {
    StoreSettings { space_floor: 0, keep_body: Duration::from_secs(3600), ..StoreSettings::default() }
}

pub(crate) fn clock() -> Arc<ManualClock> {
    Arc::new(ManualClock::new(START.parse().unwrap()))
}

pub(crate) fn memory(settings: StoreSettings) -> House {
    let clock = clock();
    House { store: AnyStore::memory(settings, clock.clone()), clock, folder: None }
}

/// The memory store whose callers do its work.
fn in_step(settings: StoreSettings) -> House {
    let clock = clock();
    House { store: AnyStore::memory_in_step(settings, clock.clone()), clock, folder: None }
}

pub(crate) fn disk(settings: StoreSettings) -> House {
    let (clock, folder) = (clock(), tempfile::tempdir().unwrap());
    let store = AnyStore::open_disk(folder.path(), settings, clock.clone()).unwrap().0;
    House { store, clock, folder: Some(folder) }
}

/// A queue of its own in a Redis that others share.
pub(crate) fn place(server: &Redis) -> RedisPlace {
    let queue = uuid::Uuid::now_v7().to_string();
    RedisPlace { queue, ..RedisPlace::tcp("127.0.0.1", server.port(), 0) }
}

async fn redis(flavour: Flavour, settings: StoreSettings) -> House {
    let (clock, place) = (clock(), place(Redis::shared(flavour)));
    let store = RedisStore::open_by(place, settings, RedisSettings::default(), clock.clone()).await.unwrap();
    House { store: AnyStore::Redis(store), clock, folder: None }
}

/// Runs a rule over every back-end that goes by the clock of its machine.
pub(crate) async fn over_own_clock<F: Future<Output = ()>>(
    settings: StoreSettings,
    rule: impl Fn(House) -> F,
) {
    rule(memory(settings.clone())).await;
    rule(in_step(settings.clone())).await;
    rule(disk(settings)).await;
}

/// Runs a rule over every back-end.
pub(crate) async fn over_all<F: Future<Output = ()>>(settings: StoreSettings, rule: impl Fn(House) -> F) {
    over_own_clock(settings.clone(), &rule).await;
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        rule(redis(flavour, settings.clone()).await).await;
    }
}

/// Runs a rule over every back-end that keeps done jobs in memory.
pub(crate) async fn over_volatile<F: Future<Output = ()>>(
    settings: StoreSettings,
    rule: impl Fn(House) -> F,
) {
    rule(memory(settings.clone())).await;
    rule(redis(Flavour::Redis, settings).await).await;
}

/// What stands on disk at this moment, as a crash would leave it.
pub(crate) fn copy(from: &Path) -> tempfile::TempDir {
    let to = tempfile::tempdir().unwrap();
    std::fs::create_dir(to.path().join("log")).unwrap();
    for path in segments(from) {
        std::fs::copy(&path, to.path().join("log").join(path.file_name().unwrap())).unwrap();
    }
    to
}

pub(crate) fn segments(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> =
        std::fs::read_dir(folder.join("log")).unwrap().map(|e| e.unwrap().path()).collect();
    found.sort();
    found
}

impl House {
    pub(crate) fn path(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }

    pub(crate) async fn insert(&self, jobs: Vec<NewJob>) -> Vec<JobId> {
        self.store.insert(jobs).await.unwrap().into_iter().map(|i| i.id()).collect()
    }

    pub(crate) async fn lease(&self, limit: usize) -> Vec<Lease> {
        self.store.lease(LeaseAsk::new("default", limit)).await.unwrap()
    }

    pub(crate) async fn lease_one(&self) -> Lease {
        self.lease(1).await.pop().unwrap()
    }

    pub(crate) async fn settle(&self, lease: Lease, settlement: Settlement) {
        self.store.settle(vec![(lease, settlement)]).await.unwrap();
    }

    pub(crate) async fn view(&self, id: JobId) -> JobView {
        self.store.get(id).await.unwrap().unwrap()
    }

    pub(crate) async fn status(&self, id: JobId) -> Status {
        self.view(id).await.status
    }

    pub(crate) async fn list(&self, filter: Filter) -> Vec<JobId> {
        self.store.list(filter).await.unwrap().jobs.into_iter().map(|j| j.id).collect()
    }

    pub(crate) fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
        self.store.poke();
    }

    /// Lets the store work until its counts are so.
    pub(crate) async fn until(&self, so: impl Fn(&Stats) -> bool) {
        let waiting = async {
            // A machine that is busy gives other threads their turn late: not before that is it looked again.
            let mut again = tokio::time::interval(Duration::from_millis(1));
            while !so(&self.store.stats().await.unwrap()) {
                again.tick().await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(60), waiting).await.is_err() {
            panic!("{:?}", self.store.stats().await);
        }
    }

    /// Lets time pass until done jobs are in history.
    pub(crate) async fn file(&self) {
        self.pass(31);
        self.until(|stats| stats.unfiled == 0).await;
    }

    pub(crate) fn now(&self) -> jiff::Timestamp {
        self.clock.now()
    }
}

pub(crate) fn all() -> Filter {
    Filter { limit: 100, ..Filter::default() }
}

/// A job from `text`, which is its subject and stands in its body.
pub(crate) fn job(text: &str) -> NewJob {
    let address = |text: &str| Address::parse(text).unwrap();
    let created_at = START.parse().unwrap();
    NewJob {
        id: JobId(uuid::Uuid::now_v7()),
        project: "default".into(),
        envelope: Envelope::new(ReversePath(Some(address("a@example.com"))), [address("b@example.org")]),
        header: Bytes::from(format!("Subject: {text}\r\n\r\n")),
        body: Bytes::from(format!("{text}\r\n").repeat(20)),
        meta: Meta {
            message_id: format!("<{text}@example.com>"),
            subject: text.into(),
            from: "a@example.com".into(),
            to: vec!["b@example.org".into()],
            tags: vec![("kind".into(), "test".into())],
            external_id: Some(format!("ext-{text}")),
            ..Meta::new(Door::Http)
        },
        created_at,
        due_at: created_at,
        expires_at: "2026-01-06T00:00:00Z".parse().unwrap(),
        priority: Priority::Normal,
        route: "default".into(),
        idempotency: None,
        eight_bit: false,
        utf8_header: false,
    }
}

pub(crate) fn jobs(texts: &[&str]) -> Vec<NewJob> {
    texts.iter().map(|t| job(t)).collect()
}

pub(crate) fn to(mut job: NewJob, recipients: &[&str]) -> NewJob {
    let parse = |t: &&str| Address::parse(t).unwrap();
    job.envelope = Envelope::new(job.envelope.from, recipients.iter().map(parse));
    job
}

fn attempt(text: &str) -> Attempt {
    let reply = envelope::Reply::new(250, text);
    Attempt {
        at: START.parse().unwrap(),
        relay: "default".into(),
        peer: "relay.test:25".into(),
        recipients: vec![AttemptRecipient {
            index: 0,
            command: "RCPT".into(),
            reply: Some(reply),
            cause: None,
        }],
        transcript: format!("<- 250 {text}"),
        remote_id: Some(format!("remote-{text}")),
    }
}

pub(crate) fn finals(states: &[(u32, RecipientState)], next: Next) -> Settlement {
    Settlement {
        finals: states.to_vec(),
        next,
        attempt: Some(attempt("ok")),
        counted: true,
        in_doubt: false,
        only: None,
    }
}

pub(crate) fn sent() -> Settlement {
    finals(&[(0, RecipientState::Sent)], Next::RetryIn(Duration::MAX))
}

pub(crate) fn failed() -> Settlement {
    finals(&[(0, RecipientState::Failed)], Next::RetryIn(Duration::MAX))
}

pub(crate) fn retry_in(seconds: u64) -> Settlement {
    finals(&[], Next::RetryIn(Duration::from_secs(seconds)))
}
