//! Mended, each by its name.

use super::node::{Node, ask, believed, job, until};
use super::way::Way;
use crate::house::{self, place, sent};
use postrider_queue::{
    AnyStore, Idempotency, Inserted, LeaseAsk, NewJob, RedisPlace, RedisSettings, RedisStore, Status, Store,
    StoreError,
};
use std::time::Duration;
use testkit::{Flavour, Link, Redis};

/// It would have had a lease that nobody takes back when it dies.
#[tokio::test]
async fn regress_a_node_that_redis_takes_for_dead_gets_no_lease() {
    let server = Redis::shared(Flavour::Redis);
    let place = place(server);
    let node = Node::open(&place, believed(10_000)).await;
    let name = node.name().await;
    ask(server, &place, "ZREM", "nodes", &[&name]);
    let id = node.insert("one").await;
    let lease = node.lease(1).await.pop().unwrap();
    assert_eq!(lease.job.id, id);
    assert!(
        !ask(server, &place, "ZSCORE", "nodes", &[&name]).text().is_empty(),
        "it said that it lives first"
    );
}

#[tokio::test]
async fn regress_who_closes_wakes_everybody_who_waits() {
    let node = Node::open(&place(Redis::shared(Flavour::Redis)), believed(15_000)).await;
    let waiting: Vec<_> = (0..3)
        .map(|_| {
            let store = node.store.clone();
            tokio::spawn(async move { store.lease(LeaseAsk::new("default", 1)).await })
        })
        .collect();
    for _ in 0..3 {
        node.store.stats().await.unwrap();
    }
    node.store.close().await.unwrap();
    for waiting in waiting {
        let ended = tokio::time::timeout(Duration::from_secs(30), waiting).await.expect("woken").unwrap();
        assert!(matches!(ended, Err(StoreError::Closed)));
    }
}

/// Each node looked at it two hundred times a second.
#[tokio::test]
async fn regress_mail_past_its_life_in_a_senders_hands_keeps_nobody_busy() {
    let server = Redis::shared(Flavour::Redis);
    let place = place(server);
    let node = Node::open(&place, believed(15_000)).await;
    let id = node.insert("one").await;
    let lease = node.lease(1).await.pop().unwrap();
    assert_eq!(ask(server, &place, "ZCARD", "open", &[]).integer(), 0);
    assert_eq!(node.unsettled().await, 1);
    drop(lease);
    until("it is back", async || ask(server, &place, "ZSCORE", "open", &[&id.to_string()]).text() != "")
        .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn regress_a_connection_that_died_without_a_word_is_replaced() {
    let server = Redis::shared(Flavour::Redis);
    let way = Way::to(server.port()).await;
    let near = place(server);
    let place = RedisPlace { queue: near.queue.clone(), ..RedisPlace::tcp("127.0.0.1", way.port(), 0) };
    let node = Node::open(&place, believed(2000)).await;
    let id = node.insert("one").await;
    let lease = node.lease(1).await.pop().unwrap();
    let begun = lease.begun();

    way.silence();
    node.settle(lease, sent()).await;
    assert_eq!(node.view(id).await.status, Status::Sent, "asked again over another");
    drop(begun);
    // What others do is heard again, too.
    let other = Node::open(&near, believed(15_000)).await;
    let store = node.store.clone();
    let waiting = tokio::spawn(async move { store.lease(LeaseAsk::new("default", 1)).await });
    let next = other.insert("two").await;
    let leases = tokio::time::timeout(Duration::from_secs(30), waiting).await.unwrap().unwrap().unwrap();
    assert_eq!(leases[0].job.id, next);
}

/// More mail with keys than Redis remembers left no place for any other.
#[tokio::test]
async fn regress_mail_that_a_key_names_pushes_nothing_out() {
    let (clock, place) = (house::clock(), place(Redis::shared(Flavour::Redis)));
    let redis = RedisSettings { history_count: 2, ..RedisSettings::default() };
    let store = RedisStore::open_by(place, house::settings(), redis, clock.clone()).await.unwrap();
    let bench = house::House { store: AnyStore::Redis(store), clock, folder: None };
    let mut ids = Vec::new();
    for n in 0..6 {
        let key = Idempotency { key: n.to_string(), fingerprint: [0; 32], index: 0 };
        let idempotency = (n < 4).then_some(key);
        ids.extend(bench.insert(vec![NewJob { idempotency, ..house::job("one") }]).await);
        let lease = bench.lease_one().await;
        bench.settle(lease, sent()).await;
        bench.pass(1);
    }
    assert_eq!(bench.list(house::all()).await, ids.into_iter().rev().collect::<Vec<_>>());
}

/// Its answer was lost, and it was sent and forgotten before it was asked again.
#[tokio::test]
async fn regress_mail_is_not_forgotten_while_it_may_come_again() {
    let redis = RedisSettings { history_count: 0, ..believed(15_000) };
    let node = Node::open(&place(Redis::shared(Flavour::Redis)), redis).await;
    let one = job("one");
    node.store.insert(vec![one.clone()]).await.unwrap();
    let lease = node.lease(1).await.pop().unwrap();
    node.settle(lease, sent()).await;
    assert_eq!(node.store.insert(vec![one.clone()]).await.unwrap(), [Inserted::New(one.id)]);
    assert_eq!(node.unsettled().await, 0);
}

/// All who asked Redis waited until a million of them were taken out.
#[tokio::test]
async fn regress_what_is_left_over_in_a_lane_is_taken_out_in_parts() {
    let server = Redis::shared(Flavour::Redis);
    let place = place(server);
    let node = Node::open(&place, believed(600_000)).await;
    let id = node.insert("one").await;
    let field = |name| ask(server, &place, "HGET", &format!("j:{id}"), &[name]).text();
    let lane = format!("q:{}\u{1}{}", field("q"), field("g"));
    for _ in 0..25 {
        ask(server, &place, "LPUSH", &lane, &["left"; 1000]);
    }
    let lease = node.lease(1).await.pop().unwrap();
    assert_eq!(lease.job.id, id);
}

/// It said for ever that it lives.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn regress_a_store_that_nobody_has_any_more_is_no_node() {
    let server = Redis::shared(Flavour::Redis);
    let place = place(server);
    let other = Node::open(&place, believed(1000)).await;
    let folder = tempfile::tempdir().unwrap();
    let redis = RedisSettings { data_dir: Some(folder.path().to_owned()), ..believed(1000) };
    let node = Node::open(&place, redis).await;
    let name = node.name().await;
    drop(node);
    until("it is no node", async || ask(server, &place, "ZSCORE", "nodes", &[&name]).text().is_empty()).await;
    assert_eq!(other.store.stats().await.unwrap().nodes.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn regress_a_lease_that_a_silent_node_forgot_is_marked() {
    let server = Redis::shared(Flavour::Redis);
    let (near, link) = (place(server), Link::to(server.port()));
    let far = RedisPlace { queue: near.queue.clone(), ..RedisPlace::tcp("127.0.0.1", link.port(), 0) };
    let node = Node::open(&far, believed(600_000)).await;
    let (name, id) = (node.name().await, node.insert("one").await);
    let lease = node.lease(1).await.pop().unwrap();
    let job = format!("j:{id}");
    // As if Redis had a lease of the node that the node has not any more, and had been away.
    ask(server, &near, "HSET", &job, &["v", "7"]);
    ask(server, &near, "HSET", &format!("n:{name}"), &[&id.to_string(), "7"]);
    ask(server, &near, "ZADD", "nodes", &["1", &name]);
    link.sever();
    link.heal();
    assert_eq!(node.count(Status::Sending).await, 0);
    assert_eq!(ask(server, &near, "HGET", &job, &["dt"]).text(), "1");
    drop(lease);
}

/// The call failed, and those that were asked with it had been stored.
#[tokio::test]
async fn regress_a_key_that_somebody_else_wrote_costs_no_mail() {
    let server = Redis::shared(Flavour::Redis);
    let place = place(server);
    let node = Node::open(&place, believed(15_000)).await;
    let one = job("one");
    ask(server, &place, "SET", &format!("i:{}:{}k:0", one.project.len(), one.project), &["odd"]);
    let idempotency = Some(Idempotency { key: "k".into(), fingerprint: [0; 32], index: 0 });
    let inserted = node.store.insert(vec![NewJob { idempotency, ..one.clone() }]).await;
    assert_eq!(inserted.unwrap(), [Inserted::New(one.id)]);
}
