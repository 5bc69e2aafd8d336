//! Big bodies in files of their own.

use crate::house::{House, disk, job, jobs, sent, settings};
use bytes::Bytes;
use postrider_queue::{
    Action, AnyStore, ContentError, Idempotency, InsertError, Inserted, JobId, NewJob, OpenReport, Status,
    Store, StoreSettings,
};
use std::path::Path;
use std::time::Duration;

fn small() -> StoreSettings {
    StoreSettings { big_body: 1000, keep_body: Duration::ZERO, ..settings() }
}

fn big(text: &str) -> NewJob {
    NewJob { body: Bytes::from(format!("{text}\r\n").repeat(1000)), ..job(text) }
}

fn files(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder.join("bodies")).unwrap();
    let mut names: Vec<String> = names.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn path(folder: &Path, id: JobId) -> std::path::PathBuf {
    folder.join("bodies").join(id.to_string())
}

/// As a crash leaves it: log and bodies.
fn crashed(from: &Path) -> tempfile::TempDir {
    let to = crate::house::copy(from);
    std::fs::create_dir(to.path().join("bodies")).unwrap();
    for name in files(from) {
        std::fs::copy(from.join("bodies").join(&name), to.path().join("bodies").join(&name)).unwrap();
    }
    to
}

fn open(folder: &Path, h: &House) -> (House, OpenReport) {
    let (store, report) = AnyStore::open_disk(folder, small(), h.clock.clone()).unwrap();
    (House { store, clock: h.clock.clone(), folder: None }, report)
}

#[tokio::test]
async fn a_big_body_goes_by_file_and_goes_away() {
    let h = disk(small());
    let new = big("one");
    let (body, size) = (new.body.clone(), (new.header.len() + new.body.len()) as u64);
    let id = h.insert(vec![new]).await[0];
    assert_eq!(files(h.path()), [id.to_string()]);
    assert!(h.store.stats().await.unwrap().log_bytes < 1000);
    assert_eq!((h.view(id).await.size, h.store.content(id).await.unwrap().body), (size, body.clone()));
    let lease = h.lease_one().await;
    assert_eq!(lease.job.body, body);
    drop(lease);
    let after = crashed(h.path());
    let (again, report) = open(after.path(), &h);
    assert_eq!((report.unsettled, report.orphans), (1, 0));
    assert_eq!(again.lease_one().await.job.body, body);
    let lease = h.lease_one().await;
    h.settle(lease, sent()).await;
    assert!(matches!(h.store.content(id).await, Err(ContentError::Gone)));
    h.until(|_| files(h.path()).is_empty()).await;
    h.file().await;
    assert_eq!((h.status(id).await, h.view(id).await.size), (Status::Sent, size));
}

#[tokio::test]
async fn a_body_goes_only_after_the_record_that_ends_its_job_is_synced() {
    let h = disk(small());
    h.insert(vec![big("one")]).await;
    let before = h.store.stats().await.unwrap().syncs;
    let lease = h.lease_one().await;
    h.settle(lease, sent()).await;
    h.until(|_| files(h.path()).is_empty()).await;
    assert!(h.store.stats().await.unwrap().syncs >= before + 2, "one for the lease, one for its end");
    let after = crashed(h.path());
    let (_, report) = open(after.path(), &h);
    assert_eq!((report.unsettled, report.corrupt), (0, 0));
}

#[tokio::test]
async fn b1_4_a_body_without_its_record_is_removed_and_counted() {
    let h = disk(small());
    let kept = h.insert(vec![big("kept")]).await[0];
    let after = crashed(h.path());
    // The power went after the body's sync and before its record, or in the middle of the body.
    for (n, octets) in [(1, 5000), (2, 7), (3, 0)] {
        std::fs::write(path(after.path(), JobId(uuid::Uuid::from_u128(n))), vec![b'x'; octets]).unwrap();
    }
    std::fs::write(after.path().join("bodies/README"), "not ours").unwrap();
    let (again, report) = open(after.path(), &h);
    assert_eq!((report.unsettled, report.orphans, report.corrupt), (1, 3, 0));
    assert_eq!(files(after.path()), [kept.to_string(), "README".into()]);
    assert_eq!(again.lease_one().await.job.id, kept);
}

#[tokio::test]
async fn b1_4_a_body_that_is_not_what_was_written_is_never_sent() {
    let spoils: [fn(&mut Vec<u8>); 5] =
        [|_| {}, |b| b.truncate(10), |b| b.clear(), |b| b[77] ^= 1, |b| b.push(0)];
    for spoil in spoils {
        let h = disk(small());
        let id = h.insert(vec![big("one")]).await[0];
        let after = crashed(h.path());
        let mut bytes = std::fs::read(path(after.path(), id)).unwrap();
        let whole = bytes.clone();
        spoil(&mut bytes);
        std::fs::write(path(after.path(), id), &bytes).unwrap();
        let (again, _) = open(after.path(), &h);
        let leases = again.lease(1).await;
        if bytes == whole {
            assert_eq!(leases.len(), 1);
            continue;
        }
        assert!(leases.is_empty(), "{} octets", bytes.len());
        let view = again.view(id).await;
        assert_eq!(view.status, Status::Failed);
        assert!(view.held_because.unwrap().contains("damaged"));
        assert_eq!(again.store.stats().await.unwrap().corrupt, 1);
    }
}

#[tokio::test]
async fn what_is_not_stored_leaves_no_body() {
    let keyed = |text: &str, fingerprint: u8| {
        let idempotency = Some(Idempotency { key: "k".into(), fingerprint: [fingerprint; 32], index: 0 });
        NewJob { idempotency, ..big(text) }
    };
    let h = disk(StoreSettings { length: Some(1), ..small() });
    let id = h.insert(vec![keyed("one", 1)]).await[0];
    let only = [id.to_string()];
    assert_eq!(h.store.insert(vec![keyed("one", 1)]).await.unwrap(), [Inserted::Repeat(id)]);
    assert_eq!(files(h.path()), only);
    assert!(matches!(h.store.insert(vec![keyed("one", 2)]).await, Err(InsertError::KeyReused(_))));
    assert!(matches!(h.store.insert(vec![big("two")]).await, Err(InsertError::Crowded(_))));
    assert_eq!(files(h.path()), only);
    h.store.act(id, Action::Cancel).await.unwrap();
    h.store.act(id, Action::Purge).await.unwrap();
    h.until(|_| files(h.path()).is_empty()).await;
}

#[tokio::test]
async fn b1_29_big_bodies_are_in_memory_a_few_at_a_time() {
    let body = 2_000_000;
    let h = disk(StoreSettings { bodies_in_memory: 5_000_000, ..small() });
    let ids = h
        .insert((0..50).map(|n| NewJob { body: vec![b'x'; body].into(), ..job(&n.to_string()) }).collect())
        .await;
    let (mut held, mut done) = (Vec::new(), 0);
    while done < ids.len() {
        let mut asking = Box::pin(h.lease(64));
        // A lessee that must wait for memory is told apart from one that is served by the round trips it gets.
        let got = tokio::select! {
            biased;
            got = &mut asking => got,
            () = rounds(&h, if held.len() < 2 { 100_000 } else { 200 }) => Vec::new(),
        };
        drop(asking);
        assert!(got.len() <= 1, "big mail is leased alone");
        held.extend(got);
        assert!(held.len() <= 2, "{} bodies of {body} octets in memory, 5,000,000 are allowed", held.len());
        if held.len() == 2 {
            for lease in held.drain(..) {
                assert_eq!(lease.job.body.len(), body);
                h.settle(lease, sent()).await;
                done += 1;
            }
        }
    }
    h.until(|stats| stats.unsettled == 0 && files(h.path()).is_empty()).await;
}

async fn rounds(h: &House, n: usize) {
    for _ in 0..n {
        h.store.stats().await.unwrap();
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_segment_goes_without_copying_the_bodies_beside_it() {
    let h = disk(StoreSettings { segment_octets: 20_000, ..small() });
    let id = h.insert(vec![big("waits")]).await[0];
    h.store.act(id, Action::Hold("why".into())).await.unwrap();
    let first = crate::house::segments(h.path())[0].clone();
    for n in 0..100 {
        h.insert(jobs(&[&format!("churn{n}")])).await;
        let lease = h.lease_one().await;
        h.settle(lease, sent()).await;
    }
    h.file().await;
    h.until(|_| !first.exists()).await;
    let after = crashed(h.path());
    let (again, report) = open(after.path(), &h);
    assert_eq!((report.unsettled, report.orphans), (1, 0));
    assert_eq!(again.store.content(id).await.unwrap().body, big("waits").body);
}
