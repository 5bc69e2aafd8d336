//! Another server in the place of the one that was.

use super::node::{Node, ask, believed, text, until};
use super::way::Way;
use crate::house::{place, sent};
use postrider_queue::{HostPort, RedisPlace, RedisWay, Status, Store};
use testkit::{Flavour, Link, Redis, Reply, Sentinel};

/// A replica that follows over a link.
fn follower(primary: &Redis, link: &Link) -> Redis {
    let replica = Redis::with(Flavour::Redis, &format!("replicaof 127.0.0.1 {}", link.port()));
    testkit::until("a replica", std::time::Duration::from_secs(30), || {
        (replica.info("master_link_status") == "up").then_some(())
    });
    assert_eq!(primary.info("connected_slaves"), "1");
    replica
}

fn promote(replica: &Redis) {
    assert_eq!(replica.command(&["REPLICAOF", "NO", "ONE"]), Reply::Status("OK".into()));
}

async fn beats(server: &Redis, place: &RedisPlace, name: &str) -> i64 {
    ask(server, place, "HGET", "beats", &[name]).text().parse().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn b2_34_a_replica_that_lacks_the_last_writes_is_found_out() {
    let mut primary = Redis::start(Flavour::Redis);
    let link = Link::to(primary.port());
    let replica = follower(&primary, &link);
    let way = Way::to(primary.port()).await;
    let place = RedisPlace { queue: place(&primary).queue, ..RedisPlace::tcp("127.0.0.1", way.port(), 0) };
    let node = Node::open(&place, believed(3000)).await;
    let name = node.name().await;
    let kept = node.insert("kept").await;
    until("it is copied", async || beats(&replica, &place, &name).await > 0).await;
    until("it is copied", async || ask(&replica, &place, "EXISTS", &format!("j:{kept}"), &[]).integer() == 1)
        .await;

    link.cut();
    let lease = node.lease(1).await.pop().unwrap();
    let begun = lease.begun();
    begun.set();
    let lost = node.insert("lost").await;
    let copied = beats(&replica, &place, &name).await;
    until("a later sign of life", async || beats(&primary, &place, &name).await > copied).await;
    // One more, so that the answer to that one was heard.
    until("two later", async || beats(&primary, &place, &name).await > copied + 1).await;
    assert!(node.redis.worth().warnings.iter().all(|warning| !warning.contains("forgotten")));

    primary.kill();
    promote(&replica);
    way.lead_to(replica.port());
    until("it is said", async || text(&node.redis.worth().warnings).contains("has forgotten")).await;
    assert!(node.store.get(lost).await.unwrap().is_none());
    assert!(!begun.may(), "a lease that nobody knows of is none");
    let view = node.view(kept).await;
    assert_eq!(
        (view.status, view.possible_duplicate),
        (Status::Queued, true),
        "what may have gone out is marked"
    );
    let again = node.lease(1).await.pop().unwrap();
    assert!(
        again.begun().may() && !begun.may(),
        "of two leases of a mail one counts, though the fence is the same"
    );
    node.settle(lease, sent()).await;
    assert_eq!(node.view(kept).await.status, Status::Sending);
    node.settle(again, sent()).await;
    assert_eq!(node.view(kept).await.status, Status::Sent);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn b2_34_a_replica_that_has_all_is_named_too_for_nobody_can_know() {
    let mut primary = Redis::start(Flavour::Redis);
    let link = Link::to(primary.port());
    let replica = follower(&primary, &link);
    let way = Way::to(primary.port()).await;
    let place = RedisPlace { queue: place(&primary).queue, ..RedisPlace::tcp("127.0.0.1", way.port(), 0) };
    let node = Node::open(&place, believed(60_000)).await;
    let id = node.insert("kept").await;
    until("it is copied", async || ask(&replica, &place, "EXISTS", &format!("j:{id}"), &[]).integer() == 1)
        .await;
    primary.kill();
    promote(&replica);
    way.lead_to(replica.port());
    assert_eq!(node.lease(1).await[0].job.id, id);
    let warnings = text(&node.redis.worth().warnings);
    assert!(warnings.contains("a replica has taken the place"), "{warnings}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_failover_by_sentinel_is_gone_along_with() {
    for flavour in Flavour::ALL {
        let mut primary = Redis::start(flavour);
        let replica = primary.replica();
        let sentinel = Sentinel::start(flavour, &primary, 1);
        let nobody: HostPort = ("127.0.0.1".into(), testkit::free_port());
        let way = RedisWay::Sentinel {
            sentinels: vec![nobody, ("127.0.0.1".into(), sentinel.port())],
            primary: Sentinel::NAME.into(),
            user: None,
            password: None,
        };
        let place = RedisPlace { way, ..place(&primary) };
        let node = Node::open(&place, believed(15_000)).await;
        let first = node.insert("first").await;
        until("it is copied", async || {
            ask(&replica, &place, "EXISTS", &format!("j:{first}"), &[]).integer() == 1
        })
        .await;
        primary.kill();
        sentinel.failed_over_to(&replica);
        let second = node.insert("second").await;
        let leases = node.lease(2).await;
        assert_eq!(leases.iter().map(|lease| lease.job.id).collect::<Vec<_>>(), [first, second]);
        for lease in leases {
            node.settle(lease, sent()).await;
        }
        assert_eq!(node.count(Status::Sent).await, 2);
    }
}
