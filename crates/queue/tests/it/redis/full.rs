//! A Redis whose memory is full.

use super::node::{Node, believed, job};
use crate::house::{place, sent};
use bytes::Bytes;
use postrider_queue::{Filter, InsertError, NewJob, Status, Store};
use testkit::{Flavour, Redis};

fn heavy() -> NewJob {
    NewJob { body: Bytes::from(vec![b'x'; 200_000]), ..job("heavy") }
}

#[tokio::test]
async fn b2_33_a_full_redis_refuses_what_is_new_and_takes_what_empties_it() {
    for flavour in Flavour::ALL {
        let server = Redis::with(flavour, "maxmemory 8mb\nmaxmemory-policy noeviction");
        let node = Node::open(&place(&server), believed(15_000)).await;
        let mut taken = 0;
        let refused = loop {
            match node.store.insert(vec![heavy()]).await {
                Ok(_) => taken += 1,
                Err(error) => break error,
            }
            assert!(taken < 100, "no bound");
        };
        assert!(matches!(refused, InsertError::Full(_)), "{refused:?}");
        assert!(taken > 10, "{taken}");
        let listed = node.store.list(Filter { limit: 1000, ..Filter::default() }).await.unwrap();
        assert_eq!(listed.jobs.len(), taken, "nothing vanished");
        let mut done = 0;
        while done < taken {
            for lease in node.lease(4).await {
                node.settle(lease, sent()).await;
                done += 1;
            }
        }
        assert_eq!(node.count(Status::Sent).await, taken as u64);
        node.store.insert(vec![heavy()]).await.expect("room again");
    }
}

/// With all nodes down nobody would have emptied it.
#[tokio::test]
async fn regress_a_node_starts_while_redis_is_full() {
    let server = Redis::with(Flavour::Redis, "maxmemory-policy noeviction");
    let place = place(&server);
    let first = Node::open(&place, believed(15_000)).await;
    first.insert("one").await;
    first.store.close().await.unwrap();
    server.command(&["CONFIG", "SET", "maxmemory", "100000"]);
    let next = Node::open(&place, believed(15_000)).await;
    let lease = next.lease(1).await.pop().unwrap();
    next.settle(lease, sent()).await;
    assert_eq!(next.count(Status::Sent).await, 1);
}
