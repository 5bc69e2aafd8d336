//! Two nodes, each with a worker, over one queue in Redis.

use crate::bench::{Answer, Scripted, accepted, job, relay, trouble};
use postrider_worker::{Rate, Relay, RelayStatus, Route, Worker, WorkerSettings};
use queue::{AnyStore, Clock, Hold, RedisPlace, RedisSettings, RedisStore, Store, StoreSettings};
use send::{Mail, Phase, RecipientOutcome, TroubleKind};
use std::sync::Arc;
use std::time::Duration;
use testkit::{Flavour, ManualClock, Redis};

/// The time of Redis stands still until a test moves it.
struct Nodes {
    clock: Arc<ManualClock>,
    place: RedisPlace,
    sender: Arc<Scripted>,
    stores: Vec<AnyStore>,
    workers: Vec<Worker>,
}

async fn node(place: &RedisPlace, clock: &Arc<ManualClock>) -> RedisStore {
    let settings = (StoreSettings::default(), RedisSettings::default());
    RedisStore::open_by(place.clone(), settings.0, settings.1, clock.clone()).await.unwrap()
}

async fn nodes(rate: Option<Rate>, script: impl Fn(&Mail, usize) -> Answer + Send + Sync + 'static) -> Nodes {
    let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let shared: Arc<dyn Clock> = clock.clone();
    let queue = uuid::Uuid::now_v7().to_string();
    let port = Redis::shared(Flavour::Redis).port();
    let place = RedisPlace { queue, ..RedisPlace::tcp("127.0.0.1", port, 0) };
    let (relay, sender) = relay("default", script);
    let relay = Relay { rate, ..relay };
    let (mut stores, mut workers) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let store = AnyStore::Redis(node(&place, &clock).await);
        let route = Route { name: "default".into(), relays: vec![relay.clone()] };
        workers.push(Worker::start(&store, vec![route], WorkerSettings::default(), &shared));
        stores.push(store);
    }
    Nodes { clock, place, sender, stores, workers }
}

impl Nodes {
    async fn submit(&self, mails: usize) {
        let jobs = (0..mails).map(|_| job(&["b@example.org"])).collect();
        self.stores[0].insert(jobs).await.unwrap();
    }

    /// Waits until so many mails were handed out by all, and sees that they were no more.
    async fn taken(&self, more: u32, all: usize) {
        self.took(more).await;
        assert_eq!(self.sender.seen.lock().unwrap().len(), all);
    }

    async fn took(&self, more: u32) {
        let taken = self.sender.taken.acquire_many(more);
        tokio::time::timeout(Duration::from_secs(20), taken).await.expect("no mail").unwrap().forget();
    }

    /// Waits until the relay does so on both nodes.
    async fn both(&self, what: &str, so: impl Fn(&RelayStatus) -> bool) {
        let seen = async {
            while !self.workers.iter().all(|worker| so(&worker.relays().status()[0])) {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), seen).await.unwrap_or_else(|_| panic!("not {what}"));
    }
}

fn no_login() -> Answer {
    Answer::All(RecipientOutcome::NotAttempted(trouble(TroubleKind::Auth, Phase::Auth)))
}

#[tokio::test(flavor = "multi_thread")]
async fn two_nodes_keep_one_rate() {
    let rate = Rate { mails: 20, per: Duration::from_secs(1) };
    let nodes = nodes(Some(rate), |_, _| Answer::All(accepted())).await;
    nodes.submit(30).await;
    nodes.taken(20, 20).await;
    for all in 21..=30 {
        nodes.clock.advance(Duration::from_millis(50));
        nodes.taken(1, all).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_refused_to_one_node_is_tried_by_no_other_until_the_relay_is_resumed_anywhere() {
    let nodes = nodes(None, |_, nth| if nth == 1 { no_login() } else { Answer::All(accepted()) }).await;
    nodes.submit(1).await;
    nodes.both("held", |relay| relay.trouble.is_some()).await;
    nodes.submit(8).await;
    nodes.taken(1, 1).await;
    let found = nodes.workers.iter().filter(|w| w.relays().status()[0].again_in.is_some()).count();
    assert_eq!(found, 2, "both wait for the same time");
    assert!(nodes.workers[1].relays().resume("default"));
    nodes.taken(9, 10).await;
    nodes.both("well", |relay| relay.trouble.is_none()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_is_well_for_one_node_is_so_for_all() {
    let nodes = nodes(None, |_, _| Answer::All(accepted())).await;
    let third = node(&nodes.place, &nodes.clock).await;
    let hold = Hold {
        relay: "default".into(),
        wait: Duration::from_millis(50),
        kind: "mass".into(),
        failures: 1,
        cause: "it refused all".into(),
    };
    assert!(third.may_probe("default").await.unwrap());
    third.hold(&hold).await.unwrap();
    nodes.both("held", |relay| relay.trouble.as_deref() == Some("it refused all")).await;
    nodes.submit(3).await;
    nodes.both("well", |relay| relay.trouble.is_none()).await;
    nodes.taken(3, 3).await;
    assert_eq!(third.holds().await.unwrap(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn passing_trouble_is_each_nodes_own() {
    let lost = || RecipientOutcome::NotAttempted(trouble(TroubleKind::Unreachable, Phase::Connect));
    let nodes = nodes(None, move |_, nth| Answer::All(if nth == 1 { lost() } else { accepted() })).await;
    let third = node(&nodes.place, &nodes.clock).await;
    nodes.submit(1).await;
    nodes.took(1).await;
    nodes.submit(8).await;
    nodes.took(8).await;
    assert_eq!(third.holds().await.unwrap(), []);
}
