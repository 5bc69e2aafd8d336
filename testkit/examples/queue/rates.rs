//! Rates, processor, octets and syncs of short rounds in which the subjects take turns.

use std::fs;
use std::path::Path;
use std::time::Duration;

use testkit::until;

use crate::subject::Who;
use crate::submit::Most;
use crate::{Bench, Round, median};

const ROUNDS: usize = 3;
const SUBMITTERS: [usize; 3] = [1, 16, 256];
const MOST: Most = Most { mails: 40_000, time: Duration::from_secs(4) };
/// Only these calls stop for it, in all processes that are begun.
const STRACE: &str =
    "strace -DD -f --seccomp-bpf -qq -c -e trace=fsync,fdatasync,sync_file_range,syncfs,sync";
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) fn rates(bench: &Bench) {
    println!(
        "| submitters | | accepted/s | delivered/s | CPU a mail, µs | written a mail, octets | log a mail, octets | \
         syncs a mail |"
    );
    println!("|---|---|---|---|---|---|---|---|");
    for submitters in SUBMITTERS {
        let mut rounds: [Vec<Round>; 3] = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            for (who, rounds) in Who::ALL.into_iter().zip(&mut rounds) {
                rounds.push(bench.round(who, submitters, MOST, ""));
            }
        }
        let [_, _, postfix] = &rounds;
        for (who, rounds) in Who::ALL.into_iter().zip(&rounds) {
            row(submitters, who, rounds, postfix);
        }
    }
}

/// Medians; in brackets that of how many times Postfix's each round's figure was.
fn row(submitters: usize, who: Who, rounds: &[Round], postfix: &[Round]) {
    let cells: [fn(&Round) -> f64; 5] = [
        |r| r.accepted,
        |r| r.delivered,
        |r| r.each(r.usage.cpu.as_secs_f64() * 1e6),
        |r| r.each(r.usage.written as f64),
        |r| r.each(r.log),
    ];
    let mut line = format!("| {submitters} | {} |", who.name());
    for (number, cell) in cells.into_iter().enumerate() {
        let figure = median(rounds.iter().map(cell));
        line.push_str(&format!(" {figure:.0}"));
        if who != Who::Postfix && number < 4 {
            let ratio = median(rounds.iter().zip(postfix).map(|(ours, its)| cell(ours) / cell(its)));
            line.push_str(&format!(" ({ratio:.2}×)"));
        }
        line.push_str(" |");
    }
    let syncs = median(rounds.iter().map(|r| r.each(r.syncs)));
    println!("{line} {} |", if syncs.is_nan() { "–".to_owned() } else { format!("{syncs:.3}") });
}

/// Postfix's, in a run of its own. Ours are not counted so: being watched makes the doors several times slower, and
/// mail that comes seldom has each a sync of its own.
pub(crate) fn syncs(bench: &Bench) {
    println!("| submitters | | mails | syncs a mail |");
    println!("|---|---|---|---|");
    for submitters in SUBMITTERS {
        let file = tempfile::NamedTempFile::new().expect("a temporary file");
        let strace = format!("{STRACE} -o {}", file.path().display());
        let round = bench.round(Who::Postfix, submitters, MOST, &strace);
        let syncs = until("strace's table", PATIENCE, || total(file.path()));
        let (who, each) = (Who::Postfix.name(), round.each(syncs as f64));
        println!("| {submitters} | {who} | {} | {each:.3} |", round.mails);
    }
}

/// The calls of all rows, once the table is there to its last line.
fn total(table: &Path) -> Option<u64> {
    let text = fs::read_to_string(table).ok()?;
    text.lines().find_map(|line| line.strip_suffix(" total"))?.split_ascii_whitespace().nth(3)?.parse().ok()
}
