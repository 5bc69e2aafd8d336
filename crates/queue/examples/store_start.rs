//! What a long queue costs: `store_start [jobs] [octets of body] [folder]` fills a store, opens it anew
//! and says how long that took until the first mail was leased, and the memory per job.
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
use postrider_queue::{AnyStore, LeaseAsk, Store, StoreSettings};
use std::sync::Arc;
use std::time::Instant;

/// Resident memory of this process in octets.
fn resident() -> u64 {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap();
    pages.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

fn open(folder: &std::path::Path) -> AnyStore {
    let settings = StoreSettings { space_floor: 0, ..StoreSettings::default() };
    AnyStore::open_disk(folder, settings, Arc::new(Now)).unwrap().0
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let jobs: usize = args.next().map_or(100_000, |a| a.parse().unwrap());
    let octets: usize = args.next().map_or(7_000, |a| a.parse().unwrap());
    let folder: std::path::PathBuf =
        args.next().map_or_else(|| tempfile::tempdir().unwrap().keep(), Into::into);
    if jobs > 0 {
        let (empty, store, body) = (resident(), open(&folder), Bytes::from(vec![b'x'; octets]));
        let start = Instant::now();
        for _ in 0..jobs / 100 {
            store.insert((0..100).map(|_| job(&body)).collect()).await.unwrap();
        }
        let took = start.elapsed().as_secs_f64();
        let per_job = (resident() - empty) / jobs as u64;
        println!("{jobs} jobs in {took:.1} s, {per_job} octets of memory each");
        let end = Instant::now();
        store.close().await.unwrap();
        println!("closed in {:.2} s", end.elapsed().as_secs_f64());
        return;
    }
    let (empty, start) = (resident(), Instant::now());
    let store = open(&folder);
    let opened = start.elapsed().as_secs_f64();
    let leases = store.lease(LeaseAsk::new("default", 64)).await.unwrap();
    let first = start.elapsed().as_secs_f64();
    let queued = store.stats().await.unwrap().unsettled;
    println!(
        "{queued} jobs: open after {opened:.2} s, {} leased after {first:.2} s, {} octets of memory each",
        leases.len(),
        (resident() - empty) / queued.max(1)
    );
}
