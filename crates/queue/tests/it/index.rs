//! A start by the index of each segment, and what it must not differ in from a start that reads them.

use crate::house::{House, all, copy, disk, failed, job, jobs, retry_in, segments, sent, settings, to};
use postrider_queue::{
    Action, AnyStore, Idempotency, Inserted, NewJob, OpenReport, Status, Store, StoreSettings,
};
use std::path::{Path, PathBuf};
use std::time::Duration;

fn small() -> StoreSettings {
    StoreSettings { segment_octets: 6_000, ..settings() }
}

fn open(folder: &Path, h: &House) -> (House, OpenReport) {
    let (store, report) = AnyStore::open_disk(folder, small(), h.clock.clone()).unwrap();
    (House { store, clock: h.clock.clone(), folder: None }, report)
}

fn keyed() -> NewJob {
    let idempotency = Some(Idempotency { key: "k".into(), fingerprint: [1; 32], index: 0 });
    NewJob { idempotency, ..job("keyed") }
}

fn indices(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> =
        std::fs::read_dir(folder.join("index")).unwrap().map(|e| e.unwrap().path()).collect();
    found.sort();
    found
}

/// Jobs of every kind in several segments.
async fn full() -> House {
    let h = disk(small());
    h.insert(vec![keyed()]).await;
    let mut ids = h.insert(jobs(&["sent", "failed", "deferred", "in doubt", "held", "cancelled"])).await;
    ids.extend(h.insert(vec![to(job("three"), &["a@x.org", "b@x.org", "c@x.org"])]).await);
    let later = h.now().checked_add(Duration::from_secs(3600)).unwrap();
    h.insert(vec![
        NewJob { due_at: later, ..job("later") },
        NewJob { route: "other".into(), ..job("elsewhere") },
    ])
    .await;
    let mut leases = h.lease(5).await.into_iter();
    drop(leases.next());
    h.settle(leases.next().unwrap(), sent()).await;
    h.settle(leases.next().unwrap(), failed()).await;
    h.settle(leases.next().unwrap(), retry_in(3600)).await;
    let mut doubt = retry_in(3600);
    doubt.in_doubt = true;
    h.settle(leases.next().unwrap(), doubt).await;
    h.store.act(ids[4], Action::Hold("why".into())).await.unwrap();
    h.store.act(ids[5], Action::Cancel).await.unwrap();
    h.store.act(ids[2], Action::Retry).await.unwrap();
    for n in 0..30 {
        h.insert(jobs(&[&format!("more {n}")])).await;
    }
    h
}

/// All that can be seen of a store.
async fn seen(h: &House) -> String {
    let jobs = h.store.list(all()).await.unwrap().jobs;
    let stats = h.store.stats().await.unwrap();
    let (again, leases) = (h.store.insert(vec![keyed()]).await.unwrap(), h.lease(50).await);
    assert!(matches!(again[0], Inserted::Repeat(_)));
    let leases: Vec<_> = leases.iter().map(|l| &l.job).collect();
    format!("{jobs:#?} {:?} {:?} {leases:#?}", stats.by_status, stats.log_bytes)
}

#[tokio::test]
async fn a_start_by_index_is_a_start_by_reading() {
    let h = full().await;
    h.store.close().await.unwrap();
    let (by_reading, by_index) = (copy(h.path()), copy(h.path()));
    assert_eq!(indices(h.path()).len(), segments(h.path()).len());
    std::fs::create_dir(by_index.path().join("index")).unwrap();
    for path in indices(h.path()) {
        std::fs::copy(&path, by_index.path().join("index").join(path.file_name().unwrap())).unwrap();
    }
    let (read, first) = open(by_reading.path(), &h);
    let (indexed, second) = open(by_index.path(), &h);
    assert_eq!(first, second);
    assert_eq!(seen(&read).await, seen(&indexed).await);
}

#[tokio::test]
async fn an_index_that_does_not_fit_is_not_used() {
    let h = full().await;
    h.store.close().await.unwrap();
    let reading = copy(h.path());
    let whole = seen(&open(reading.path(), &h).0).await;
    let (one, other) = (indices(h.path())[0].clone(), indices(h.path())[1].clone());
    let bytes = std::fs::read(&one).unwrap();
    let spoils: Vec<Vec<u8>> = (0..bytes.len())
        .step_by(97)
        .flat_map(|at| {
            let mut flipped = bytes.clone();
            flipped[at] ^= 1;
            [flipped, bytes[..at].to_vec()]
        })
        .chain([std::fs::read(other).unwrap(), [&bytes[..], b"x"].concat()])
        .collect();
    for spoilt in spoils {
        let after = copy(h.path());
        std::fs::create_dir(after.path().join("index")).unwrap();
        std::fs::write(after.path().join("index").join(one.file_name().unwrap()), &spoilt).unwrap();
        let (again, _) = open(after.path(), &h);
        assert_eq!(seen(&again).await, whole);
    }
}

#[tokio::test]
async fn b1_30_a_start_reads_no_message() {
    let h = disk(small());
    let id = h.insert(vec![NewJob { body: vec![b'x'; 5000].into(), ..job("first") }]).await[0];
    h.insert(jobs(&["second", "third"])).await;
    h.store.close().await.unwrap();
    // A start that read the message would find this.
    let first = segments(h.path())[0].clone();
    let mut bytes = std::fs::read(&first).unwrap();
    let at = bytes.windows(100).position(|w| w == [b'x'; 100]).unwrap() + 2000;
    bytes[at] = b'y';
    std::fs::write(&first, &bytes).unwrap();
    let (again, report) = open(h.path(), &h);
    assert_eq!((report.unsettled, report.corrupt), (3, 0));
    // Nobody is sent it for all that.
    let leases = again.lease(3).await;
    assert_eq!(leases.len(), 2);
    assert_eq!(again.status(id).await, Status::Failed);
    assert_eq!(again.store.stats().await.unwrap().corrupt, 1);
}

#[tokio::test]
async fn an_index_goes_with_its_segment() {
    let h = disk(StoreSettings { keep_body: Duration::ZERO, ..small() });
    for n in 0..100 {
        h.insert(jobs(&[&format!("mail {n}")])).await;
        let lease = h.lease_one().await;
        h.settle(lease, sent()).await;
    }
    h.file().await;
    h.until(|_| segments(h.path()).len() < 4).await;
    assert!(indices(h.path()).len() < 4);
    h.store.close().await.unwrap();
    std::fs::write(h.path().join("index/00009999.idx"), b"left over").unwrap();
    open(h.path(), &h).0.store.close().await.unwrap();
    assert_eq!(indices(h.path()).len(), segments(h.path()).len());
}
