//! A node that is cut off from Redis while it has leases.

use super::node::{Node, ask, believed, until};
use crate::house::{failed, place, sent};
use postrider_queue::{RedisPlace, Status, Store};
use testkit::{Flavour, Link, Redis};

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn b2_36_a_node_that_is_cut_off_stops_before_another_starts() {
    let server = Redis::shared(Flavour::Redis);
    let link = Link::to(server.port());
    let near = place(server);
    let far = RedisPlace { queue: near.queue.clone(), ..RedisPlace::tcp("127.0.0.1", link.port(), 0) };
    let (cut, other) = (Node::open(&far, believed(3000)).await, Node::open(&near, believed(3000)).await);
    let name = cut.name().await;
    let (first, second) = (cut.insert("first").await, cut.insert("second").await);
    let mut leases = cut.lease(2).await;
    let waiting = leases.pop().unwrap();
    let begun = leases.pop().unwrap();
    begun.begun().set();
    assert!(begun.begun().may() && waiting.begun().may());

    link.cut();
    until("it stops", async || !begun.begun().may()).await;
    let held = ask(server, &near, "HLEN", &format!("n:{name}"), &[]).integer();
    assert_eq!(held, 2, "it stops while the leases are still its own");
    assert!(!waiting.begun().may());

    let mut taken = other.lease(2).await;
    if taken.len() < 2 {
        taken.extend(other.lease(1).await);
    }
    assert!(taken.iter().all(|lease| lease.job.possible_duplicate), "marked");
    let beats = ask(server, &near, "HGET", "beats", &[&name]).text();
    assert!(!beats.is_empty(), "or it would think, when it comes back, that Redis forgot");

    link.heal();
    until("it lives again", async || {
        let known = !ask(server, &near, "ZSCORE", "nodes", &[&name]).text().is_empty();
        known && cut.store.refusing().is_none()
    })
    .await;
    assert!(!waiting.begun().may() && !begun.begun().may(), "what it had is not its own any more");
    cut.settle(begun, failed()).await;
    drop(waiting);
    assert_eq!(other.count(Status::Sending).await, 2, "its word is not heard");
    for lease in taken {
        other.settle(lease, sent()).await;
    }
    for id in [first, second] {
        assert_eq!(other.view(id).await.status, Status::Sent);
    }
}

#[tokio::test]
async fn b2_36_an_outcome_from_a_node_that_does_not_know_yet_is_refused_by_its_fence() {
    let server = Redis::shared(Flavour::Redis);
    let place = place(server);
    // It says that it lives every twelve seconds; the other looks every 200 ms.
    let (late, other) =
        (Node::open(&place, believed(60_000)).await, Node::open(&place, believed(1000)).await);
    let id = late.insert("one").await;
    let lease = late.lease(1).await.pop().unwrap();
    ask(server, &place, "ZADD", "nodes", &["1", &late.name().await]);
    let taken = other.lease(1).await.pop().unwrap();
    assert!(taken.job.possible_duplicate);
    late.settle(lease, failed()).await;
    let view = other.view(id).await;
    assert_eq!((view.status, view.attempts.len()), (Status::Sending, 0));
    other.settle(taken, sent()).await;
    assert_eq!(other.view(id).await.status, Status::Sent);
}
