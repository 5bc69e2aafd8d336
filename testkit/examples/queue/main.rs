//! `cargo xtask bench queue`: mail through the service and its doors, beside Postfix as a null client. Figures, no judgement.
#![allow(clippy::print_stdout, clippy::expect_used, clippy::unwrap_used, reason = "a tool for the terminal")]

mod long;
mod rates;
mod subject;
mod submit;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use subject::{Subject, Who};
use testkit::{Sink, Usage, until};
use tokio::runtime::Runtime;

const PATIENCE: Duration = Duration::from_secs(180);

type Part = fn(&Bench);

/// What is measured, and the programs it takes.
struct Bench {
    runtime: Runtime,
    binary: PathBuf,
    store_start: PathBuf,
}

/// A round: from the first submission until the relay has the last mail.
struct Round {
    /// Mails a second.
    accepted: f64,
    delivered: f64,
    mails: u64,
    usage: Usage,
    /// Octets on disk more than before.
    left: f64,
    log: f64,
    /// Of the queue; `NaN`: it does not say.
    syncs: f64,
}

/// `queue BINARY STORE_START [PART]`
fn main() {
    let mut words = std::env::args_os().skip(1);
    let mut program = || PathBuf::from(words.next().expect("the service and store_start as the first words"));
    let (binary, store_start) = (program(), program());
    let part = words.next().map_or_else(String::new, |part| part.to_string_lossy().into_owned());
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let bench = Bench { runtime, binary, store_start };
    let parts: [(&str, Part); 5] = [
        ("rates", rates::rates),
        ("syncs", rates::syncs),
        ("memory", long::memory),
        ("drain", long::drain),
        ("start", long::start),
    ];
    for (name, run) in parts.into_iter().filter(|(name, _)| name.contains(&part)) {
        println!("\n{name}: load {} before", load());
        run(&bench);
        println!("{name}: load {} after", load());
    }
}

/// Of one, five and fifteen minutes.
fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}

impl Bench {
    /// Submits for so long or so many mails, then lets it drain and stops it.
    fn round(&self, who: Who, submitters: usize, most: submit::Most, strace: &str) -> Round {
        let sink = self.runtime.block_on(Sink::tcp(0, false)).expect("a sink");
        let mut subject = Subject::start(who, &self.binary, sink.port(), strace);
        let (usage, disk, log) = (subject.usage(), subject.disk(), subject.log_size());
        let sent = submit::submit(&subject.door(), submitters, most);
        until("the queue to drain", PATIENCE, || (sink.count() >= sent.accepted).then_some(()));
        let whole = sent.begin.elapsed();
        let syncs = subject.syncs().map_or(f64::NAN, |syncs| syncs as f64);
        let after = subject.settle();
        let (mails, count) = (sent.accepted, sent.accepted as f64);
        Round {
            accepted: count / sent.time.as_secs_f64(),
            delivered: count / whole.as_secs_f64(),
            mails,
            usage: after.since(usage),
            left: subject.disk().saturating_sub(disk) as f64,
            log: subject.log_size().saturating_sub(log) as f64,
            syncs,
        }
    }
}

impl Round {
    fn each(&self, sum: f64) -> f64 {
        sum / self.mails.max(1) as f64
    }
}

/// The middle one; of an even number the upper.
fn median(figures: impl Iterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

/// Seconds since.
fn seconds(begin: Instant) -> f64 {
    begin.elapsed().as_secs_f64()
}
