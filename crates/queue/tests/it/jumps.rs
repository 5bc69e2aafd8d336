//! The wall clock is set while mail waits.

use crate::house::{House, disk, finals, job, over_all, retry_at, settings};
use jiff::SignedDuration;
use postrider_queue::{AnyStore, NewJob, Next, Status, Store};

/// A deferred, a scheduled and a ready job, and a clock that jumps.
async fn check(h: House, jump: SignedDuration) {
    let later = |seconds| h.now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
    let deferred = h.insert(vec![job("deferred")]).await[0];
    let lease = h.lease_one().await;
    h.settle(lease, retry_at(later(600))).await;
    let scheduled = h.insert(vec![NewJob { due_at: later(7_200), ..job("scheduled") }]).await[0];
    let held = h.insert(vec![job("held")]).await[0];
    let lease = h.lease_one().await;
    h.settle(lease, finals(&[], Next::Hold("x".into()))).await;
    let date = h.view(scheduled).await.due_at;

    h.clock.jump(jump);
    h.pass(0);
    for id in [deferred, held] {
        let view = h.view(id).await;
        let left = view.expires_at.duration_since(h.now());
        assert_eq!(left, SignedDuration::from_hours(120), "{jump:?}: {:?}", view.status);
        assert!(!view.status.is_final());
    }
    assert_eq!(h.view(scheduled).await.due_at, date, "a schedule is a date");
    h.pass(599);
    assert_eq!(h.status(deferred).await, Status::Deferred, "{jump:?}");
    h.pass(1);
    assert_eq!(h.status(deferred).await, Status::Queued, "{jump:?}: no stall");
    h.store.close().await.unwrap();
}

#[tokio::test]
async fn b1_18_a_clock_that_is_set_expires_nothing_and_stalls_nothing() {
    for hours in [2, -2, 24 * 3650] {
        over_all(settings(), |h| check(h, SignedDuration::from_hours(hours))).await;
    }
}

#[tokio::test]
async fn b1_18_a_clock_set_right_while_we_are_down_stalls_nothing() {
    for years in [1, 10] {
        let h = disk(settings());
        let ahead = SignedDuration::from_hours(years * 24 * 365);
        let later = |seconds| h.now().checked_add(SignedDuration::from_secs(seconds)).unwrap();
        let deferred = h.insert(vec![job("deferred")]).await[0];
        let lease = h.lease_one().await;
        h.clock.jump(ahead);
        h.settle(lease, retry_at(later(600))).await;
        let new = NewJob { created_at: h.now(), due_at: h.now(), expires_at: later(7_200), ..job("new") };
        let new = h.insert(vec![new]).await[0];
        h.store.close().await.unwrap();
        h.clock.jump(-ahead);
        let (store, report) = AnyStore::open_disk(h.path(), settings(), h.clock.clone()).unwrap();
        assert_eq!(report.unsettled, 2);
        let view = store.get(deferred).await.unwrap().unwrap();
        assert_eq!((view.status, view.due_at), (Status::Deferred, later(600)), "{years}");
        store.poke();
        let view = store.get(new).await.unwrap().unwrap();
        assert_eq!((view.status, view.expires_at), (Status::Queued, later(7_200)), "{years}");
        store.close().await.unwrap();
    }
}
