//! How fast the queue in Redis takes, leases and settles mail, beside a bare pipelined loop that makes the same
//! writes, and with one to three nodes: `redis_rate [seconds] [folder on the disk to be measured]`.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    reason = "a measuring tool: it prints, reads the clock and ends by panic"
)]

mod redis_rate {
    pub(crate) mod bare;
    pub(crate) mod server;
}
#[path = "store_rate/job.rs"]
mod job;

use bytes::Bytes;
use job::{Now, job};
use postrider_queue::{
    AnyStore, Lease, LeaseAsk, Next, RecipientState, RedisPlace, RedisSettings, RedisStore, Settlement,
    Store, StoreSettings,
};
use redis_rate::server::Server;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};
use testkit::Flavour;

/// Mails of one call.
const BATCH: usize = 32;

async fn open(server: &Server) -> AnyStore {
    let place = RedisPlace::tcp("127.0.0.1", server.redis.port(), 0);
    let opened =
        RedisStore::open(place, StoreSettings::default(), RedisSettings::default(), Arc::new(Now)).await;
    AnyStore::Redis(opened.unwrap())
}

fn sent(lease: Lease) -> (Lease, Settlement) {
    let done = Settlement {
        finals: vec![(0, RecipientState::Sent)],
        next: Next::RetryIn(Duration::MAX),
        attempt: None,
        counted: false,
        in_doubt: false,
        only: None,
    };
    (lease, done)
}

/// In, leased and settled by turns: what one caller gets.
async fn by_turns(server: &Server, body: &Bytes, time: Duration) -> f64 {
    let store = open(server).await;
    let (start, mut mails) = (Instant::now(), 0);
    while start.elapsed() < time {
        store.insert((0..BATCH).map(|_| job(body)).collect()).await.unwrap();
        let leases = store.lease(LeaseAsk::new("default", BATCH)).await.unwrap();
        assert_eq!(leases.len(), BATCH);
        store.settle(leases.into_iter().map(sent).collect()).await.unwrap();
        mails += BATCH;
    }
    let rate = mails as f64 / start.elapsed().as_secs_f64();
    store.close().await.unwrap();
    rate
}

/// So many nodes, each with so many submitters and one worker: accepted and settled in a second.
async fn together(
    server: &Server,
    nodes: usize,
    submitters: usize,
    body: &Bytes,
    time: Duration,
) -> (f64, f64) {
    let (stop, accepted, settled) = (Arc::new(AtomicBool::new(false)), count(), count());
    let (mut tasks, mut stores, mut workers) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..nodes {
        let store = open(server).await;
        let (own, settled) = (store.clone(), settled.clone());
        workers.push(tokio::spawn(async move {
            while let Ok(leases) = own.lease(LeaseAsk::new("default", 64)).await {
                settled.fetch_add(leases.len() as u64, Ordering::Relaxed);
                own.settle(leases.into_iter().map(sent).collect()).await.unwrap();
            }
        }));
        for _ in 0..submitters {
            let (store, body, stop, accepted) = (store.clone(), body.clone(), stop.clone(), accepted.clone());
            tasks.push(tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    store.insert(vec![job(&body)]).await.unwrap();
                    accepted.fetch_add(1, Ordering::Relaxed);
                }
            }));
        }
        stores.push(store);
    }
    let start = Instant::now();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    for task in tasks {
        task.await.unwrap();
    }
    let took = start.elapsed().as_secs_f64();
    let rates =
        (accepted.load(Ordering::Relaxed) as f64 / took, settled.load(Ordering::Relaxed) as f64 / took);
    while stores[0].stats().await.unwrap().unsettled > 0 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    workers.iter().for_each(tokio::task::JoinHandle::abort);
    for store in stores {
        store.close().await.unwrap();
    }
    rates
}

/// Of this process.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    let ticks = |n: usize| fields.get(n).unwrap().parse::<f64>().unwrap();
    (ticks(11) + ticks(12)) / 100.0
}

fn count() -> Arc<AtomicU64> {
    Arc::default()
}

/// What mail that waits costs Redis.
async fn memory(server: &Server, body: &Bytes) {
    let store = open(server).await;
    let before = server.memory();
    for _ in 0..100 {
        store.insert((0..100).map(|_| job(body)).collect()).await.unwrap();
    }
    let each = (server.memory() - before) / 10_000.0;
    println!("memory: {each:.0} octets a mail that waits, {} of them its message", body.len() + 57);
    store.close().await.unwrap();
}

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let time = Duration::from_secs(args.next().map_or(3, |a| a.parse().unwrap()));
    let folder = args.next().map_or_else(|| tempfile::tempdir().unwrap().keep(), Into::into);
    let body = Bytes::from(vec![b'x'; 7_000]);
    for flavour in [Flavour::Redis, Flavour::Valkey] {
        let server = Server::start(&folder, flavour);
        println!(
            "{flavour:?}, appendfsync always, mails of 7 KB, {BATCH} a call; mails a second through insert, lease, settle:"
        );
        let mut ratios = Vec::new();
        for _ in 0..3 {
            let bare = redis_rate::bare::rate(&server, &body, BATCH, time).await;
            let (cpu, aof) = (server.cpu(), server.written());
            let ours = by_turns(&server, &body, time).await;
            let mails = ours * time.as_secs_f64();
            println!(
                "  bare {bare:.0}, ours {ours:.0} ({:.2}); Redis: {:.0} µs of CPU, {:.0} octets written a mail",
                ours / bare,
                (server.cpu() - cpu) * 1e6 / mails,
                (server.written() - aof) / mails
            );
            ratios.push(ours / bare);
        }
        ratios.sort_by(f64::total_cmp);
        println!("  median {:.2}", ratios[1]);
        for (nodes, submitters) in [(1, 1), (1, 16), (2, 16), (3, 16), (1, 256)] {
            let (cpu, own) = (server.cpu(), cpu_seconds());
            let (accepted, settled) = together(&server, nodes, submitters, &body, time).await;
            let mails = accepted * time.as_secs_f64();
            let (cpu, own) = ((server.cpu() - cpu) * 1e6 / mails, (cpu_seconds() - own) * 1e6 / mails);
            println!(
                "  {nodes} nodes, {submitters} submitters each, one mail a call: {accepted:.0} accepted/s, \
                 {settled:.0} settled/s; µs of CPU a mail: Redis {cpu:.0}, nodes {own:.0}"
            );
        }
        memory(&server, &body).await;
    }
}
