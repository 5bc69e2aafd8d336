//! `MAX_WORKERS` and `BATCH_LENGTH`: what is leased at once, and what waits.

use crate::bench::{Answer, bench, job};
use queue::{Status, Store};

/// The bench's relay has two connections, each leases four.
const CONNECTIONS: usize = 2;
const AT_ONCE: u64 = 8;

#[tokio::test]
async fn no_more_is_leased_than_connections_times_batch() {
    let mut bench = bench(|_, _| Answer::Hang);
    // At one time: a connection takes what there is.
    bench.submit_all((0..20).map(|_| job(&["b@example.org"])).collect()).await;
    bench.taken(CONNECTIONS as u32).await;
    while count(&bench.store, Status::Sending).await < AT_ONCE {
        bench.changed().await;
    }
    // One more round through the store, so that a lease too many would show.
    let last = bench.submit(&["b@example.org"]).await;
    assert_eq!(bench.view(last).await.status, Status::Queued);
    assert_eq!(count(&bench.store, Status::Sending).await, AT_ONCE);
    assert_eq!(count(&bench.store, Status::Queued).await, 21 - AT_ONCE);
    assert_eq!(bench.sent_to().len(), CONNECTIONS, "a connection works on one mail at a time");
}

async fn count(store: &queue::AnyStore, status: Status) -> u64 {
    let counts = store.stats().await.unwrap().by_status;
    counts.iter().find(|(word, _)| *word == status.word()).map_or(0, |(_, count)| *count)
}
