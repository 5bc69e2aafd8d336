//! Long queues: what they take of memory while the relay is down, and how soon a start sends from one.

use std::process::Command;
use std::time::{Duration, Instant};

use testkit::{Daemon, Sink, free_port, until};

use crate::subject::{Subject, Who, blocks};
use crate::submit::{Most, submit};
use crate::{Bench, PATIENCE, seconds};

const SUBMITTERS: usize = 16;
const QUEUED: Most = Most { mails: 100_000, time: Duration::from_secs(90) };
const DRAINED: Most = Most { mails: 100_000, time: Duration::from_secs(40) };
/// Mails, and octets of each.
const LONG: [&str; 2] = ["1000000", "2000"];

pub(crate) fn memory(bench: &Bench) {
    println!("| | queued | memory before, MiB | after, MiB | disk, octets a mail |");
    println!("|---|---|---|---|---|");
    for who in [Who::Http, Who::Postfix] {
        let subject = Subject::start(who, &bench.binary, free_port(), "");
        let (before, disk) = (subject.memory(), subject.disk());
        let sent = submit(&subject.door(), SUBMITTERS, QUEUED);
        let (after, disk) = (subject.memory(), subject.disk().saturating_sub(disk));
        let (name, mib) = (who.name(), |kib: u64| kib as f64 / 1024.0);
        let each = disk / sent.accepted.max(1);
        println!("| {name} | {} | {:.1} | {:.1} | {each} |", sent.accepted, mib(before), mib(after));
    }
}

/// What is left on disk once all is delivered and the service has ended.
pub(crate) fn drain(bench: &Bench) {
    println!("| | mails | left, MiB | a mail, octets |");
    println!("|---|---|---|---|");
    for who in [Who::Http, Who::Postfix] {
        let round = bench.round(who, SUBMITTERS, DRAINED, "");
        let (left, each) = (round.left / 1024.0 / 1024.0, round.each(round.left));
        println!("| {} | {} | {left:.1} | {each:.0} |", who.name(), round.mails);
    }
}

/// The store is filled by a program of its own; then the service starts on it, after a close and after a kill.
pub(crate) fn start(bench: &Bench) {
    let sink = bench.runtime.block_on(Sink::tcp(0, false)).expect("a sink");
    let mailer = format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {}", sink.port());
    let mut daemon = Daemon::start(&bench.binary, &mailer, "");
    daemon.terminate();
    daemon.wait();
    let state = daemon.config().with_file_name("state");
    let filled = Command::new(&bench.store_start).args(LONG).arg(&state).status().expect("it starts");
    assert!(filled.success(), "store_start: {filled}");
    println!("on disk: {:.0} MiB", blocks(&state) as f64 / 1024.0 / 1024.0);
    for after in ["a close", "a kill"] {
        let (count, begin) = (sink.count(), Instant::now());
        daemon.restart();
        let ready = seconds(begin);
        until("the first mail", PATIENCE, || (sink.count() > count).then_some(()));
        let (first, memory) = (seconds(begin), daemon.memory().unwrap_or_default() / 1024);
        println!("after {after}: answers after {ready:.2} s, first mail after {first:.2} s, {memory} MiB");
        daemon.kill();
    }
    println!("{} sent meanwhile", sink.count());
}
