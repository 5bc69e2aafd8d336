//! How fast the disk store takes and settles mail, and what that costs: `store_rate [submitters]
//! [seconds] [folder]`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a measuring tool: it prints, reads the clock and ends by panic"
)]

#[path = "store_rate/job.rs"]
mod job;

use bytes::Bytes;
use job::{Now, job};
use postrider_queue::{AnyStore, LeaseAsk, Next, RecipientState, Settlement, Store, StoreSettings};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

async fn settle_all(store: AnyStore, settled: Arc<AtomicU64>) {
    while let Ok(leases) = store.lease(LeaseAsk::new("default", 64)).await {
        let done = |_: &_| Settlement {
            finals: vec![(0, RecipientState::Sent)],
            next: Next::RetryIn(Duration::MAX),
            attempt: None,
            counted: false,
            in_doubt: false,
            only: None,
        };
        settled.fetch_add(leases.len() as u64, Ordering::Relaxed);
        let results = leases.into_iter().map(|l| (done(&l), l)).map(|(s, l)| (l, s)).collect();
        store.settle(results).await.unwrap();
    }
}

fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).unwrap().parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

/// Octets handed to the system by write calls.
fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap();
    let line = io.lines().find_map(|line| line.strip_prefix("wchar: ")).unwrap();
    line.parse().unwrap()
}

fn left(folder: &std::path::Path) -> u64 {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    entries.map(|e| if e.path().is_dir() { left(&e.path()) } else { e.metadata().unwrap().len() }).sum()
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let submitters: usize = args.next().map_or(16, |a| a.parse().unwrap());
    let seconds: u64 = args.next().map_or(3, |a| a.parse().unwrap());
    let folder = args.next().map_or_else(|| tempfile::tempdir().unwrap().keep(), Into::into);
    let settings = StoreSettings { space_floor: 0, ..StoreSettings::default() };
    let (store, report) = AnyStore::open_disk(&folder, settings, Arc::new(Now)).unwrap();
    println!("opened {}: {report:?}", folder.display());
    let (body, stop) = (Bytes::from(vec![b'x'; 7_000]), Arc::new(AtomicBool::new(false)));
    let settled = Arc::new(AtomicU64::new(0));
    let worker = tokio::spawn(settle_all(store.clone(), settled.clone()));
    let start = Instant::now();
    let submit = |_| {
        let (store, body, stop) = (store.clone(), body.clone(), stop.clone());
        tokio::spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                store.insert(vec![job(&body)]).await.unwrap();
            }
        })
    };
    let running: Vec<_> = (0..submitters).map(submit).collect();
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    stop.store(true, Ordering::Relaxed);
    for task in running {
        task.await.unwrap();
    }
    let took = start.elapsed().as_secs_f64();
    let (taken, settled_by_then) = (store.stats().await.unwrap(), settled.load(Ordering::Relaxed));
    let accepted = taken.accepted as f64;
    println!(
        "{submitters} submitters: {:.0} accepted/s, {:.0} settled/s, {:.3} syncs per mail, {} MiB of log",
        accepted / took,
        settled_by_then as f64 / took,
        taken.syncs as f64 / accepted,
        taken.log_bytes >> 20
    );
    // Until all is delivered and in history.
    while {
        let stats = store.stats().await.unwrap();
        stats.unsettled > 0 || stats.unfiled > 0 || stats.log_bytes > 0
    } {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!(
        "drained: {:.0} µs of CPU and {:.2} octets written per mail and octet of mail; left on disk: {:.0} octets a mail",
        cpu_seconds() * 1e6 / accepted,
        written() as f64 / accepted / 7_060.0,
        left(&folder) as f64 / accepted
    );
    store.close().await.unwrap();
    worker.abort();
}
