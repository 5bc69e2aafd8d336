//! What an operator may do, and when it is too late.

use crate::bench::{LIFETIME, Open, at, failed, job, over_all_stores, retry_in, sent, settings};
use postrider_queue::{ActError, Action, NewJob, RecipientState, Status, Store};

over_all_stores! {
    a_held_job_waits_for_its_release
    a_cancelled_job_is_never_leased
    a_retry_by_hand_comes_at_once
    a_failed_job_is_open_again_after_a_retry
    a_scheduled_job_can_be_moved
    a_settled_job_can_be_purged
    actions_out_of_place_are_too_late
}

async fn a_held_job_waits_for_its_release(open: &Open) {
    let bench = open(settings()).await;
    let id = bench.insert(job()).await;
    let held = bench.store.act(id, Action::Hold("look first".into())).await.unwrap();
    assert_eq!(held, Status::Held);
    assert_eq!(bench.view(id).await.held_because.as_deref(), Some("look first"));
    bench.has_nothing_to_lease().await;
    assert_eq!(bench.store.act(id, Action::Release).await.unwrap(), Status::Queued);
    assert_eq!(bench.one().await.job.id, id);
    assert_eq!(bench.view(id).await.held_because, None);
}

async fn a_cancelled_job_is_never_leased(open: &Open) {
    let bench = open(settings()).await;
    let jobs = [job(), NewJob { due_at: at(9), ..job() }];
    for new in jobs {
        let id = bench.insert(new).await;
        assert_eq!(bench.store.act(id, Action::Cancel).await.unwrap(), Status::Cancelled);
        assert_eq!(bench.view(id).await.recipients[0].state, RecipientState::Cancelled);
    }
    bench.set(10);
    bench.has_nothing_to_lease().await;
}

async fn a_retry_by_hand_comes_at_once(open: &Open) {
    let bench = open(settings()).await;
    let deferred = bench.insert(job()).await;
    bench.work(retry_in(300)).await;
    assert_eq!(bench.store.act(deferred, Action::Retry).await.unwrap(), Status::Queued);
    assert_eq!(bench.one().await.job.id, deferred);
    let scheduled = bench.insert(NewJob { due_at: at(300), ..job() }).await;
    bench.store.act(scheduled, Action::Retry).await.unwrap();
    assert_eq!(bench.lease(9).await.iter().filter(|l| l.job.id == scheduled).count(), 1);
}

async fn a_failed_job_is_open_again_after_a_retry(open: &Open) {
    let bench = open(settings()).await;
    let id = bench.insert(job()).await;
    bench.work(failed()).await;
    assert_eq!(bench.status(id).await, Status::Failed);
    assert_eq!(bench.store.act(id, Action::Retry).await.unwrap(), Status::Queued);
    let lease = bench.one().await;
    assert_eq!(lease.job.open, [0]);
    bench.settle(lease, retry_in(10)).await;
    // An expired one gets a new life of the same length.
    bench.set(LIFETIME);
    assert_eq!(bench.status(id).await, Status::Expired);
    bench.store.act(id, Action::Retry).await.unwrap();
    assert_eq!(bench.one().await.job.expires_at, at(2 * LIFETIME));
}

async fn a_scheduled_job_can_be_moved(open: &Open) {
    let bench = open(settings()).await;
    let id = bench.insert(NewJob { due_at: at(100), ..job() }).await;
    assert_eq!(bench.store.act(id, Action::Reschedule(at(200))).await.unwrap(), Status::Scheduled);
    bench.set(100);
    bench.has_nothing_to_lease().await;
    bench.store.act(id, Action::Reschedule(at(150))).await.unwrap();
    bench.set(150);
    assert_eq!(bench.one().await.job.id, id);
}

async fn a_settled_job_can_be_purged(open: &Open) {
    let bench = open(settings()).await;
    let id = bench.insert(job()).await;
    bench.work(failed()).await;
    bench.store.act(id, Action::Purge).await.unwrap();
    assert!(bench.store.get(id).await.unwrap().is_none());
    assert!(matches!(bench.store.act(id, Action::Purge).await, Err(ActError::NotFound)));
    let counts = bench.store.stats().await.unwrap().by_status;
    assert!(counts.iter().all(|(_, n)| *n == 0), "{counts:?}");
}

async fn actions_out_of_place_are_too_late(open: &Open) {
    let bench = open(settings()).await;
    let check = async |id, state: Status, actions: &[Action]| {
        for action in actions {
            let got = bench.store.act(id, action.clone()).await;
            assert!(matches!(&got, Err(ActError::TooLate(_))), "{state:?} {action:?}: {got:?}");
            assert_eq!(bench.status(id).await, state, "{action:?}");
        }
    };
    let (hold, moved) = (Action::Hold("x".into()), Action::Reschedule(at(5)));
    let id = bench.insert(job()).await;
    check(id, Status::Queued, &[Action::Release, Action::Purge, moved.clone()]).await;
    let lease = bench.one().await;
    let all = [Action::Cancel, Action::Retry, hold.clone(), Action::Release, moved.clone(), Action::Purge];
    check(id, Status::Sending, &all).await;
    bench.settle(lease, sent()).await;
    check(id, Status::Sent, &[Action::Cancel, Action::Retry, hold.clone(), Action::Release, moved]).await;
    let held = bench.insert(job()).await;
    bench.store.act(held, hold.clone()).await.unwrap();
    check(held, Status::Held, &[hold, Action::Retry, Action::Purge]).await;
}
