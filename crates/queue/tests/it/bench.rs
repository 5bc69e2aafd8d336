//! A store under test, with a clock that stands still, and jobs for it.

use crate::house;
use bytes::Bytes;
use envelope::{Address, Envelope, ReversePath};
use jiff::Timestamp;
use postrider_queue::{
    AnyStore, Attempt, Clock, Door, Inserted, JobId, JobView, Lease, LeaseAsk, Meta, NewJob, Next,
    OpenReport, Priority, RecipientState, RedisSettings, RedisStore, Settlement, Stats, Status, Store,
    StoreError, StoreSettings,
};
use std::path::Path;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;
use testkit::{Flavour, Redis};

/// The moment every test begins at.
pub(crate) fn start() -> Timestamp {
    "2026-01-01T00:00:00Z".parse().unwrap()
}

/// So many seconds after the start.
pub(crate) fn at(seconds: i64) -> Timestamp {
    start() + jiff::SignedDuration::from_secs(seconds)
}

/// When jobs of these tests are given up.
pub(crate) const LIFETIME: i64 = 5 * 24 * 3600;

pub(crate) struct StoppedClock(Mutex<Timestamp>);

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

/// One of the stores, whichever, and its clock.
pub(crate) struct Bench {
    pub(crate) store: AnyStore,
    pub(crate) clock: Arc<StoppedClock>,
    pub(crate) folder: Option<tempfile::TempDir>,
}

/// In memory where the system has such a place: these tests are about bytes, not about the disk's speed.
pub(crate) fn folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap()
}

pub(crate) fn settings() -> StoreSettings {
    StoreSettings { space_floor: 0, ..StoreSettings::default() }
}

pub(crate) fn clock() -> Arc<StoppedClock> {
    Arc::new(StoppedClock(Mutex::new(start())))
}

impl Bench {
    pub(crate) fn memory(settings: StoreSettings) -> Self {
        let clock = clock();
        Self { store: AnyStore::memory(settings, clock.clone()), clock, folder: None }
    }

    pub(crate) fn disk(settings: StoreSettings) -> Self {
        let (clock, folder) = (clock(), folder());
        let (store, report) = AnyStore::open_disk(folder.path(), settings, clock.clone()).unwrap();
        assert_eq!(report, OpenReport::default());
        Self { store, clock, folder: Some(folder) }
    }

    async fn redis(flavour: Flavour, settings: StoreSettings) -> Self {
        let clock = clock();
        let place = house::place(Redis::shared(flavour));
        let store = RedisStore::open_by(place, settings, RedisSettings::default(), clock.clone()).await;
        Self { store: AnyStore::Redis(store.unwrap()), clock, folder: None }
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.as_ref().unwrap().path()
    }

    /// Sets the clock to so many seconds after the start and lets the store see it.
    pub(crate) fn set(&self, seconds: i64) {
        *self.clock.0.lock().unwrap() = at(seconds);
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

    pub(crate) async fn insert(&self, job: NewJob) -> JobId {
        let id = job.id;
        assert_eq!(self.store.insert(vec![job]).await.unwrap(), [Inserted::New(id)]);
        id
    }

    pub(crate) async fn view(&self, id: JobId) -> JobView {
        self.store.get(id).await.unwrap().unwrap()
    }

    pub(crate) async fn status(&self, id: JobId) -> Status {
        self.view(id).await.status
    }

    pub(crate) async fn lease(&self, limit: usize) -> Vec<Lease> {
        leased(self.store.lease(ask(limit))).await.unwrap()
    }

    /// Leases exactly one job.
    pub(crate) async fn one(&self) -> Lease {
        let mut leases = self.lease(1).await;
        assert_eq!(leases.len(), 1);
        leases.pop().unwrap()
    }

    /// Asks for work and is left waiting.
    pub(crate) async fn has_nothing_to_lease(&self) {
        let mut call = std::pin::pin!(self.store.lease(ask(1)));
        assert!(poll_once(&mut call).await.is_none());
        // One more round of the store: had there been something, the call would have it now.
        self.store.stats().await.unwrap();
        assert!(poll_once(&mut call).await.is_none());
    }

    pub(crate) async fn settle(&self, lease: Lease, settlement: Settlement) {
        self.store.settle(vec![(lease, settlement)]).await.unwrap();
    }

    /// Leases one job and settles it so.
    pub(crate) async fn work(&self, settlement: Settlement) {
        let lease = self.one().await;
        self.settle(lease, settlement).await;
    }
}

pub(crate) fn ask(limit: usize) -> LeaseAsk {
    LeaseAsk::new("default", limit)
}

/// A store that answers nothing at all fails the test instead of holding it.
pub(crate) async fn leased(
    call: impl Future<Output = Result<Vec<Lease>, StoreError>>,
) -> Result<Vec<Lease>, StoreError> {
    tokio::time::timeout(Duration::from_secs(60), call).await.expect("a lease is handed out")
}

pub(crate) async fn poll_once<F: Future>(call: &mut Pin<&mut F>) -> Option<F::Output> {
    std::future::poll_fn(|cx| {
        Poll::Ready(match call.as_mut().poll(cx) {
            Poll::Ready(out) => Some(out),
            Poll::Pending => None,
        })
    })
    .await
}

pub(crate) fn address(text: &str) -> Address {
    Address::parse(text).unwrap()
}

pub(crate) fn job() -> NewJob {
    job_to(&["one@example.org"])
}

pub(crate) fn job_to(to: &[&str]) -> NewJob {
    let id = JobId(uuid::Uuid::now_v7());
    NewJob {
        id,
        project: "default".into(),
        envelope: Envelope::new(ReversePath(Some(address("a@example.com"))), to.iter().map(|t| address(t))),
        header: Bytes::from_static(b"Subject: Hello\r\n\r\n"),
        body: Bytes::from(format!("body of {id}\r\n")),
        meta: Meta {
            message_id: format!("<{id}@example.com>"),
            subject: "Hello".into(),
            from: "Alice <a@example.com>".into(),
            to: to.iter().map(ToString::to_string).collect(),
            tags: vec![("kind".into(), "test".into())],
            ..Meta::new(Door::Library)
        },
        created_at: start(),
        due_at: start(),
        expires_at: at(LIFETIME),
        priority: Priority::Normal,
        route: "default".into(),
        idempotency: None,
        eight_bit: false,
        utf8_header: false,
    }
}

pub(crate) fn finals(finals: &[(u32, RecipientState)]) -> Settlement {
    Settlement {
        finals: finals.to_vec(),
        next: Next::RetryIn(Duration::ZERO),
        attempt: Some(attempt("250 2.0.0 Ok: queued as 4XyZ")),
        counted: true,
        in_doubt: false,
        only: None,
    }
}

pub(crate) fn sent() -> Settlement {
    finals(&[(0, RecipientState::Sent)])
}

pub(crate) fn failed() -> Settlement {
    finals(&[(0, RecipientState::Failed)])
}

pub(crate) fn retry_in(seconds: u64) -> Settlement {
    Settlement { next: Next::RetryIn(Duration::from_secs(seconds)), ..finals(&[]) }
}

pub(crate) fn attempt(transcript: &str) -> Attempt {
    Attempt {
        at: start(),
        relay: "default".into(),
        peer: "relay.test:25".into(),
        recipients: Vec::new(),
        transcript: transcript.into(),
        remote_id: Some("4XyZ".into()),
    }
}

/// Runs each scenario over every back-end; a new one joins by one more line here.
macro_rules! over_all_stores {
    ($($scenario:ident)*) => {
        crate::bench::over_all_stores! { memory ($($scenario)*) }
        crate::bench::over_all_stores! { disk ($($scenario)*) }
        crate::bench::over_all_stores! { redis ($($scenario)*) }
        crate::bench::over_all_stores! { valkey ($($scenario)*) }
    };
    ($store:ident ($($scenario:ident)*)) => {
        mod $store {
            $(#[tokio::test]
            async fn $scenario() {
                super::$scenario(&crate::bench::open::$store).await;
            })*
        }
    };
}
pub(crate) use over_all_stores;

/// Opens a fresh store of the back-end under test.
pub(crate) type Open = dyn Fn(StoreSettings) -> Opening;
type Opening = Pin<Box<dyn Future<Output = Bench>>>;

/// One for each back-end.
pub(crate) mod open {
    use super::{Bench, Opening};
    use postrider_queue::StoreSettings;
    use testkit::Flavour;

    pub(crate) fn memory(settings: StoreSettings) -> Opening {
        Box::pin(async { Bench::memory(settings) })
    }

    pub(crate) fn disk(settings: StoreSettings) -> Opening {
        Box::pin(async { Bench::disk(settings) })
    }

    pub(crate) fn redis(settings: StoreSettings) -> Opening {
        Box::pin(Bench::redis(Flavour::Redis, settings))
    }

    pub(crate) fn valkey(settings: StoreSettings) -> Opening {
        Box::pin(Bench::redis(Flavour::Valkey, settings))
    }
}
