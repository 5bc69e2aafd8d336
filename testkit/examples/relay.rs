//! `cargo xtask bench relay`: mails a second through the daemon to a sink, and its memory. Figures, no judgement.
#![allow(clippy::print_stdout, clippy::expect_used, clippy::unwrap_used, reason = "a tool for the terminal")]

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use testkit::{Daemon, Sink, free_port, until};

const SUBMITTERS: usize = 16;
const TIME: Duration = Duration::from_secs(5);
const QUEUED: u64 = 10_000;
const PATIENCE: Duration = Duration::from_secs(120);
const MAIL: &str =
    r#"{"from":"a@example.com","to":"b@example.org","subject":"Bench","text":"A short mail.\n"}"#;

fn main() {
    let binary: PathBuf = std::env::args_os().nth(1).expect("the binary as the first word").into();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let sink = runtime.block_on(Sink::tcp(0, false)).expect("a sink");
    let daemon = start(&binary, sink.port());
    let idle = daemon.memory().unwrap();
    let begin = Instant::now();
    let accepted = submit(&daemon, |_, time| time < TIME, begin);
    let (time, delivered) = (begin.elapsed().as_secs_f64(), sink.count());
    println!("accepted   {:8.0} /s  ({accepted} mails, {SUBMITTERS} submitters)", accepted as f64 / time);
    println!("delivered  {:8.0} /s  while accepting", delivered as f64 / time);
    until("the queue to drain", PATIENCE, || (sink.count() >= accepted).then_some(()));
    println!("delivered  {:8.0} /s  to the last one", accepted as f64 / begin.elapsed().as_secs_f64());
    println!("memory     {:8.1} MiB idle", idle as f64 / 1024.0);
    println!("memory     {:8.1} MiB after {accepted} mails", daemon.memory().unwrap() as f64 / 1024.0);
    drop(daemon);
    let daemon = start(&binary, free_port());
    submit(&daemon, |count, _| count < QUEUED, Instant::now());
    println!(
        "memory     {:8.1} MiB with {QUEUED} queued, relay down",
        daemon.memory().unwrap() as f64 / 1024.0
    );
}

fn start(binary: &std::path::Path, relay: u16) -> Daemon {
    let mailer = format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {relay}");
    Daemon::start(binary, &mailer, "")
}

/// Sends while `more(accepted so far, time gone)`; how many were accepted.
fn submit(daemon: &Daemon, more: impl Fn(u64, Duration) -> bool + Sync, begin: Instant) -> u64 {
    let (taken, accepted) = (AtomicU64::new(0), AtomicU64::new(0));
    let refused = Arc::new(AtomicBool::new(false));
    std::thread::scope(|scope| {
        for _ in 0..SUBMITTERS {
            scope.spawn(|| {
                let mut connection = daemon.api.connect().expect("the daemon listens");
                while more(taken.fetch_add(1, Ordering::SeqCst), begin.elapsed()) {
                    let answer = connection.call("POST", "/emails", MAIL.as_bytes()).expect("an answer");
                    if answer.status == 202 {
                        accepted.fetch_add(1, Ordering::SeqCst);
                    } else if !refused.swap(true, Ordering::SeqCst) {
                        println!("refused: {} {}", answer.status, String::from_utf8_lossy(&answer.body));
                    }
                }
            });
        }
    });
    accepted.into_inner()
}
