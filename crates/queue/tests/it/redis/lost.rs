//! Answers and requests that are lost with their connection.

use super::node::{Node, ask, believed, job, until};
use crate::house::{place, sent};
use postrider_queue::{Action, Inserted, LeaseAsk, RedisPlace, Status, Store};
use testkit::{Flavour, Link, Redis};

struct Lossy {
    server: &'static Redis,
    link: Link,
    place: RedisPlace,
    node: Node,
}

impl Lossy {
    async fn new(flavour: Flavour) -> Self {
        let server = Redis::shared(flavour);
        let link = Link::to(server.port());
        let place = RedisPlace { queue: place(server).queue, ..RedisPlace::tcp("127.0.0.1", link.port(), 0) };
        let node = Node::open(&place, believed(60_000)).await;
        Self { server, link, place, node }
    }

    fn lose(&self, reply: bool, words: &str) {
        if reply { self.link.lose_reply_to(words) } else { self.link.lose_request(words) }
    }

    async fn leased(&self) -> i64 {
        ask(self.server, &self.place, "HLEN", &format!("n:{}", self.node.name().await), &[]).integer()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn what_is_lost_on_the_way_is_asked_again_without_harm() {
    for flavour in Flavour::ALL {
        for reply in [true, false] {
            let lossy = Lossy::new(flavour).await;
            inserted_once(&lossy, reply).await;
            leased_at_once(&lossy, reply).await;
            outcomes_stand(&lossy, reply).await;
            assert_eq!(lossy.link.lost(), 7, "each loss took place");
        }
    }
}

async fn inserted_once(lossy: &Lossy, reply: bool) {
    let Lossy { node, .. } = lossy;
    let one = job("one");
    let id = one.id;
    lossy.lose(reply, &id.to_string());
    assert_eq!(node.store.insert(vec![one]).await.unwrap(), [Inserted::New(id)]);
    assert_eq!(node.unsettled().await, 1);
    assert_eq!(node.store.stats().await.unwrap().accepted, 1);
}

/// A lease that was given and never arrived is given again, unmarked; one that is given back goes back once.
async fn leased_at_once(lossy: &Lossy, reply: bool) {
    let Lossy { node, .. } = lossy;
    for _ in 0..2 {
        let ask = LeaseAsk { relay: "elsewhere".into(), ..LeaseAsk::new("default", 1) };
        lossy.lose(reply, "elsewhere");
        let leasing = tokio::time::timeout(std::time::Duration::from_secs(30), node.store.lease(ask));
        let lease = leasing.await.unwrap().unwrap().pop().unwrap();
        assert!(lease.begun().may() && !lease.job.possible_duplicate);
        assert_eq!(lossy.leased().await, 1);
        lossy.lose(reply, &lease.job.id.to_string());
        let lost = lossy.link.lost();
        drop(lease);
        until("the word of it is lost", async || lossy.link.lost() > lost).await;
    }
}

async fn outcomes_stand(lossy: &Lossy, reply: bool) {
    let Lossy { node, .. } = lossy;
    let lease = node.lease(1).await.pop().unwrap();
    let id = lease.job.id;
    assert!(!lease.job.possible_duplicate);
    drop(lease);
    lossy.lose(reply, "because of the test");
    let held = node.store.act(id, Action::Hold("because of the test".into())).await.unwrap();
    assert_eq!((held, node.view(id).await.status), (Status::Held, Status::Held));
    node.store.act(id, Action::Release).await.unwrap();
    let lease = node.lease(1).await.pop().unwrap();
    lossy.lose(reply, &id.to_string());
    node.settle(lease, sent()).await;
    let view = node.view(id).await;
    assert_eq!((view.status, view.attempts.len(), view.possible_duplicate), (Status::Sent, 1, false));
    assert_eq!(node.store.act(id, Action::Purge).await.unwrap(), Status::Sent);
    assert_eq!(node.store.stats().await.unwrap().by_status.iter().map(|(_, n)| n).sum::<u64>(), 0);
}
