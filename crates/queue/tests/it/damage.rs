//! A log that was damaged: what is whole goes on, what is not is cut or set aside, nothing panics.

use crate::house::{all, clock, copy, disk, job, jobs, segments, settings};
use postrider_queue::{AnyStore, OpenReport, Store, StoreError};
use std::path::Path;

/// Octets of one copy of a segment's header; it stands twice.
const HEADER: usize = 20;

/// Opens and reads every job's bytes; the subjects of those that are whole.
async fn whole(folder: &Path) -> (Vec<String>, OpenReport) {
    let (store, report) = AnyStore::open_disk(folder, settings(), clock()).unwrap();
    let mut found = Vec::new();
    for view in store.list(all()).await.unwrap().jobs {
        if let Ok(content) = store.content(view.id).await {
            assert_eq!(content.body, job(&view.meta.subject).body, "never an altered message");
            found.push(view.meta.subject);
        }
    }
    store.close().await.unwrap();
    found.reverse();
    (found, report)
}

const NAMES: [&str; 6] = ["m0", "m1", "m2", "m3", "m4", "m5"];

/// A log of six calls, and where each of them ends.
async fn six() -> (tempfile::TempDir, Vec<usize>) {
    let h = disk(settings());
    let mut ends = Vec::new();
    for name in NAMES {
        h.insert(jobs(&[name])).await;
        ends.push(std::fs::metadata(&segments(h.path())[0]).unwrap().len() as usize);
    }
    (copy(h.path()), ends)
}

#[tokio::test]
async fn b1_10_a_flipped_byte_costs_one_message_at_most() {
    let (log, ends) = six().await;
    let whole_log = std::fs::read(&segments(log.path())[0]).unwrap();
    for at in (0..whole_log.len()).step_by(37) {
        let damaged = copy(log.path());
        let mut bytes = whole_log.clone();
        bytes[at] ^= 0x10;
        std::fs::write(&segments(damaged.path())[0], bytes).unwrap();
        let (found, report) = whole(damaged.path()).await;
        let hit = ends.iter().filter(|end| **end <= at).count();
        let expected: Vec<_> = NAMES.iter().enumerate().filter(|(n, _)| *n != hit).map(|(_, s)| *s).collect();
        // The segment's header or a commit frame may be hit instead; then all of them are there.
        assert!(found == expected || found == NAMES, "byte {at}: {found:?}");
        if found != NAMES {
            assert_eq!((report.corrupt, report.torn), (1, 0), "byte {at}");
            assert_eq!(std::fs::read_dir(damaged.path().join("quarantine")).unwrap().count(), 1);
        }
    }
}

#[tokio::test]
async fn b1_11_a_log_cut_anywhere_keeps_every_call_before_the_cut() {
    let (log, ends) = six().await;
    let whole_log = std::fs::read(&segments(log.path())[0]).unwrap();
    for length in (0..=whole_log.len()).step_by(13) {
        let cut = copy(log.path());
        std::fs::write(&segments(cut.path())[0], &whole_log[..length]).unwrap();
        let (found, report) = whole(cut.path()).await;
        let sure = ends.iter().filter(|end| **end <= length).count();
        assert!(found.len() >= sure && found == NAMES[..found.len()], "{length}: {found:?}");
        assert_eq!(report.corrupt, 0, "a torn tail is no damage");
    }
}

#[tokio::test]
async fn b1_10_a_segment_whose_headers_are_both_damaged_is_set_aside_and_said() {
    let (log, _) = six().await;
    let path = segments(log.path())[0].clone();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[13] ^= 1;
    bytes[HEADER + 13] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let (found, report) = whole(log.path()).await;
    assert_eq!((found.len(), report.torn, report.corrupt), (0, 0, 1));
    let kept = log.path().join("quarantine").join(path.file_name().unwrap());
    assert_eq!(std::fs::read(kept).unwrap(), bytes);
}

#[tokio::test]
async fn b1_12_a_newer_log_is_refused_and_left_alone() {
    let (log, _) = six().await;
    let path = segments(log.path())[0].clone();
    let mut bytes = std::fs::read(&path).unwrap();
    (bytes[5], bytes[HEADER + 5]) = (b'2', b'2');
    std::fs::write(&path, &bytes).unwrap();
    let Err(StoreError::Format(text)) = AnyStore::open_disk(log.path(), settings(), clock()) else {
        panic!("opened")
    };
    assert!(text.contains("another version") && text.contains(path.to_str().unwrap()), "{text}");
    assert_eq!(std::fs::read(&path).unwrap(), bytes, "untouched");
}

#[tokio::test]
async fn a_batch_counts_whole_or_not_at_all() {
    let h = disk(settings());
    h.insert(jobs(&["before"])).await;
    let start = std::fs::metadata(&segments(h.path())[0]).unwrap().len() as usize;
    h.insert(jobs(&["x", "y", "z"])).await;
    let log = copy(h.path());
    let whole_log = std::fs::read(&segments(log.path())[0]).unwrap();
    for length in (start..whole_log.len()).step_by(11) {
        let cut = copy(log.path());
        std::fs::write(&segments(cut.path())[0], &whole_log[..length]).unwrap();
        let found = whole(cut.path()).await.0.len();
        assert!(found == 1 || found == 4, "{length}: {found}");
    }
}

#[tokio::test]
async fn bytes_that_look_like_a_frame_are_only_bytes() {
    let h = disk(settings());
    let mut trick = job("trick");
    trick.body = std::fs::read(&segments(six().await.0.path())[0]).unwrap().into();
    h.insert(vec![trick]).await;
    h.insert(jobs(&["after"])).await;
    let log = copy(h.path());
    let path = segments(log.path())[0].clone();
    let mut bytes = std::fs::read(&path).unwrap();
    // Damage the frame that holds the trick, so that the reader has to look for the next one.
    bytes[2 * HEADER + 8] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let (found, report) = whole(log.path()).await;
    assert_eq!((found, report.corrupt), (vec!["after".to_owned()], 1));
}
