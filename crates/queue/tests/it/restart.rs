//! What a process leaves behind when it ends at any moment, and what the next one makes of it.

use crate::bench::{Bench, at, failed, finals, folder, job, job_to, retry_in, sent, settings};
use crate::intake::keyed;
use postrider_queue::{
    Action, AnyStore, ContentError, Inserted, NewJob, OpenReport, RecipientState, Settlement, Status, Store,
    StoreError, StoreSettings,
};
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

pub(crate) fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy(&entry.path(), &target)?,
            false => drop(fs::copy(entry.path(), target)?),
        }
    }
    Ok(())
}

/// The log's files, in order.
fn log(folder: &Path) -> BTreeSet<PathBuf> {
    fs::read_dir(folder.join("log")).unwrap().map(|e| e.unwrap().path()).collect()
}

/// Opens what a crash at this moment would leave: a copy of the folder as it now stands.
pub(crate) fn crash(bench: &Bench, settings: StoreSettings) -> (Bench, OpenReport) {
    let mut folder = folder();
    loop {
        let before = log(bench.path());
        // A segment that goes while we copy would make a picture that no crash leaves.
        if copy(bench.path(), folder.path()).is_ok() && log(bench.path()) == before {
            break;
        }
        folder = crate::bench::folder();
    }
    let (store, report) = AnyStore::open_disk(folder.path(), settings, bench.clock.clone()).unwrap();
    (Bench { store, clock: bench.clock.clone(), folder: Some(folder) }, report)
}

/// Closes a store and opens it again.
pub(crate) async fn reopen(bench: Bench, settings: StoreSettings) -> (Bench, OpenReport) {
    bench.store.close().await.unwrap();
    let Bench { store, clock, folder } = bench;
    drop(store);
    let path = folder.as_ref().unwrap().path().to_owned();
    let (store, report) = AnyStore::open_disk(&path, settings, clock.clone()).unwrap();
    (Bench { store, clock, folder }, report)
}

#[tokio::test]
async fn exactly_the_leased_jobs_are_possible_duplicates() {
    let bench = Bench::disk(settings());
    let done = bench.insert(job()).await;
    bench.work(sent()).await;
    let deferred = bench.insert(job()).await;
    bench.work(retry_in(60)).await;
    let returned = bench.insert(job()).await;
    drop(bench.one().await);
    bench.store.act(returned, Action::Hold("later".into())).await.unwrap();
    let out = [bench.insert(job()).await, bench.insert(job()).await];
    let leases = bench.lease(2).await;
    let waiting = bench.insert(job()).await;
    let (after, report) = crash(&bench, settings());
    assert_eq!(report, OpenReport { unsettled: 5, possible_duplicates: 2, ..OpenReport::default() });
    let check = async |id, status: Status, marked: bool| {
        let view = after.view(id).await;
        assert_eq!((view.status, view.possible_duplicate), (status, marked));
    };
    check(done, Status::Sent, false).await;
    check(deferred, Status::Deferred, false).await;
    check(returned, Status::Held, false).await;
    check(waiting, Status::Queued, false).await;
    check(out[0], Status::Queued, true).await;
    check(out[1], Status::Queued, true).await;
    assert_eq!(leases.len(), 2);
}

#[tokio::test]
async fn everything_that_was_answered_is_there_again() {
    let bench = Bench::disk(settings());
    let waiting = job_to(&["one@example.org", "two@example.org"]);
    let id = bench.insert(waiting.clone()).await;
    bench.work(Settlement { next: retry_in(60).next, ..finals(&[(1, RecipientState::Sent)]) }).await;
    let scheduled = bench.insert(NewJob { due_at: at(99), ..job() }).await;
    bench.store.act(scheduled, Action::Reschedule(at(120))).await.unwrap();
    let held = bench.insert(job()).await;
    bench.store.act(held, Action::Hold("look".into())).await.unwrap();
    let cancelled = bench.insert(job()).await;
    bench.store.act(cancelled, Action::Cancel).await.unwrap();
    let dead = bench.insert(job()).await;
    bench.work(failed()).await;
    let purged = bench.insert(job()).await;
    bench.work(failed()).await;
    bench.store.act(purged, Action::Purge).await.unwrap();
    let ids = [id, scheduled, held, cancelled, dead];
    let mut before = Vec::new();
    for id in ids {
        before.push(format!("{:?}", bench.view(id).await));
    }
    let (mut bench, mut report) = reopen(bench, settings()).await;
    for _ in 0..2 {
        assert_eq!(report, OpenReport { unsettled: 3, ..OpenReport::default() });
        for (id, before) in ids.iter().zip(&before) {
            assert_eq!(format!("{:?}", bench.view(*id).await), *before);
        }
        assert!(bench.store.get(purged).await.unwrap().is_none());
        assert!(matches!(bench.store.content(cancelled).await, Err(ContentError::Gone)));
        (bench, report) = reopen(bench, settings()).await;
    }
    bench.set(60);
    let lease = bench.one().await;
    assert_eq!((lease.job.id, &lease.job.open[..]), (id, &[0][..]));
    assert_eq!((&lease.job.header, &lease.job.body), (&waiting.header, &waiting.body));
    assert_eq!((&lease.job.envelope, &*lease.job.meta), (&waiting.envelope, &waiting.meta));
}

#[tokio::test]
async fn keys_are_known_again_for_a_day() {
    let bench = Bench::disk(settings());
    let id = bench.insert(keyed(job(), "k", 0, 1)).await;
    bench.work(sent()).await;
    bench.set(3600);
    let (bench, _) = reopen(bench, settings()).await;
    assert_eq!(bench.store.insert(vec![keyed(job(), "k", 0, 1)]).await.unwrap(), [Inserted::Repeat(id)]);
    bench.store.insert(vec![keyed(job(), "k", 0, 2)]).await.unwrap_err();
    bench.set(24 * 3600);
    let (bench, _) = reopen(bench, settings()).await;
    bench.insert(keyed(job(), "k", 0, 2)).await;
}

#[tokio::test]
async fn a_job_that_expired_meanwhile_is_not_leased() {
    let bench = Bench::disk(settings());
    let id = bench.insert(NewJob { expires_at: at(10), ..job() }).await;
    bench.store.close().await.unwrap();
    bench.set(11);
    let (bench, _) = reopen(bench, settings()).await;
    bench.has_nothing_to_lease().await;
    assert_eq!(bench.status(id).await, Status::Expired);
}

#[tokio::test]
async fn a_second_opener_is_told_who_has_the_folder() {
    let bench = Bench::disk(settings());
    let second = AnyStore::open_disk(bench.path(), settings(), bench.clock.clone());
    let Err(StoreError::Owned(text)) = second else { panic!("{second:?}") };
    assert!(text.contains(&std::process::id().to_string()), "{text}");
    assert!(text.contains(bench.path().to_str().unwrap()), "{text}");
    // A lock file that nobody holds is no obstacle.
    let (after, _) = crash(&bench, settings());
    assert!(after.path().join("lock").exists());
}

#[tokio::test]
async fn only_the_owner_may_read() {
    let bench = Bench::disk(settings());
    bench.insert(job()).await;
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&bench.path().join("log")), 0o700);
    assert_eq!(mode(&bench.path().join("lock")), 0o600);
    for entry in fs::read_dir(bench.path().join("log")).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
    let made = bench.path().join("new/deep");
    drop(AnyStore::open_disk(&made, settings(), bench.clock.clone()).unwrap());
    assert_eq!(mode(&made), 0o700);
}

#[tokio::test]
async fn a_folder_that_is_a_file_is_named() {
    let bench = Bench::disk(settings());
    let path = bench.path().join("file");
    fs::write(&path, b"x").unwrap();
    let opened = AnyStore::open_disk(&path, settings(), bench.clock.clone());
    let Err(StoreError::Io(text)) = opened else { panic!("{opened:?}") };
    assert!(text.contains(path.to_str().unwrap()), "{text}");
}
