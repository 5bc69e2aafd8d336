//! What a disk store knows after the process died.

use crate::house::{all, clock, copy, disk, failed, finals, job, jobs, retry_in, sent, settings};
use postrider_queue::{
    Action, AnyStore, Idempotency, Inserted, NewJob, Next, Settlement, Status, Store, StoreError,
    StoreSettings,
};
use std::time::Duration;

fn open(folder: &std::path::Path) -> (crate::house::House, postrider_queue::OpenReport) {
    let clock = clock();
    let (store, report) = AnyStore::open_disk(folder, settings(), clock.clone()).unwrap();
    (crate::house::House { store, clock, folder: None }, report)
}

#[tokio::test]
async fn what_was_accepted_is_there_after_a_crash() {
    let h = disk(settings());
    let ids = h.insert(jobs(&["one", "two"])).await;
    let crashed = copy(h.path());
    let (again, report) = open(crashed.path());
    assert_eq!((report.unsettled, report.possible_duplicates, report.torn, report.corrupt), (2, 0, 0, 0));
    let lease = again.lease_one().await;
    assert_eq!((lease.job.id, &lease.job.body), (ids[0], &job("one").body));
    assert!(!lease.job.possible_duplicate);
}

#[tokio::test]
async fn exactly_the_jobs_in_a_senders_hands_are_marked() {
    let h = disk(settings());
    let ids = h.insert(jobs(&["settled", "leased", "returned", "untouched"])).await;
    let mut leases = h.lease(3).await;
    drop(leases.pop());
    let leased = leases.pop().unwrap();
    h.settle(leases.pop().unwrap(), sent()).await;
    // The return of the dropped lease is on record once a later call is.
    h.insert(jobs(&["later"])).await;
    let crashed = copy(h.path());
    drop(leased);
    let (again, report) = open(crashed.path());
    assert_eq!((report.unsettled, report.possible_duplicates), (4, 1));
    let mut marked = Vec::new();
    for id in &ids {
        marked.push(again.view(*id).await.possible_duplicate);
    }
    assert_eq!(marked, [false, true, false, false]);
    assert_eq!(again.status(ids[0]).await, Status::Sent);
}

#[tokio::test]
async fn every_state_survives_a_restart() {
    let h = disk(settings());
    let ids = h.insert(jobs(&["sent", "failed", "deferred", "held", "cancelled", "purged"])).await;
    let mut leases = h.lease(3).await.into_iter();
    h.settle(leases.next().unwrap(), sent()).await;
    h.settle(leases.next().unwrap(), failed()).await;
    h.settle(leases.next().unwrap(), retry_in(60)).await;
    h.store.act(ids[3], Action::Hold("why".into())).await.unwrap();
    h.store.act(ids[4], Action::Cancel).await.unwrap();
    h.store.act(ids[5], Action::Cancel).await.unwrap();
    h.store.act(ids[5], Action::Purge).await.unwrap();
    let mut before = Vec::new();
    for id in &ids[..5] {
        before.push(h.view(*id).await);
    }
    h.store.close().await.unwrap();
    let (again, _) = open(h.path());
    for view in before {
        let after = again.view(view.id).await;
        assert_eq!((after.status, after.attempts, after.due_at), (view.status, view.attempts, view.due_at));
        assert_eq!(after.held_because, view.held_because);
    }
    assert!(again.store.get(ids[5]).await.unwrap().is_none());
}

#[tokio::test]
async fn doubt_and_attempts_survive_a_restart() {
    let h = disk(settings());
    let id = h.insert(jobs(&["one"])).await[0];
    let lease = h.lease_one().await;
    let mut doubtful = finals(&[], Next::RetryIn(Duration::ZERO));
    doubtful.in_doubt = true;
    h.settle(lease, doubtful).await;
    h.store.close().await.unwrap();
    let (again, report) = open(h.path());
    assert_eq!(report.possible_duplicates, 0, "its outcome is known: it is marked, but not by the crash");
    let lease = again.lease_one().await;
    assert_eq!((lease.job.id, lease.job.attempts, lease.job.possible_duplicate), (id, 1, true));
}

#[tokio::test]
async fn an_idempotency_key_survives_a_restart() {
    let keyed = || {
        let idempotency = Some(Idempotency { key: "k".into(), fingerprint: [1; 32], index: 0 });
        NewJob { idempotency, ..job("one") }
    };
    let h = disk(settings());
    let first = h.insert(vec![keyed()]).await[0];
    let crashed = copy(h.path());
    let (again, _) = open(crashed.path());
    assert_eq!(again.store.insert(vec![keyed()]).await.unwrap(), [Inserted::Repeat(first)]);
}

#[tokio::test]
async fn b1_24_a_second_opener_is_told_who_owns_the_folder() {
    let h = disk(settings());
    let Err(StoreError::Owned(text)) = AnyStore::open_disk(h.path(), settings(), clock()) else {
        panic!("opened")
    };
    assert!(text.contains(&std::process::id().to_string()), "{text}");
    assert!(text.contains(h.path().to_str().unwrap()), "{text}");
    h.store.close().await.unwrap();
    let (again, _) = open(h.path());
    assert_eq!(again.list(all()).await, []);
}

#[tokio::test]
async fn a_folder_that_cannot_be_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let Err(StoreError::Io(text)) = AnyStore::open_disk(file.path(), settings(), clock()) else {
        panic!("opened")
    };
    assert!(text.contains(file.path().to_str().unwrap()), "{text}");
}

#[tokio::test]
async fn a_disk_below_its_floor_refuses_and_goes_on_delivering() {
    let h = disk(settings());
    let id = h.insert(jobs(&["one"])).await[0];
    h.store.close().await.unwrap();
    let full = StoreSettings { space_floor: u64::MAX, ..settings() };
    let store = AnyStore::open_disk(h.path(), full, h.clock.clone()).unwrap().0;
    let again = crate::house::House { store, clock: h.clock.clone(), folder: None };
    let refused = again.store.insert(jobs(&["two"])).await;
    assert!(matches!(refused, Err(postrider_queue::InsertError::Full(_))), "{refused:?}");
    let lease = again.lease_one().await;
    again.settle(lease, sent()).await;
    assert_eq!(again.status(id).await, Status::Sent);
}

#[tokio::test]
async fn regress_the_mark_of_a_crash_survives_the_next_crash() {
    let h = disk(settings());
    let ids = h.insert(jobs(&["sent", "cancelled", "leased"])).await;
    let leases = h.lease(3).await;
    let first = copy(h.path());
    drop(leases);
    let (again, report) = open(first.path());
    assert_eq!(report.possible_duplicates, 3);
    let mut leases = again.lease(1).await;
    again.settle(leases.pop().unwrap(), sent()).await;
    again.store.act(ids[1], Action::Cancel).await.unwrap();
    let _leased = again.lease_one().await;
    let second = copy(first.path());
    let (last, report) = open(second.path());
    assert_eq!(report.possible_duplicates, 1);
    for id in ids {
        assert!(last.view(id).await.possible_duplicate);
    }
}

#[tokio::test]
async fn what_waits_for_a_relay_is_known_after_a_crash() {
    let h = disk(settings());
    let ids = h.insert(jobs(&["relay's trouble", "its own"])).await;
    let mut leases = h.lease(2).await.into_iter();
    h.settle(leases.next().unwrap(), Settlement { counted: false, ..retry_in(600) }).await;
    h.settle(leases.next().unwrap(), retry_in(600)).await;
    h.insert(jobs(&["so that all is on record"])).await;
    let crashed = copy(h.path());
    let (again, _) = open(crashed.path());
    assert_eq!(again.store.hurry("default".into(), "default".into()).await.unwrap(), 1);
    assert_eq!((again.status(ids[0]).await, again.status(ids[1]).await), (Status::Queued, Status::Deferred));
}
