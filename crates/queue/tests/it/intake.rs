//! Taking jobs in and handing them out.

use crate::bench::{Open, ask, at, job, job_to, leased, over_all_stores, poll_once, sent, settings};
use postrider_queue::{
    ContentError, Idempotency, InsertError, Inserted, NewJob, Status, Store, StoreError, StoreSettings,
};

over_all_stores! {
    a_lease_has_what_was_inserted
    a_batch_is_stored_whole_or_not_at_all
    a_lease_waits_for_a_job
    a_job_due_later_is_leased_later
    only_jobs_of_the_route_are_leased
    a_dropped_lease_returns_without_a_mark
    a_lease_call_given_up_loses_nothing
    a_key_is_taken_once
    a_key_used_otherwise_is_refused_with_the_first_id
    a_repeated_batch_gets_its_ids_back_in_order
    a_key_is_forgotten_after_a_day
    length_bounds_the_unsettled
    changes_are_told_in_order
    a_closed_store_says_so
}

async fn a_lease_has_what_was_inserted(open: &Open) {
    let bench = open(settings()).await;
    let new = NewJob { eight_bit: true, ..job_to(&["one@example.org", "two@example.org"]) };
    let id = bench.insert(new.clone()).await;
    assert_eq!(bench.status(id).await, Status::Queued);
    let lease = bench.one().await;
    let got = &lease.job;
    assert_eq!((got.id, &got.envelope, &*got.meta), (id, &new.envelope, &new.meta));
    assert_eq!((&got.header, &got.body, &got.open[..]), (&new.header, &new.body, &[0, 1][..]));
    assert_eq!((got.created_at, got.expires_at), (new.created_at, new.expires_at));
    assert_eq!((got.attempts, got.possible_duplicate, got.eight_bit), (0, false, true));
    let view = bench.view(id).await;
    assert_eq!((view.status, view.size), (Status::Sending, (new.header.len() + new.body.len()) as u64));
    assert_eq!((view.envelope, view.meta), (new.envelope, new.meta));
    let content = bench.store.content(id).await.unwrap();
    assert_eq!((content.header, content.body), (new.header, new.body));
    bench.has_nothing_to_lease().await;
    let unknown = job().id;
    assert!(bench.store.get(unknown).await.unwrap().is_none());
    assert!(matches!(bench.store.content(unknown).await, Err(ContentError::NotFound)));
}

async fn a_batch_is_stored_whole_or_not_at_all(open: &Open) {
    let bench = open(StoreSettings { length: Some(3), ..settings() }).await;
    bench.insert(keyed(job(), "k", 0, 1)).await;
    let refused = [vec![job(), job(), job()], vec![job(), keyed(job(), "k", 0, 2)]];
    for batch in refused {
        let ids: Vec<_> = batch.iter().map(|j| j.id).collect();
        bench.store.insert(batch).await.unwrap_err();
        for id in ids {
            assert!(bench.store.get(id).await.unwrap().is_none());
        }
    }
    let batch = vec![job(), job()];
    let ids: Vec<_> = batch.iter().map(|j| Inserted::New(j.id)).collect();
    assert_eq!(bench.store.insert(batch).await.unwrap(), ids);
    assert_eq!(bench.lease(9).await.len(), 3);
}

async fn a_lease_waits_for_a_job(open: &Open) {
    let bench = open(settings()).await;
    let mut call = std::pin::pin!(bench.store.lease(ask(4)));
    assert!(poll_once(&mut call).await.is_none());
    let id = bench.insert(job()).await;
    let leases = leased(call).await.unwrap();
    assert_eq!(leases.iter().map(|l| l.job.id).collect::<Vec<_>>(), [id]);
    assert_eq!(bench.status(id).await, Status::Sending);
}

async fn a_job_due_later_is_leased_later(open: &Open) {
    let bench = open(settings()).await;
    let id = bench.insert(NewJob { due_at: at(60), ..job() }).await;
    assert_eq!(bench.status(id).await, Status::Scheduled);
    bench.set(59);
    bench.has_nothing_to_lease().await;
    bench.set(60);
    assert_eq!(bench.one().await.job.id, id);
}

async fn only_jobs_of_the_route_are_leased(open: &Open) {
    let bench = open(settings()).await;
    bench.insert(NewJob { route: "other".into(), ..job() }).await;
    bench.has_nothing_to_lease().await;
    let id = bench.insert(job()).await;
    assert_eq!(bench.one().await.job.id, id);
}

async fn a_dropped_lease_returns_without_a_mark(open: &Open) {
    let bench = open(settings()).await;
    let id = bench.insert(job()).await;
    for _ in 0..3 {
        let lease = bench.one().await;
        assert_eq!((lease.job.id, lease.job.attempts, lease.job.possible_duplicate), (id, 0, false));
        drop(lease);
    }
    assert_eq!(bench.status(id).await, Status::Queued);
}

async fn a_lease_call_given_up_loses_nothing(open: &Open) {
    let bench = open(settings()).await;
    // Given up while it waits, and given up when the answer is on its way.
    for inserted_while_waiting in [false, true] {
        {
            let mut call = std::pin::pin!(bench.store.lease(ask(1)));
            assert!(poll_once(&mut call).await.is_none());
            if inserted_while_waiting {
                bench.insert(job()).await;
            }
        }
        if !inserted_while_waiting {
            bench.insert(job()).await;
        }
        bench.work(sent()).await;
    }
    assert_eq!(bench.store.stats().await.unwrap().unsettled, 0);
}

pub(crate) fn keyed(job: NewJob, key: &str, index: u16, fingerprint: u8) -> NewJob {
    let idempotency = Idempotency { key: key.into(), fingerprint: [fingerprint; 32], index };
    NewJob { idempotency: Some(idempotency), ..job }
}

async fn a_key_is_taken_once(open: &Open) {
    let bench = open(settings()).await;
    let id = bench.insert(keyed(job(), "k", 0, 1)).await;
    let again = vec![keyed(job(), "k", 0, 1)];
    assert_eq!(bench.store.insert(again).await.unwrap(), [Inserted::Repeat(id)]);
    let elsewhere = NewJob { project: "b".into(), ..keyed(job(), "k", 0, 1) };
    assert_ne!(bench.insert(elsewhere).await, id);
    assert_eq!(bench.lease(9).await.len(), 2);
    let settled = vec![keyed(job(), "k", 0, 1)];
    assert_eq!(bench.store.insert(settled).await.unwrap(), [Inserted::Repeat(id)]);
}

async fn a_key_used_otherwise_is_refused_with_the_first_id(open: &Open) {
    let bench = open(settings()).await;
    let first = bench.insert(keyed(job(), "k", 0, 1)).await;
    let other = bench.store.insert(vec![keyed(job(), "k", 0, 2)]).await;
    assert!(matches!(other, Err(InsertError::KeyReused(id)) if id == first), "{other:?}");
    bench.work(sent()).await;
    bench.has_nothing_to_lease().await;
}

async fn a_repeated_batch_gets_its_ids_back_in_order(open: &Open) {
    let bench = open(settings()).await;
    let batch = || (0..3).map(|i| keyed(job(), "k", i, 7)).collect::<Vec<_>>();
    let first = bench.store.insert(batch()).await.unwrap();
    let second = bench.store.insert(batch()).await.unwrap();
    let repeats: Vec<_> = first.iter().map(|i| Inserted::Repeat(i.id())).collect();
    assert_eq!(second, repeats);
    assert_eq!(bench.store.stats().await.unwrap().accepted, 3);
}

async fn a_key_is_forgotten_after_a_day(open: &Open) {
    let bench = open(settings()).await;
    let first = bench.insert(keyed(job(), "k", 0, 1)).await;
    bench.set(24 * 3600 - 1);
    let early = bench.store.insert(vec![keyed(job(), "k", 0, 1)]).await.unwrap();
    assert_eq!(early, [Inserted::Repeat(first)]);
    bench.set(24 * 3600);
    bench.insert(keyed(job(), "k", 0, 2)).await;
}

async fn length_bounds_the_unsettled(open: &Open) {
    let bench = open(StoreSettings { length: Some(2), ..settings() }).await;
    bench.insert(job()).await;
    bench.insert(NewJob { due_at: at(60), ..job() }).await;
    let full = bench.store.insert(vec![job()]).await;
    assert!(matches!(full, Err(InsertError::Crowded(_))), "{full:?}");
    bench.work(sent()).await;
    bench.insert(job()).await;
}

async fn changes_are_told_in_order(open: &Open) {
    let bench = open(settings()).await;
    let mut changes = bench.store.changes();
    let id = bench.insert(job()).await;
    bench.work(sent()).await;
    let mut told = Vec::new();
    while let Ok(change) = changes.try_recv() {
        assert_eq!(change.id, id);
        told.push(change.status);
    }
    assert_eq!(
        told.iter().rev().take(3).rev().copied().collect::<Vec<_>>(),
        [Status::Queued, Status::Sending, Status::Sent]
    );
}

async fn a_closed_store_says_so(open: &Open) {
    let bench = open(settings()).await;
    let mut waiting = std::pin::pin!(bench.store.lease(ask(1)));
    assert!(poll_once(&mut waiting).await.is_none());
    bench.store.close().await.unwrap();
    assert!(matches!(leased(waiting).await, Err(StoreError::Closed)));
    let late = bench.store.insert(vec![job()]).await;
    assert!(matches!(late, Err(InsertError::Store(StoreError::Closed))), "{late:?}");
    assert!(matches!(bench.store.stats().await, Err(StoreError::Closed)));
}
