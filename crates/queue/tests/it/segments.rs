//! Segments begin, are freed from the oldest end, and fail to be made.

use crate::bench::{Bench, job, sent, settings};
use crate::restart::{crash, reopen};
use bytes::Bytes;
use postrider_queue::{Action, InsertError, JobId, NewJob, Status, Store, StoreSettings};
use std::fs;
use std::path::PathBuf;

const SEGMENT: u64 = 8 << 10;

fn small() -> StoreSettings {
    StoreSettings { segment_octets: SEGMENT, ..settings() }
}

fn segments(bench: &Bench) -> Vec<PathBuf> {
    let mut all: Vec<_> =
        fs::read_dir(bench.path().join("log")).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    all
}

fn big() -> NewJob {
    NewJob { body: Bytes::from(vec![b'x'; 3000]), ..job() }
}

/// So many jobs in and out.
async fn traffic(bench: &Bench, jobs: usize) -> Vec<JobId> {
    let mut ids = Vec::new();
    for _ in 0..jobs {
        ids.push(bench.insert(big()).await);
        bench.work(sent()).await;
    }
    ids
}

/// Lets the store free what it may: it works on that between calls.
async fn tidy(bench: &Bench) {
    for _ in 0..200 {
        bench.store.stats().await.unwrap();
    }
}

#[tokio::test]
async fn what_lives_in_an_old_segment_is_carried_forward() {
    let bench = Bench::disk(small());
    let held = bench.insert(big()).await;
    bench.store.act(held, Action::Hold("stay".into())).await.unwrap();
    let scheduled = bench.insert(NewJob { due_at: crate::bench::at(999), ..big() }).await;
    let done = traffic(&bench, 40).await;
    bench.until(|_| !bench.path().join("log/00000001.log").exists()).await;
    let octets = || -> u64 { segments(&bench).iter().map(|p| fs::metadata(p).unwrap().len()).sum() };
    bench.until(|_| octets() < 10 * SEGMENT).await;
    let (mut bench, mut report) = crash(&bench, small());
    for _ in 0..3 {
        assert_eq!((report.unsettled, report.possible_duplicates, report.corrupt), (2, 0, 0));
        assert_eq!(bench.view(held).await.held_because.as_deref(), Some("stay"));
        assert_eq!(bench.status(scheduled).await, Status::Scheduled);
        for id in &done {
            let view = bench.view(*id).await;
            assert_eq!((view.status, view.attempts.len()), (Status::Sent, 1));
        }
        traffic(&bench, 10).await;
        tidy(&bench).await;
        (bench, report) = reopen(bench, small()).await;
    }
    bench.store.act(held, Action::Release).await.unwrap();
    assert_eq!(bench.one().await.job.body, Bytes::from(vec![b'x'; 3000]));
}

#[tokio::test]
async fn a_lease_under_way_survives_its_segment() {
    let bench = Bench::disk(small());
    let out = bench.insert(big()).await;
    let lease = bench.one().await;
    traffic(&bench, 40).await;
    bench.until(|_| !bench.path().join("log/00000001.log").exists()).await;
    let (after, report) = crash(&bench, small());
    assert_eq!((report.unsettled, report.possible_duplicates), (1, 1));
    assert!(after.view(out).await.possible_duplicate);
    bench.settle(lease, sent()).await;
    assert_eq!(bench.status(out).await, Status::Sent);
}

#[tokio::test]
async fn a_log_that_cannot_grow_refuses_and_recovers() {
    let bench = Bench::disk(settings());
    // The first segment is made with the first call; its name is taken by something else.
    fs::create_dir(bench.path().join("log/00000001.log")).unwrap();
    let new = job();
    let id = new.id;
    let refused = bench.store.insert(vec![new]).await;
    assert!(matches!(refused, Err(InsertError::Store(_))), "{refused:?}");
    assert!(bench.store.get(id).await.unwrap().is_none());
    assert!(bench.store.refusing().is_some_and(|why| why.contains("write")));
    fs::remove_dir(bench.path().join("log/00000001.log")).unwrap();
    let id = bench.insert(job()).await;
    assert_eq!(bench.store.refusing(), None);
    let (after, report) = crash(&bench, settings());
    assert_eq!(report.unsettled, 1);
    assert_eq!(after.one().await.job.id, id);
}

#[tokio::test]
async fn settlements_outlive_a_failed_write() {
    let bench = Bench::disk(StoreSettings { segment_octets: 1, ..settings() });
    let id = bench.insert(job()).await;
    let lease = bench.one().await;
    let next = segments(&bench).len() + 1;
    let taken = bench.path().join(format!("log/{next:08}.log"));
    fs::create_dir(&taken).unwrap();
    bench.settle(lease, sent()).await;
    assert_eq!(bench.status(id).await, Status::Sent);
    fs::remove_dir(&taken).unwrap();
    // The next call that is synced takes the settlement with it.
    bench.insert(job()).await;
    let (after, report) = crash(&bench, settings());
    assert_eq!((report.unsettled, report.possible_duplicates), (1, 0));
    assert_eq!(after.status(id).await, Status::Sent);
}

#[tokio::test]
async fn a_full_disk_refuses_intake_and_goes_on_delivering() {
    let bench = Bench::disk(settings());
    let id = bench.insert(job()).await;
    let floor = StoreSettings { space_floor: u64::MAX, ..settings() };
    let (bench, _) = reopen(bench, floor).await;
    let full = bench.store.insert(vec![job()]).await;
    assert!(matches!(full, Err(InsertError::Full(_))), "{full:?}");
    bench.work(sent()).await;
    assert_eq!(bench.status(id).await, Status::Sent);
}
