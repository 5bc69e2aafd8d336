//! Nodes whose clocks are wrong, and die.

use super::node::{Node, believed, job_of};
use crate::house::{place, sent};
use postrider_queue::{NewJob, RedisPlace, Status, Store};
use std::collections::BTreeSet;
use std::time::Duration;
use testkit::{Flavour, Link, Redis};

/// Seconds by which each node's clock is wrong.
const WRONG: [i64; 3] = [300, -300, 0];

/// Each node takes mail, one dies with all of it in hand, and the others finish it. Whose clock made a mail, and
/// whose looks at it, changes nothing: it is due when it was meant to be, and lives as long.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn b2_41_nodes_whose_clocks_are_wrong_take_over_from_one_that_dies() {
    let server = Redis::shared(Flavour::Redis);
    let near = place(server);
    let link = Link::to(server.port());
    let far = RedisPlace { queue: near.queue.clone(), ..RedisPlace::tcp("127.0.0.1", link.port(), 0) };
    let mut nodes = Vec::new();
    for (place, ahead) in [&near, &near, &far].into_iter().zip(WRONG) {
        nodes.push(Node::open_at(place, believed(2000), ahead).await);
    }
    let mut ids = BTreeSet::new();
    for (node, ahead) in nodes.iter().zip(WRONG) {
        let new = job_of(&format!("at {ahead}"), ahead);
        let due_at = new.created_at + Duration::from_secs(200);
        let later = NewJob { due_at, ..job_of("later", ahead) };
        ids.insert(node.store.insert(vec![new, later]).await.unwrap()[0].id());
    }
    // The three that are due, whoever asks; what is due in three minutes by any of the clocks is not.
    let taken = nodes[2].lease(9).await;
    assert_eq!(taken.iter().map(|lease| lease.job.id).collect::<BTreeSet<_>>(), ids);
    link.cut();

    let mut left = ids.clone();
    for node in [0, 1].into_iter().cycle().map(|n| &nodes[n]) {
        for lease in node.lease(2).await {
            assert!(lease.job.possible_duplicate && left.remove(&lease.job.id));
            node.settle(lease, sent()).await;
        }
        if left.is_empty() {
            break;
        }
    }
    for id in ids {
        assert_eq!(nodes[0].view(id).await.status, Status::Sent);
    }
    assert_eq!((nodes[0].unsettled().await, nodes[1].count(Status::Scheduled).await), (3, 3));
    drop(taken);
}
