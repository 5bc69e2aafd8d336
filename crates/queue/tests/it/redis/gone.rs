//! Keys that somebody deleted.

use super::node::{Node, ask, believed, job};
use crate::house::{place, sent};
use postrider_queue::{Filter, InsertError, Status, Store, StoreError};
use testkit::{Flavour, Redis};

#[tokio::test]
async fn b2_40_a_queue_that_was_flushed_is_said_and_comes_back_with_a_node_that_starts() {
    let server = Redis::start(Flavour::Redis);
    let place = place(&server);
    let node = Node::open(&place, believed(1000)).await;
    node.insert("lost").await;
    let lease = node.lease(1).await.pop().unwrap();
    server.command(&["FLUSHALL"]);

    let error = node.store.insert(vec![job("refused")]).await.unwrap_err();
    let said = |text: &str| text.contains("gone") && text.contains("lost");
    assert!(matches!(error, InsertError::Store(_)) && said(&error.to_string()), "{error}");
    assert!(said(&node.store.refusing().unwrap()));
    let error = node.try_lease(1).await.unwrap_err();
    assert!(!matches!(error, StoreError::Closed) && said(&error.to_string()), "{error}");
    assert!(node.store.settle(vec![(lease, sent())]).await.is_err(), "no silent success");
    assert_eq!(ask(&server, &place, "EXISTS", "meta", &[]).integer(), 0, "nobody made it by the way");

    let fresh = Node::open(&place, believed(1000)).await;
    let id = node.insert("taken by the node that went on").await;
    assert_eq!(fresh.lease(1).await[0].job.id, id);
}

#[tokio::test]
async fn b2_40_one_deleted_job_costs_itself_alone() {
    for flavour in Flavour::ALL {
        let server = Redis::shared(flavour);
        let place = place(server);
        let node = Node::open(&place, believed(15_000)).await;
        let mut ids = Vec::new();
        for n in 0..300 {
            ids.push(node.insert(&format!("mail {n}")).await);
        }
        let gone = [ids.remove(290), ids.remove(10), ids.remove(0)];
        for id in gone {
            assert_eq!(ask(server, &place, "DEL", &format!("j:{id}"), &[]).integer(), 1);
        }
        let page = node.store.list(Filter { limit: 1000, ..Filter::default() }).await.unwrap();
        assert_eq!((page.jobs.len(), page.has_more), (ids.len(), false), "no page ends at a gap");
        assert_eq!(node.unsettled().await, ids.len() as u64);
        assert!(node.store.get(gone[0]).await.unwrap().is_none());
        let mut sent_ids = Vec::new();
        while sent_ids.len() < ids.len() {
            for lease in node.lease(50).await {
                sent_ids.push(lease.job.id);
                node.settle(lease, sent()).await;
            }
        }
        sent_ids.sort();
        assert_eq!(sent_ids, ids);
        assert_eq!(node.count(Status::Sent).await, ids.len() as u64);
        assert_eq!(ask(server, &place, "ZCARD", "live", &[]).integer(), 0);
    }
}

#[tokio::test]
async fn b2_40_a_job_that_is_deleted_while_it_is_sent_is_said() {
    let server = Redis::shared(Flavour::Redis);
    let place = place(server);
    let node = Node::open(&place, believed(15_000)).await;
    let id = node.insert("first").await;
    let lease = node.lease(1).await.pop().unwrap();
    ask(server, &place, "DEL", &format!("j:{id}"), &[]);
    node.settle(lease, sent()).await;
    assert!(node.store.get(id).await.unwrap().is_none());
    assert_eq!(node.unsettled().await, 0);
    let next = node.insert("next").await;
    assert_eq!(node.lease(1).await[0].job.id, next);
}
