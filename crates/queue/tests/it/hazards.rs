//! Cases of the hazards' list that are about the store as a whole.

use crate::house::{House, all, disk, job, jobs, memory, sent, settings};
use bytes::Bytes;
use postrider_queue::{AnyStore, JobId, NewJob, Store, StoreSettings};
use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

#[tokio::test]
async fn b1_25_a_queue_in_memory_says_that_it_is_not_durable() {
    assert!(!memory(settings()).store.durable());
    assert!(disk(settings()).store.durable());
}

/// Copies a running store file by file, as `cp -r` does; what goes away meanwhile is passed over.
fn copy(from: &Path, to: &Path) {
    let mut entries: Vec<_> = std::fs::read_dir(from).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            std::fs::create_dir(&target).unwrap();
            copy(&path, &target);
        } else {
            drop(std::fs::copy(&path, &target));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn b1_28_a_copy_of_the_running_store_has_every_mail_accepted_before_it() {
    let small = || StoreSettings { segment_octets: 30_000, big_body: 4_000, ..settings() };
    let h = disk(small());
    let (stop, accepted) = (AtomicBool::new(false), Mutex::new(Vec::<JobId>::new()));
    let submit = async {
        for n in 0_u32.. {
            let octets = if n % 9 == 0 { 5_000 } else { 500 };
            let new = NewJob { body: Bytes::from(vec![b'x'; octets]), ..job(&format!("mail {n}")) };
            let id = h.insert(vec![new]).await[0];
            accepted.lock().unwrap().push(id);
            if n % 3 == 0 {
                let lease = h.lease_one().await;
                h.settle(lease, sent()).await;
            }
            if stop.load(Ordering::Relaxed) {
                break;
            }
        }
    };
    let copies = async {
        for _ in 0..8 {
            for _ in 0..40 {
                h.store.stats().await.unwrap();
                tokio::task::yield_now().await;
            }
            let before = accepted.lock().unwrap().clone();
            let (from, to) = (h.path().to_owned(), tempfile::tempdir().unwrap());
            let to = tokio::task::spawn_blocking(move || {
                copy(&from, to.path());
                to
            });
            let to = to.await.unwrap();
            let (store, report) = AnyStore::open_disk(to.path(), small(), h.clock.clone()).unwrap();
            assert_eq!(report.corrupt, 0);
            let elsewhere = House { store, clock: h.clock.clone(), folder: None };
            for id in &before {
                assert!(elsewhere.store.get(*id).await.unwrap().is_some(), "{id}: {report:?}");
            }
        }
        stop.store(true, Ordering::Relaxed);
    };
    tokio::join!(submit, copies);
    assert!(!accepted.lock().unwrap().is_empty());
}

#[tokio::test]
async fn b1_5_a_first_start_cut_short_anywhere_is_no_obstacle() {
    // What a power cut leaves of a first start: any of its folders and files, the last of them empty or torn.
    let whole = disk(settings());
    let id = whole.insert(jobs(&["one"])).await[0];
    let log = std::fs::read(crate::house::segments(whole.path())[0].clone()).unwrap();
    let steps: [&[&str]; 6] = [
        &[],
        &["log"],
        &["log", "history"],
        &["log", "history", "bodies"],
        &["bodies"],
        &["history", "index"],
    ];
    for folders in steps {
        for torn in [None, Some(0), Some(7), Some(39), Some(40), Some(log.len())] {
            let folder = tempfile::tempdir().unwrap();
            for name in folders {
                std::fs::create_dir(folder.path().join(name)).unwrap();
            }
            std::fs::write(folder.path().join("lock"), "").unwrap();
            if let Some(octets) = torn.filter(|_| folders.contains(&"log")) {
                std::fs::write(folder.path().join("log/00000001.log"), &log[..octets]).unwrap();
            }
            let (store, report) =
                AnyStore::open_disk(folder.path(), settings(), whole.clock.clone()).unwrap();
            let again = House { store, clock: whole.clock.clone(), folder: Some(folder) };
            let there = torn == Some(log.len()) && folders.contains(&"log");
            assert_eq!((report.unsettled, report.corrupt), (u64::from(there), 0), "{folders:?} {torn:?}");
            let new = again.insert(jobs(&["two"])).await[0];
            let want = if there { vec![new, id] } else { vec![new] };
            assert_eq!(again.list(all()).await, want);
        }
    }
}
