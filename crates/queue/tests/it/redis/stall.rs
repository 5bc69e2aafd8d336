//! A Redis that stops for a while.

use super::node::{Node, believed, job, until};
use crate::house::place;
use postrider_queue::Store;
use std::time::{Duration, Instant};
use testkit::{Flavour, Redis};

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn b2_38_a_redis_that_stalls_is_given_up_in_seconds_and_used_again() {
    let server = Redis::start(Flavour::Redis);
    let node = Node::open(&place(&server), believed(15_000)).await;
    let kept = node.insert("before").await;

    server.pause();
    let began = Instant::now();
    let callers = (0..300).map(|n| {
        let store = node.store.clone();
        tokio::spawn(async move { store.insert(vec![job(&format!("refused {n}"))]).await })
    });
    for caller in callers.collect::<Vec<_>>() {
        assert!(caller.await.unwrap().is_err());
    }
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    assert!(node.store.refusing().is_some(), "the doors know");

    server.resume();
    until("it is used again", async || node.store.refusing().is_none()).await;
    let later = node.insert("after").await;
    let page = node.store.list(postrider_queue::Filter { limit: 1000, ..Default::default() }).await.unwrap();
    let ids: Vec<_> = page.jobs.iter().map(|job| job.id).collect();
    assert_eq!(ids, [later, kept], "what was refused is not taken late");
    let clients: u32 = server.info("connected_clients").parse().unwrap();
    assert!(clients < 10, "{clients} connections");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn b2_38_a_pause_shorter_than_patience_costs_nothing() {
    let server = Redis::start(Flavour::Valkey);
    let node = Node::open(&place(&server), believed(15_000)).await;
    server.command(&["CLIENT", "PAUSE", "1500", "ALL"]);
    let id = node.insert("during").await;
    assert_eq!(node.unsettled().await, 1);
    assert_eq!(node.lease(1).await[0].job.id, id);
}
