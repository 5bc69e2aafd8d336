//! What a hostile reader proved wrong once.

use crate::house::{all, copy, disk, finals, job, jobs, segments, sent, settings, to};
use postrider_queue::*;
use std::time::Duration;

fn keyed(text: &str, at: jiff::Timestamp) -> NewJob {
    let mut j = job(text);
    (j.created_at, j.due_at) = (at, at);
    j.idempotency = Some(Idempotency { key: "K".into(), fingerprint: [7; 32], index: 0 });
    j
}

#[tokio::test]
async fn regress_a_key_used_again_after_a_day_survives_the_restart() {
    let h = disk(settings());
    h.store.insert(vec![keyed("first", h.now())]).await.unwrap();
    h.pass(48 * 3600);
    let at = h.now();
    assert!(matches!(h.store.insert(vec![keyed("second", at)]).await.unwrap()[0], Inserted::New(_)));
    h.store.close().await.unwrap();
    let store = AnyStore::open_disk(h.path(), settings(), h.clock.clone()).unwrap().0;
    let again = store.insert(vec![keyed("third", at)]).await.unwrap();
    assert!(matches!(again[0], Inserted::Repeat(_)), "{again:?}");
}

#[tokio::test]
async fn regress_a_key_outlives_the_history_that_is_cut_short() {
    let s = || StoreSettings {
        segment_octets: 20_000,
        keep_body: Duration::ZERO,
        history_count: 10,
        ..settings()
    };
    let h = disk(s());
    h.insert(vec![keyed("first", h.now())]).await;
    let l = h.lease_one().await;
    h.settle(l, sent()).await;
    for n in 0..400 {
        h.insert(vec![job(&format!("c{n}"))]).await;
        let l = h.lease_one().await;
        h.settle(l, sent()).await;
    }
    let live = h.store.insert(vec![keyed("live", h.now())]).await.unwrap();
    assert!(matches!(live[0], Inserted::Repeat(_)), "live {live:?}");
    h.store.close().await.unwrap();
    let store = AnyStore::open_disk(h.path(), s(), h.clock.clone()).unwrap().0;
    let again = store.insert(vec![keyed("again", h.now())]).await.unwrap();
    assert!(matches!(again[0], Inserted::Repeat(_)), "{again:?}");
}

#[tokio::test]
async fn regress_a_damaged_leased_frame_does_not_reopen_sent_recipients() {
    let h = disk(settings());
    let id = h.insert(vec![to(job("two"), &["b@example.org", "c@example.org"])]).await[0];
    let seg = segments(h.path())[0].clone();
    let place = std::fs::metadata(&seg).unwrap().len() as usize;
    let lease = h.lease_one().await;
    h.settle(lease, finals(&[(0, RecipientState::Sent)], Next::RetryIn(Duration::from_secs(60)))).await;
    h.insert(vec![job("after")]).await;
    let c = copy(h.path());
    let path = segments(c.path())[0].clone();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[place + 30] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let (store, report) = AnyStore::open_disk(c.path(), settings(), h.clock.clone()).unwrap();
    let v = store.get(id).await.unwrap().unwrap();
    let states: Vec<_> = v.recipients.iter().map(|r| r.state).collect();
    println!(
        "{report:?} {:?} {states:?} dup={} attempts={}",
        v.status,
        v.possible_duplicate,
        v.attempts.len()
    );
    assert!(states[0] == RecipientState::Sent || v.possible_duplicate, "sent recipient open again, unmarked");
}

#[tokio::test]
async fn regress_one_flipped_byte_in_a_batch_costs_one_message() {
    let h = disk(settings());
    h.insert(jobs(&["before"])).await;
    let start = std::fs::metadata(&segments(h.path())[0]).unwrap().len() as usize;
    h.insert((0..100).map(|n| job(&format!("b{n}"))).collect()).await;
    h.insert(jobs(&["after"])).await;
    let c = copy(h.path());
    let path = segments(c.path())[0].clone();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes[start + 1500] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let (store, report) = AnyStore::open_disk(c.path(), settings(), h.clock.clone()).unwrap();
    let left = store.list(Filter { limit: 1000, ..all() }).await.unwrap().jobs.len();
    assert!(left >= 101, "{left} of 102 left, {report:?}");
}
