//! Mended, each by its name.

use super::node::{Node, ask, believed, until};
use super::way::Way;
use crate::house::{place, sent};
use postrider_queue::{LeaseAsk, RedisPlace, Status, Store, StoreError};
use std::time::Duration;
use testkit::{Flavour, Redis};

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
