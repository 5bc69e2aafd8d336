//! Nodes of a queue in Redis that go by the clock of the machine, and what stands in Redis.

use crate::house;
use jiff::{SignedDuration, Timestamp};
use postrider_queue::{
    AnyStore, Clock, JobId, JobView, Lease, LeaseAsk, NewJob, RedisPlace, RedisSettings, RedisStore,
    Settlement, Status, Store, StoreError, StoreSettings,
};
use std::sync::Arc;
use std::time::Duration;
use testkit::{Redis, Reply};

/// The machine's, and so many seconds.
struct WallClock(i64);

impl Clock for WallClock {
    #[expect(clippy::disallowed_methods, reason = "these nodes go by the clock of the machine")]
    fn now(&self) -> Timestamp {
        Timestamp::now() + SignedDuration::from_secs(self.0)
    }
}

/// What is to become so within half a minute.
pub(crate) async fn until(what: &str, so: impl AsyncFn() -> bool) {
    let waiting = async {
        let mut again = tokio::time::interval(Duration::from_millis(5));
        while !so().await {
            again.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap_or_else(|_| panic!("never: {what}"));
}

pub(crate) struct Node {
    pub(crate) store: AnyStore,
    pub(crate) redis: RedisStore,
}

/// Believed to live for so many milliseconds after each sign of it.
pub(crate) fn believed(millis: u64) -> RedisSettings {
    RedisSettings { lease: Duration::from_millis(millis), ..RedisSettings::default() }
}

pub(crate) fn settings() -> StoreSettings {
    StoreSettings { keep_body: Duration::ZERO, ..house::settings() }
}

/// A job that is due at once and has an hour to live.
pub(crate) fn job(text: &str) -> NewJob {
    job_of(text, 0)
}

/// As it is made where the clock is wrong by so many seconds.
pub(crate) fn job_of(text: &str, ahead: i64) -> NewJob {
    let now = WallClock(ahead).now();
    let expires_at = now + Duration::from_secs(3600);
    NewJob { created_at: now, due_at: now, expires_at, ..house::job(text) }
}

impl Node {
    pub(crate) async fn try_open(place: &RedisPlace, redis: RedisSettings) -> Result<Self, StoreError> {
        Self::try_open_at(place, redis, 0).await
    }

    /// Where the clock is wrong by so many seconds.
    pub(crate) async fn open_at(place: &RedisPlace, redis: RedisSettings, ahead: i64) -> Self {
        Self::try_open_at(place, redis, ahead).await.unwrap()
    }

    async fn try_open_at(place: &RedisPlace, redis: RedisSettings, ahead: i64) -> Result<Self, StoreError> {
        let redis = RedisStore::open(place.clone(), settings(), redis, Arc::new(WallClock(ahead))).await?;
        Ok(Self { store: AnyStore::Redis(redis.clone()), redis })
    }

    pub(crate) async fn open(place: &RedisPlace, redis: RedisSettings) -> Self {
        Self::try_open(place, redis).await.unwrap()
    }

    pub(crate) async fn insert(&self, text: &str) -> JobId {
        self.store.insert(vec![job(text)]).await.unwrap()[0].id()
    }

    pub(crate) async fn try_lease(&self, limit: usize) -> Result<Vec<Lease>, StoreError> {
        let leasing = self.store.lease(LeaseAsk::new("default", limit));
        tokio::time::timeout(Duration::from_secs(30), leasing).await.expect("a lease is handed out")
    }

    pub(crate) async fn lease(&self, limit: usize) -> Vec<Lease> {
        self.try_lease(limit).await.unwrap()
    }

    pub(crate) async fn settle(&self, lease: Lease, settlement: Settlement) {
        self.store.settle(vec![(lease, settlement)]).await.unwrap();
    }

    pub(crate) async fn view(&self, id: JobId) -> JobView {
        self.store.get(id).await.unwrap().unwrap()
    }

    pub(crate) async fn unsettled(&self) -> u64 {
        self.store.stats().await.unwrap().unsettled
    }

    pub(crate) async fn count(&self, status: Status) -> u64 {
        let stats = self.store.stats().await.unwrap();
        stats.by_status.into_iter().find(|(word, _)| *word == status.word()).unwrap().1
    }

    /// Its name among the nodes.
    pub(crate) async fn name(&self) -> String {
        let nodes = self.store.stats().await.unwrap().nodes;
        nodes.into_iter().find(|node| node.this).unwrap().name
    }
}

/// One command on a key of a queue.
pub(crate) fn ask(server: &Redis, place: &RedisPlace, verb: &str, key: &str, rest: &[&str]) -> Reply {
    let key = format!("postrider:{{{}}}:{key}", place.queue);
    let words: Vec<&str> = [verb, &key].into_iter().chain(rest.iter().copied()).collect();
    server.command(&words)
}

pub(crate) fn text(lines: &[String]) -> String {
    lines.join("\n")
}
