//! What a review found, each as a test.

use crate::bench::{Bench, LIFETIME, at, failed, finals, job, job_to, retry_in, sent, settings};
use crate::intake::keyed;
use crate::restart::reopen;
use postrider_queue::{
    Action, InsertError, LeaseAsk, NewJob, RecipientState, Settlement, Status, Store, StoreSettings,
};
use std::time::Duration;

#[tokio::test]
async fn regress_a_purge_says_what_it_purged() {
    let bench = Bench::memory(settings());
    let id = bench.insert(job()).await;
    bench.work(sent()).await;
    assert_eq!(bench.store.act(id, Action::Purge).await.unwrap(), Status::Sent);
}

#[tokio::test]
async fn regress_a_job_moved_past_its_end_lives_on() {
    let bench = Bench::memory(settings());
    let id = bench.insert(NewJob { due_at: at(100), ..job() }).await;
    bench.store.act(id, Action::Reschedule(at(2 * LIFETIME))).await.unwrap();
    bench.set(2 * LIFETIME);
    assert_eq!(bench.one().await.job.id, id);
}

#[tokio::test]
async fn regress_no_word_of_scheduled_for_a_job_due_now() {
    let bench = Bench::memory(settings());
    let mut changes = bench.store.changes();
    bench.insert(job()).await;
    assert_eq!(changes.try_recv().unwrap().status, Status::Queued);
}

#[tokio::test]
async fn regress_a_key_twice_in_one_call() {
    let bench = Bench::memory(settings());
    let (a, b) = (keyed(job(), "k", 0, 1), keyed(job(), "k", 0, 2));
    let got = bench.store.insert(vec![a, b]).await;
    assert!(matches!(got, Err(InsertError::KeyReused(_))), "{got:?}");
}

#[tokio::test]
async fn regress_a_longer_batch_under_a_used_key() {
    let bench = Bench::memory(settings());
    bench.store.insert((0..2).map(|i| keyed(job(), "k", i, 1)).collect()).await.unwrap();
    let got = bench.store.insert((0..3).map(|i| keyed(job(), "k", i, 1)).collect()).await;
    assert!(matches!(got, Err(InsertError::KeyReused(_))), "{got:?}");
}

#[tokio::test]
async fn regress_failed_mail_is_not_pushed_out_by_sent_mail() {
    let bench = Bench::memory(StoreSettings { history_count: 3, ..settings() });
    let bad = bench.insert(job()).await;
    bench.work(failed()).await;
    for _ in 0..4 {
        bench.insert(job()).await;
        bench.work(sent()).await;
    }
    assert!(bench.store.get(bad).await.unwrap().is_some());
    assert!(bench.store.content(bad).await.is_ok());
}

#[tokio::test]
async fn regress_history_is_the_same_after_a_reopen() {
    let small = || StoreSettings { segment_octets: 4096, ..settings() };
    let mut bench = Bench::disk(small());
    let mut ids = Vec::new();
    for n in 0..12 {
        ids.push(bench.insert(NewJob { body: vec![b'x'; 2000].into(), ..job() }).await);
        bench.work(sent()).await;
        bench.set(n);
    }
    for _ in 0..3 {
        for _ in 0..200 {
            bench.store.stats().await.unwrap();
        }
        (bench, _) = reopen(bench, small()).await;
        bench.store.stats().await.unwrap();
        let mut left = 0;
        for id in &ids {
            left += usize::from(bench.store.get(*id).await.unwrap().is_some());
        }
        assert_eq!(left, 12);
    }
}

#[tokio::test]
async fn regress_kept_bytes_go_when_their_time_is_over() {
    let keep = Duration::from_secs(100);
    for bench in [
        Bench::memory(StoreSettings { keep_body: keep, ..settings() }),
        Bench::disk(StoreSettings { keep_body: keep, segment_octets: 4096, ..settings() }),
    ] {
        for _ in 0..30 {
            bench.insert(NewJob { body: vec![b'x'; 2000].into(), ..job() }).await;
            bench.work(sent()).await;
        }
        bench.set(200);
        bench.until(|stats| stats.log_bytes < 30_000).await;
    }
}

#[tokio::test]
async fn regress_nothing_but_history_after_a_drain() {
    let settings = || StoreSettings { big_body: usize::MAX, ..settings() };
    let bench = Bench::disk(settings());
    for _ in 0..30 {
        bench.insert(NewJob { body: vec![b'x'; 20_000].into(), ..job() }).await;
        bench.work(sent()).await;
    }
    let (bench, _) = reopen(bench, settings()).await;
    bench.insert(NewJob { body: vec![b'x'; 2_000_000].into(), ..job() }).await;
    bench.work(sent()).await;
    bench.set(31);
    bench.until(|stats| stats.log_bytes == 0).await;
    assert_eq!(std::fs::read_dir(bench.path().join("log")).unwrap().count(), 0);
    let (bench, _) = reopen(bench, settings()).await;
    assert_eq!(bench.store.stats().await.unwrap().by_status[5], ("sent", 31));
}

#[tokio::test]
async fn regress_all_is_said_of_a_retry_by_hand_carried_forward() {
    let small = || StoreSettings { segment_octets: 4096, ..settings() };
    let bench = Bench::disk(small());
    let id =
        bench.insert(NewJob { route: "slow".into(), ..job_to(&["a@example.org", "b@example.org"]) }).await;
    let leases = bench.store.lease(LeaseAsk::new("slow", 1)).await.unwrap();
    let lease = leases.into_iter().next().unwrap();
    bench.settle(lease, Settlement { in_doubt: true, ..finals(&[(0, RecipientState::Sent)]) }).await;
    // In doubt, it goes to the relay of its attempt only.
    let ask = LeaseAsk { relay: "default".into(), ..LeaseAsk::new("slow", 1) };
    let leases = bench.store.lease(ask).await.unwrap();
    bench.settle(leases.into_iter().next().unwrap(), retry_in(500)).await;
    bench.store.act(id, Action::Retry).await.unwrap();
    let before = format!("{:?}", bench.view(id).await);
    for _ in 0..40 {
        bench.insert(NewJob { body: vec![b'x'; 2000].into(), ..job() }).await;
        bench.work(sent()).await;
    }
    for _ in 0..200 {
        bench.store.stats().await.unwrap();
    }
    let (bench, _) = reopen(bench, small()).await;
    assert_eq!(format!("{:?}", bench.view(id).await), before);
}
