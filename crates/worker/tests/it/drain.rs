//! Shutting down: what was begun is finished or marked, what was not goes back.

use crate::bench::{Answer, accepted, bench};
use postrider_worker::Drained;
use queue::Status;
use std::time::Duration;

#[tokio::test(start_paused = true)]
async fn a_drain_that_runs_out_of_grace_marks_what_was_in_flight() {
    let bench = bench(|_, _| Answer::Hang);
    let first = bench.submit(&["a@example.org"]).await;
    bench.taken(1).await;
    let store = bench.store.clone();
    let drained = bench.worker.drain(Duration::from_secs(5), std::future::pending()).await;
    assert_eq!(drained, Drained::Hammered);
    let view = store_view(&store, first).await;
    assert_eq!((view.status, view.possible_duplicate), (Status::Deferred, true));
}

#[tokio::test(start_paused = true)]
async fn mail_that_was_leased_but_not_begun_goes_back_unmarked() {
    let bench = bench(|_, _| Answer::Hang);
    let jobs: Vec<_> = (0..4).map(|_| crate::bench::job(&["a@example.org"])).collect();
    let ids: Vec<_> = jobs.iter().map(|j| j.id).collect();
    bench.submit_all(jobs).await;
    bench.taken(1).await;
    let store = bench.store.clone();
    bench.worker.drain(Duration::from_secs(5), std::future::pending()).await;
    let mut marked = 0;
    for id in ids {
        let view = store_view(&store, id).await;
        assert!(!view.status.is_final() && view.status != Status::Sending, "{:?}", view.status);
        marked += usize::from(view.possible_duplicate);
    }
    assert_eq!(marked, 1, "only the mail in the sender's hands");
}

#[tokio::test(start_paused = true)]
async fn a_second_signal_hammers_at_once() {
    let bench = bench(|_, _| Answer::Hang);
    bench.submit(&["a@example.org"]).await;
    bench.taken(1).await;
    let drained = bench.worker.drain(Duration::from_secs(86_400), std::future::ready(())).await;
    assert_eq!(drained, Drained::Hammered);
}

#[tokio::test(start_paused = true)]
async fn an_idle_pool_drains_cleanly() {
    let mut bench = bench(|_, _| Answer::All(accepted()));
    let id = bench.submit(&["a@example.org"]).await;
    bench.until(id, Status::Sent).await;
    assert_eq!(bench.worker.drain(Duration::from_secs(5), std::future::pending()).await, Drained::Clean);
}

async fn store_view(store: &queue::AnyStore, id: queue::JobId) -> queue::JobView {
    use queue::Store;
    store.get(id).await.unwrap().unwrap()
}
