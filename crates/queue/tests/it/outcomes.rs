//! What a settlement makes of a job, and jobs whose time runs out.

use crate::bench::{
    Bench, LIFETIME, Open, at, attempt, failed, finals, job, job_to, over_all_stores, retry_in, sent,
    settings,
};
use postrider_queue::{ContentError, NewJob, Next, RecipientState, Settlement, Status, Store, StoreSettings};
use std::time::Duration;

over_all_stores! {
    a_sent_job_is_done_and_its_bytes_are_gone
    bytes_are_kept_as_long_as_the_settings_say
    a_retry_comes_when_it_is_due
    attempts_that_do_not_count_are_not_counted
    recipients_keep_their_own_outcomes
    a_settlement_may_hold_a_job
    doubt_is_kept_as_a_mark
    finals_for_strangers_are_ignored
    a_job_past_its_end_expires
    a_job_sent_to_some_is_partial_when_it_expires
    a_leased_job_expires_only_when_it_comes_back
}

async fn a_sent_job_is_done_and_its_bytes_are_gone(open: &Open) {
    let bench = open(settings()).await;
    let id = bench.insert(job()).await;
    bench.work(sent()).await;
    let view = bench.view(id).await;
    assert_eq!((view.status, view.recipients[0].state), (Status::Sent, RecipientState::Sent));
    assert_eq!(view.attempts, [attempt("250 2.0.0 Ok: queued as 4XyZ")]);
    assert!(matches!(bench.store.content(id).await, Err(ContentError::Gone)));
    bench.has_nothing_to_lease().await;
    assert_eq!(bench.store.stats().await.unwrap().unsettled, 0);
}

async fn bytes_are_kept_as_long_as_the_settings_say(open: &Open) {
    let keep = Duration::from_secs(100);
    let bench = open(StoreSettings { keep_body: keep, keep_failed: 2 * keep, ..settings() }).await;
    let good = bench.insert(job()).await;
    bench.work(sent()).await;
    let bad = bench.insert(job()).await;
    bench.work(failed()).await;
    let check = async |seconds: i64, kept: (bool, bool)| {
        bench.set(seconds);
        let readable = (bench.store.content(good).await.is_ok(), bench.store.content(bad).await.is_ok());
        assert_eq!(readable, kept, "after {seconds} s");
    };
    check(99, (true, true)).await;
    check(101, (false, true)).await;
    check(199, (false, true)).await;
    check(201, (false, false)).await;
}

async fn a_retry_comes_when_it_is_due(open: &Open) {
    let bench = open(settings()).await;
    let id = bench.insert(job()).await;
    bench.work(retry_in(300)).await;
    let view = bench.view(id).await;
    assert_eq!((view.status, view.due_at), (Status::Deferred, at(300)));
    assert_eq!(view.recipients[0].status, Status::Deferred);
    bench.set(299);
    bench.has_nothing_to_lease().await;
    bench.set(300);
    let lease = bench.one().await;
    assert_eq!((lease.job.id, lease.job.attempts), (id, 1));
    bench.settle(lease, sent()).await;
    assert_eq!(bench.view(id).await.attempts.len(), 2);
}

async fn attempts_that_do_not_count_are_not_counted(open: &Open) {
    let bench = open(settings()).await;
    bench.insert(job()).await;
    bench.work(Settlement { counted: false, ..retry_in(0) }).await;
    assert_eq!(bench.one().await.job.attempts, 0);
}

async fn recipients_keep_their_own_outcomes(open: &Open) {
    let bench = open(settings()).await;
    let id = bench.insert(job_to(&["a@example.org", "b@example.org", "c@example.org"])).await;
    bench.work(finals(&[(2, RecipientState::Failed), (0, RecipientState::Sent)])).await;
    let lease = bench.one().await;
    assert_eq!(lease.job.open, [1]);
    // What is final stays final.
    let later = finals(&[(0, RecipientState::Failed), (1, RecipientState::Sent)]);
    bench.settle(lease, later).await;
    let view = bench.view(id).await;
    let states: Vec<_> = view.recipients.iter().map(|r| r.status).collect();
    assert_eq!((view.status, states), (Status::Partial, vec![Status::Sent, Status::Sent, Status::Failed]));
}

async fn a_settlement_may_hold_a_job(open: &Open) {
    let bench = open(settings()).await;
    let id = bench.insert(job()).await;
    bench.work(Settlement { next: Next::Hold("no such relay".into()), ..finals(&[]) }).await;
    let view = bench.view(id).await;
    assert_eq!((view.status, view.held_because.as_deref()), (Status::Held, Some("no such relay")));
    bench.has_nothing_to_lease().await;
}

async fn doubt_is_kept_as_a_mark(open: &Open) {
    let bench = open(settings()).await;
    let id = bench.insert(job()).await;
    bench.work(Settlement { in_doubt: true, ..retry_in(0) }).await;
    let lease = bench.one().await;
    assert!(lease.job.possible_duplicate);
    bench.settle(lease, sent()).await;
    assert!(bench.view(id).await.possible_duplicate);
}

async fn finals_for_strangers_are_ignored(open: &Open) {
    let bench = open(settings()).await;
    let id = bench.insert(job()).await;
    bench.work(finals(&[(7, RecipientState::Sent), (u32::MAX, RecipientState::Failed)])).await;
    assert_eq!(bench.status(id).await, Status::Queued);
    assert_eq!(bench.one().await.job.open, [0]);
}

async fn a_job_past_its_end_expires(open: &Open) {
    let bench = open(settings()).await;
    let waiting = bench.insert(job()).await;
    let scheduled = bench.insert(NewJob { due_at: at(LIFETIME), ..job() }).await;
    bench.set(LIFETIME - 1);
    assert_eq!(bench.status(waiting).await, Status::Queued);
    bench.set(LIFETIME);
    for id in [waiting, scheduled] {
        let view = bench.view(id).await;
        assert_eq!((view.status, view.recipients[0].state), (Status::Expired, RecipientState::Expired));
    }
    bench.has_nothing_to_lease().await;
}

async fn a_job_sent_to_some_is_partial_when_it_expires(open: &Open) {
    let bench = open(settings()).await;
    let id = bench.insert(job_to(&["a@example.org", "b@example.org"])).await;
    bench.work(Settlement { next: retry_in(10).next, ..finals(&[(1, RecipientState::Sent)]) }).await;
    bench.set(LIFETIME);
    let view = bench.view(id).await;
    assert_eq!((view.status, view.recipients[0].status), (Status::Partial, Status::Expired));
}

async fn a_leased_job_expires_only_when_it_comes_back(open: &Open) {
    let bench = open(settings()).await;
    let id = bench.insert(job()).await;
    let lease = bench.one().await;
    bench.set(LIFETIME + 1);
    assert_eq!(bench.status(id).await, Status::Sending);
    bench.settle(lease, retry_in(59)).await;
    assert_eq!(bench.status(id).await, Status::Expired);
}

#[tokio::test]
async fn history_in_memory_is_forgotten_by_number_and_age() {
    let keep = StoreSettings { history_count: 2, keep_history: Duration::from_secs(1000), ..settings() };
    let bench = Bench::memory(keep);
    let mut ids = Vec::new();
    for second in 0..3 {
        ids.push(bench.insert(job()).await);
        bench.work(sent()).await;
        bench.set(second);
    }
    assert!(bench.store.get(ids[0]).await.unwrap().is_none());
    assert_eq!(bench.status(ids[1]).await, Status::Sent);
    bench.set(2000);
    bench.store.stats().await.unwrap();
    assert!(bench.store.get(ids[2]).await.unwrap().is_none());
}
