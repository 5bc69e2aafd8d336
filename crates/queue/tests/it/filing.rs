//! What a node of a shared queue settled is in its own history.

use crate::house::{House, all, clock, failed, jobs, place, retry_in, sent, settings};
use postrider_queue::{
    ActError, Action, AnyStore, ContentError, Filter, JobId, RedisPlace, RedisSettings, RedisStore, Status,
    Store,
};
use std::path::Path;
use std::sync::Arc;
use testkit::{Flavour, ManualClock, Redis};

/// The nodes' place, clock and folders.
struct Ground {
    place: RedisPlace,
    clock: Arc<ManualClock>,
    one: tempfile::TempDir,
    two: tempfile::TempDir,
}

fn ground(flavour: Flavour) -> Ground {
    let folder = || tempfile::tempdir().unwrap();
    Ground { place: place(Redis::shared(flavour)), clock: clock(), one: folder(), two: folder() }
}

impl Ground {
    /// A node that files there, over a Redis that remembers so many done jobs.
    async fn node(&self, folder: &Path, history_count: usize) -> House {
        let redis =
            RedisSettings { history_count, data_dir: Some(folder.to_owned()), ..RedisSettings::default() };
        let store = RedisStore::open_by(self.place.clone(), settings(), redis, self.clock.clone());
        House { store: AnyStore::Redis(store.await.unwrap()), clock: self.clock.clone(), folder: None }
    }

    async fn one(&self, remembered: usize) -> House {
        self.node(self.one.path(), remembered).await
    }

    async fn two(&self, remembered: usize) -> House {
        self.node(self.two.path(), remembered).await
    }
}

/// Ends the node, which writes what it has; what Redis remembers beyond one job goes.
async fn end(node: House) {
    node.store.close().await.unwrap();
}

async fn forget(ground: &Ground) {
    let node = ground.node(tempfile::tempdir().unwrap().path(), 0).await;
    node.pass(1);
    node.until(|stats| stats.by_status.iter().all(|(_, n)| *n == 0)).await;
    end(node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_node_settled_it_knows_when_redis_has_forgotten_it() {
    for flavour in Flavour::ALL {
        let ground = ground(flavour);
        let (one, two) = (ground.one(100).await, ground.two(100).await);
        let ids = one.insert(jobs(&["a", "b", "c"])).await;
        let lease = one.lease_one().await;
        one.settle(lease, retry_in(0)).await;
        one.pass(1);
        for _ in 0..2 {
            let lease = one.lease_one().await;
            one.settle(lease, sent()).await;
        }
        let lease = two.lease_one().await;
        two.settle(lease, failed()).await;
        let everywhere: Vec<JobId> = ids.iter().rev().copied().collect();
        assert_eq!((one.list(all()).await, two.list(all()).await), (everywhere.clone(), everywhere));
        end(one).await;
        end(two).await;
        forget(&ground).await;
        let (one, two) = (ground.one(100).await, ground.two(100).await);
        let (of_one, of_two) = (one.list(all()).await, two.list(all()).await);
        assert_eq!((of_one.len(), of_two.len()), (2, 1), "each its own");
        let attempts: Vec<usize> = {
            let mut all = Vec::new();
            for (node, ids) in [(&one, &of_one), (&two, &of_two)] {
                for id in ids {
                    all.push(node.view(*id).await.attempts.len());
                }
            }
            all
        };
        assert_eq!(attempts.iter().sum::<usize>(), 4, "with every attempt, whoever made it");
        let failed = Filter { status: Some(Status::Failed), ..all() };
        assert_eq!((one.list(failed.clone()).await, two.list(failed).await), (vec![], of_two.clone()));
        let page = one.store.list(Filter { limit: 1, ..all() }).await.unwrap();
        assert_eq!((page.jobs[0].id, page.has_more), (of_one[0], true));
        let gone = one.store.content(of_one[0]).await;
        assert!(matches!(gone, Err(ContentError::Gone)), "{gone:?}");
        let late = one.store.act(of_one[0], Action::Retry).await;
        assert!(matches!(late, Err(ActError::TooLate(_))), "{late:?}");
        assert_eq!(one.store.act(of_one[0], Action::Purge).await.unwrap(), Status::Sent);
        assert_eq!(one.list(all()).await, [of_one[1]]);
        end(one).await;
        end(two).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_purged_or_tried_once_more_elsewhere_leaves_the_files() {
    let ground = ground(Flavour::Redis);
    let one = ground.one(100).await;
    let ids = one.insert(jobs(&["purged", "again"])).await;
    for _ in 0..2 {
        let lease = one.lease_one().await;
        one.settle(lease, failed()).await;
    }
    end(one).await;
    let again = ground.one(100).await;
    assert_eq!(again.list(all()).await, [ids[1], ids[0]], "in Redis and in a file, shown once");
    end(again).await;
    let two = ground.two(100).await;
    two.store.act(ids[0], Action::Purge).await.unwrap();
    two.store.act(ids[1], Action::Retry).await.unwrap();
    let lease = two.lease_one().await;
    two.settle(lease, sent()).await;
    end(two).await;
    // The first takes out what is not so any more.
    end(ground.one(100).await).await;
    forget(&ground).await;
    let (one, two) = (ground.one(100).await, ground.two(100).await);
    for node in [&one, &two] {
        assert!(node.store.get(ids[0]).await.unwrap().is_none(), "purged");
    }
    assert_eq!(two.status(ids[1]).await, Status::Sent);
    let stale = one.store.get(ids[1]).await.unwrap().map(|job| job.status);
    assert!(stale.is_none_or(|status| status == Status::Sent), "{stale:?}");
    end(one).await;
    end(two).await;
}
