//! Segments go from the oldest end, and take nothing with them that is still wanted.

use crate::house::{House, all, disk, failed, job, retry_in, segments, sent, settings};
use postrider_queue::{AnyStore, ContentError, Status, Store, StoreSettings};
use std::time::Duration;

fn small() -> StoreSettings {
    StoreSettings { segment_octets: 20_000, keep_body: Duration::ZERO, ..settings() }
}

/// Sends mails until the log has moved on by some segments.
async fn churn(h: &House, mails: usize) {
    for n in 0..mails {
        h.insert(vec![job(&format!("churn{n}"))]).await;
        let lease = h.lease_one().await;
        h.settle(lease, sent()).await;
    }
}

/// Waits until the segment went, as its jobs are in history or carried forward.
async fn gone(h: &House, segment: &std::path::Path) {
    h.file().await;
    h.until(|_| !segment.exists()).await;
}

#[tokio::test]
async fn what_waits_is_carried_forward_with_its_state() {
    let h = disk(small());
    let ids = h.insert(vec![job("deferred"), job("failed"), job("sent")]).await;
    let mut leases = h.lease(3).await.into_iter();
    h.settle(leases.next().unwrap(), retry_in(60)).await;
    h.settle(leases.next().unwrap(), failed()).await;
    h.settle(leases.next().unwrap(), sent()).await;
    let mut before = Vec::new();
    for id in &ids {
        before.push(h.view(*id).await);
    }
    let first = segments(h.path())[0].clone();
    churn(&h, 400).await;
    gone(&h, &first).await;
    let octets = h.store.stats().await.unwrap().log_bytes;
    h.store.close().await.unwrap();
    let store = AnyStore::open_disk(h.path(), small(), h.clock.clone()).unwrap().0;
    let again = House { store, clock: h.clock.clone(), folder: None };
    for view in before {
        let after = again.view(view.id).await;
        assert_eq!((after.status, after.attempts, after.meta), (view.status, view.attempts, view.meta));
    }
    assert_eq!(again.store.content(ids[0]).await.unwrap().body, job("deferred").body);
    assert_eq!(again.store.content(ids[1]).await.unwrap().body, job("failed").body);
    assert!(matches!(again.store.content(ids[2]).await, Err(ContentError::Gone)));
    again.pass(61);
    assert_eq!(again.lease_one().await.job.id, ids[0]);
    assert!(octets < 400 * 1_000, "{octets} octets for summaries of 400 mails");
}

#[tokio::test]
async fn a_lease_carried_forward_is_still_marked_after_a_crash() {
    let h = disk(small());
    let id = h.insert(vec![job("in flight")]).await[0];
    let lease = h.lease_one().await;
    let first = segments(h.path())[0].clone();
    churn(&h, 400).await;
    gone(&h, &first).await;
    let crashed = crate::house::copy(h.path());
    drop(lease);
    let (store, report) = AnyStore::open_disk(crashed.path(), small(), h.clock.clone()).unwrap();
    assert_eq!(report.possible_duplicates, 1);
    let again = House { store, clock: h.clock.clone(), folder: None };
    assert!(again.view(id).await.possible_duplicate);
}

#[tokio::test]
async fn a_settled_mail_stays_settled_however_often_the_log_turns() {
    let h = disk(small());
    churn(&h, 300).await;
    h.file().await;
    h.until(|_| segments(h.path()).len() < 12).await;
    assert_eq!(h.store.stats().await.unwrap().unsettled, 0);
    for _ in 0..3 {
        let crashed = crate::house::copy(h.path());
        let (store, report) = AnyStore::open_disk(crashed.path(), small(), h.clock.clone()).unwrap();
        assert_eq!((report.unsettled, report.possible_duplicates), (0, 0));
        for view in store.list(all()).await.unwrap().jobs {
            assert_eq!(view.status, Status::Sent);
        }
        churn(&h, 20).await;
    }
}

#[tokio::test]
async fn regress_a_message_whose_bytes_went_with_its_segment_is_not_sent_empty() {
    let h = disk(StoreSettings { keep_failed: Duration::from_secs(10), ..small() });
    let id = h.insert(vec![job("failed")]).await[0];
    let lease = h.lease_one().await;
    h.settle(lease, failed()).await;
    h.pass(11);
    let first = segments(h.path())[0].clone();
    churn(&h, 400).await;
    gone(&h, &first).await;
    let retried = h.store.act(id, postrider_queue::Action::Retry).await;
    assert!(matches!(retried, Err(postrider_queue::ActError::TooLate(_))), "{retried:?}");
}
