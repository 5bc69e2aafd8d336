//! Bytes that were flipped, cut off or written by someone else: never a panic, never a torn mail,
//! and what is undamaged goes on.

use crate::bench::{Bench, clock, finals, folder, job, settings};
use crate::restart::copy;
use bytes::Bytes;
use postrider_queue::{AnyStore, JobId, NewJob, RecipientState, Store, StoreError};
use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Octets of a segment's two headers.
const HEADERS: u64 = 40;

type Bodies = HashMap<JobId, Bytes>;

fn the_segment(folder: &Path) -> PathBuf {
    let log = folder.join("log");
    let mut all: Vec<_> = fs::read_dir(log).unwrap().map(|e| e.unwrap().path()).collect();
    all.sort();
    assert_eq!(all.len(), 1, "{all:?}");
    all.remove(0)
}

/// A closed store of one segment with `count` jobs waiting, each in a call of its own; every job's
/// body, and the log's length after each call.
async fn waiting(count: usize) -> (tempfile::TempDir, Bodies, Vec<(u64, JobId)>) {
    let bench = Bench::disk(settings());
    let (mut bodies, mut ends) = (Bodies::new(), Vec::new());
    for _ in 0..count {
        let mut new = job();
        let line = format!("line of {}\r\n", new.id);
        new.body = line.repeat(20).into();
        bodies.insert(new.id, new.body.clone());
        let id = bench.insert(new).await;
        ends.push((fs::metadata(the_segment(bench.path())).unwrap().len(), id));
    }
    bench.store.close().await.unwrap();
    (bench.folder.unwrap(), bodies, ends)
}

/// What a store makes of a damaged folder.
struct Opened {
    bench: Bench,
    corrupt: u64,
    torn: u64,
    /// Leased whole, with the body that was inserted.
    good: Vec<JobId>,
}

/// Opens a damaged copy and leases all there is; every body must be as it was inserted.
async fn open(folder: tempfile::TempDir, bodies: &Bodies) -> Opened {
    let clock = clock();
    let (store, report) = AnyStore::open_disk(folder.path(), settings(), clock.clone()).unwrap();
    let bench = Bench { store, clock, folder: Some(folder) };
    let mut good = Vec::new();
    while bench.store.stats().await.unwrap().by_status.iter().any(|(s, n)| *s == "queued" && *n > 0) {
        for lease in bench.lease(100).await {
            assert_eq!(bodies[&lease.job.id], lease.job.body);
            good.push(lease.job.id);
            bench.settle(lease, finals(&[(0, RecipientState::Sent)])).await;
        }
    }
    Opened { corrupt: report.corrupt, torn: report.torn, bench, good }
}

/// Without an index, as a segment is that did not end: all of it is read.
fn damaged_copy(from: &Path, damage: impl FnOnce(&mut Vec<u8>)) -> tempfile::TempDir {
    let folder = damaged_under_an_index(from, damage);
    fs::remove_dir_all(folder.path().join("index")).unwrap();
    folder
}

fn damaged_under_an_index(from: &Path, damage: impl FnOnce(&mut Vec<u8>)) -> tempfile::TempDir {
    let folder = folder();
    copy(from, folder.path()).unwrap();
    let path = the_segment(folder.path());
    let mut bytes = fs::read(&path).unwrap();
    damage(&mut bytes);
    fs::write(path, bytes).unwrap();
    folder
}

#[tokio::test]
async fn a_flipped_byte_in_any_block_costs_one_message_at_most() {
    let (folder, bodies, _) = waiting(8).await;
    let length = fs::metadata(the_segment(folder.path())).unwrap().len() as usize;
    for block in (0..length).step_by(512) {
        for place in [block, (block + 300).min(length - 1)] {
            flip(&folder, place, &bodies).await;
        }
    }
}

async fn flip(folder: &tempfile::TempDir, place: usize, bodies: &Bodies) {
    let copy = damaged_copy(folder.path(), |bytes| bytes[place] ^= 0x10);
    let opened = open(copy, bodies).await;
    assert!(opened.good.len() >= 7, "at {place}: {} are left", opened.good.len());
    let said = opened.corrupt > 0 || opened.torn > 0;
    assert!(said || place < HEADERS as usize, "at {place}: nothing is said");
    if opened.good.len() == 7 {
        assert_eq!(opened.corrupt, 1, "at {place}");
        assert_eq!(opened.bench.store.stats().await.unwrap().corrupt, 1);
        let kept = fs::read_dir(opened.bench.path().join("quarantine")).unwrap().count();
        assert_eq!(kept, 1, "at {place}");
    }
}

#[tokio::test]
async fn b1_10_a_flipped_byte_under_an_index_shows_when_its_message_is_read() {
    let (folder, bodies, _) = waiting(8).await;
    let length = fs::metadata(the_segment(folder.path())).unwrap().len() as usize;
    let mut noticed = 0;
    for place in (0..length).step_by(150) {
        let copy = damaged_under_an_index(folder.path(), |bytes| bytes[place] ^= 0x10);
        let opened = open(copy, &bodies).await;
        let stats = opened.bench.store.stats().await.unwrap();
        assert!(opened.good.len() >= 7, "at {place}: {} are left", opened.good.len());
        if opened.good.len() == 7 {
            noticed += 1;
            assert_eq!(stats.corrupt, 1, "at {place}");
            assert!(stats.by_status.contains(&("failed", 1)), "at {place}: {:?}", stats.by_status);
        }
    }
    assert!(noticed > length / 150 / 2, "{noticed}");
}

#[tokio::test]
async fn a_log_cut_at_any_length_opens_to_its_last_whole_call() {
    let (folder, bodies, ends) = waiting(3).await;
    let length = ends.last().unwrap().0;
    for cut in 0..length {
        let copy = damaged_copy(folder.path(), |bytes| bytes.truncate(cut as usize));
        let opened = open(copy, &bodies).await;
        let synced: Vec<_> = ends.iter().filter(|(end, _)| *end <= cut).map(|(_, id)| *id).collect();
        assert!(synced.iter().all(|id| opened.good.contains(id)), "cut at {cut}: a synced call is gone");
        assert!(opened.good.len() <= synced.len() + 1, "cut at {cut}");
        assert_eq!(opened.corrupt, 0, "cut at {cut}");
        let last = ends.iter().map(|(end, _)| *end).filter(|end| *end <= cut).max().unwrap_or(0);
        if opened.good.len() == synced.len() && cut > last.max(HEADERS) {
            assert_eq!(opened.torn, cut - last.max(HEADERS), "cut at {cut}: the dropped octets are said");
        }
    }
}

#[tokio::test]
async fn after_a_cut_the_store_takes_mail_again() {
    let (folder, bodies, ends) = waiting(3).await;
    let copy = damaged_copy(folder.path(), |bytes| bytes.truncate(ends[2].0 as usize - 200));
    let opened = open(copy, &bodies).await;
    assert_eq!(opened.good.len(), 2);
    let id = opened.bench.insert(job()).await;
    opened.bench.store.close().await.unwrap();
    let Bench { store, folder, clock } = opened.bench;
    drop(store);
    let folder = folder.unwrap();
    let (store, report) = AnyStore::open_disk(folder.path(), settings(), clock).unwrap();
    assert_eq!((report.torn, report.corrupt, report.unsettled), (0, 0, 1));
    assert!(store.get(id).await.unwrap().is_some());
}

#[tokio::test]
async fn a_frame_in_a_mail_body_is_no_frame() {
    let (folder, _, _) = waiting(1).await;
    let log = fs::read(the_segment(folder.path())).unwrap();
    let bench = Bench::disk(settings());
    // A stranger's whole log in a body, and damage before it so that the scan has to search.
    let first = bench.insert(job()).await;
    let trap = NewJob { body: log.into(), ..job() };
    let bodies = Bodies::from([(trap.id, trap.body.clone()), (first, Bytes::new())]);
    let trapped = bench.insert(trap).await;
    bench.store.close().await.unwrap();
    let copy = damaged_copy(bench.path(), |bytes| bytes[60] ^= 1);
    let opened = open(copy, &bodies).await;
    assert_eq!((opened.good, opened.corrupt), (vec![trapped], 1));
}

#[tokio::test]
async fn a_later_version_is_refused_and_nothing_is_touched() {
    let (folder, _, _) = waiting(2).await;
    let copy = damaged_copy(folder.path(), |bytes| (bytes[5], bytes[25]) = (b'9', b'9'));
    let before = fs::read(the_segment(copy.path())).unwrap();
    let opened = AnyStore::open_disk(copy.path(), settings(), clock());
    let Err(StoreError::Format(text)) = opened else { panic!("{opened:?}") };
    assert!(text.contains("00000001.log") && text.contains("version"), "{text}");
    assert_eq!(fs::read(the_segment(copy.path())).unwrap(), before);
    assert!(!copy.path().join("quarantine").exists());
}

#[tokio::test]
async fn a_message_damaged_while_we_run_fails_visibly() {
    let bench = Bench::disk(settings());
    let (bad, good) = (bench.insert(job()).await, bench.insert(job()).await);
    let path = the_segment(bench.path());
    let mut bytes = fs::read(&path).unwrap();
    let needle = format!("body of {bad}");
    let place = bytes.windows(needle.len()).position(|w| w == needle.as_bytes()).unwrap();
    bytes[place] ^= 1;
    // In place: the store has the file open.
    use std::os::unix::fs::FileExt;
    let file = fs::OpenOptions::new().write(true).open(path).unwrap();
    file.write_all_at(&bytes[place..=place], place as u64).unwrap();
    let leases = bench.lease(2).await;
    assert_eq!(leases.iter().map(|l| l.job.id).collect::<Vec<_>>(), [good]);
    let stats = bench.store.stats().await.unwrap();
    assert_eq!(stats.corrupt, 1);
    assert!(stats.by_status.contains(&("failed", 1)), "{:?}", stats.by_status);
}
