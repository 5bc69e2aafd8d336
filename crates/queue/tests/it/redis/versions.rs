//! What a newer version wrote.

use super::node::{Node, ask, believed, job, until};
use crate::house::{place, sent};
use postrider_queue::{ActError, Action, Filter, Status, Store, StoreError};
use testkit::{Flavour, Redis};

#[tokio::test]
async fn b2_42_a_queue_of_a_newer_form_is_refused_and_left_alone() {
    let server = Redis::start(Flavour::Redis);
    let place = place(&server);
    let node = Node::open(&place, believed(60_000)).await;
    node.insert("one").await;
    ask(&server, &place, "HSET", "meta", &["form", "2"]);
    let before = server.command(&["DEBUG", "DIGEST"]);
    let error = Node::try_open(&place, believed(60_000)).await.err().unwrap();
    assert!(matches!(error, StoreError::Format(_)) && error.to_string().contains("form 2"), "{error}");
    let refused = node.store.insert(vec![job("two")]).await.unwrap_err();
    assert!(refused.to_string().contains("newer"), "{refused}");
    assert!(node.try_lease(1).await.is_err(), "who runs already stops, too");
    assert_eq!(server.command(&["DEBUG", "DIGEST"]), before, "nothing was touched");
}

#[tokio::test]
async fn b2_42_a_job_of_a_newer_form_is_held_and_shown_and_never_dropped() {
    for (field, octets) in [("h", "\u{2}newer"), ("p", "\u{2}newer"), ("h", ""), ("p", "\u{1}")] {
        let server = Redis::shared(Flavour::Redis);
        let place = place(server);
        let node = Node::open(&place, believed(15_000)).await;
        let (newer, ours) = (node.insert("newer").await, node.insert("ours").await);
        let key = format!("j:{newer}");
        let good = ask(server, &place, "HGET", &key, &[field]).text();
        ask(server, &place, "HSET", &key, &[field, octets]);
        let view = node.view(newer).await;
        assert_eq!((view.status, &*view.project, &*view.route), (Status::Queued, "default", "default"));
        let lease = node.lease(2).await.pop().unwrap();
        assert_eq!(lease.job.id, ours);
        node.settle(lease, sent()).await;
        until("it is held", async || node.view(newer).await.status == Status::Held).await;
        let view = node.view(newer).await;
        assert!(view.held_because.unwrap().contains("cannot read"), "{field} {octets:?}");
        assert_eq!(node.store.list(Filter { limit: 9, ..Filter::default() }).await.unwrap().jobs.len(), 2);
        let held = Filter { status: Some(Status::Held), limit: 9, ..Filter::default() };
        assert_eq!(node.store.list(held).await.unwrap().jobs[0].id, newer);
        assert!(node.store.content(newer).await.is_ok());
        let acted = node.store.act(newer, Action::Release).await;
        assert!(matches!(acted, Err(ActError::Store(StoreError::Format(_)))), "{acted:?}");
        assert_eq!(node.view(newer).await.status, Status::Held);
        if field == "p" {
            // A node that reads it may release it.
            ask(server, &place, "HSET", &key, &[field, &good]);
            assert!(node.view(newer).await.held_because.unwrap().contains("cannot read"));
            node.store.act(newer, Action::Release).await.unwrap();
            let lease = node.lease(1).await.pop().unwrap();
            assert_eq!(lease.job.id, newer);
            node.settle(lease, sent()).await;
            assert_eq!(node.view(newer).await.held_because, None);
        }
    }
}

#[tokio::test]
async fn b2_42_the_life_of_a_job_that_cannot_be_read_does_not_end() {
    let server = Redis::shared(Flavour::Redis);
    let place = place(server);
    let node = Node::open(&place, believed(2000)).await;
    let id = node.insert("newer").await;
    ask(server, &place, "HSET", &format!("j:{id}"), &["h", "\u{2}newer"]);
    ask(server, &place, "ZADD", "open", &["1", &id.to_string()]);
    ask(server, &place, "HSET", &format!("j:{id}"), &["ex", "1"]);
    until("it is held", async || node.view(id).await.status == Status::Held).await;
    assert_eq!(ask(server, &place, "ZCARD", "open", &[]).integer(), 0, "no sweep finds it again");
    assert_eq!(node.unsettled().await, 1);
}
