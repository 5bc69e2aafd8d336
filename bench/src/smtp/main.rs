//! `postrider-bench-smtp ROWS PEERS [NODE]`: our SMTP client beside lettre, mail-send, nodemailer and smtp-source, in
//! one run.
//!
//! ROWS is a part of the names of the rows to measure, empty for all. PEERS holds the unpacked Postfix, NODE the script and the packages of nodemailer; without it that column is
//! left out. Each client runs in a process of its own; sink, delay and the tables are in this one.

// The harness of the real Postfix, as the tests have it.
#[path = "../../../testkit/src/certificate.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod certificate;
mod clients;
mod delay;
mod mails;
mod order;
#[path = "../../../testkit/src/patience.rs"]
mod patience;
#[path = "../../../testkit/src/postfix.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod postfix;
#[path = "../../../testkit/src/postfix_settings.rs"]
#[allow(dead_code, reason = "the tests use more of it")]
mod postfix_settings;
mod proof;
mod sink;
mod table;
mod target;

use anyhow::{Context, Result};
use certificate::Certificate;
use clients::Contender;
use order::{Figures, Order};
use patience::{free_port, until};
use std::path::PathBuf;

/// Seconds a contender gets in a round, about.
const SLICE: f64 = 0.6;
const ROUNDS: usize = 5;
/// Mails of the quickest at most.
const MOST: f64 = 150_000.0;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["client", name, order] => clients::run(name, &Order::read(order)?),
        // for a profiler on a client beside it
        ["sink"] => {
            println!("{}", sink::Sink::start(true, None)?.port());
            Ok(std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).map(drop)?)
        }
        [rows, peers] => compare(rows, peers.into(), None),
        [rows, peers, node] => compare(rows, peers.into(), Some(node.into())),
        _ => anyhow::bail!("postrider-bench-smtp ROWS PEERS [NODE]"),
    }
}

fn compare(rows: &str, peers: PathBuf, node: Option<PathBuf>) -> Result<()> {
    let folder = tempfile::tempdir()?;
    mails::write(folder.path())?;
    let all = clients::all(&peers, node.as_deref(), folder.path())?;
    proof::check(&all)?;
    println!("Each client's mails arrive with their own octets.\n");
    let mut measured = Vec::new();
    for cell in target::cells(&peers)?.iter().filter(|cell| cell.name.contains(rows)) {
        let row = table::Row { name: cell.name.clone(), figures: measure(&all, cell)? };
        eprintln!("{}", row.line(&all, table::rate));
        measured.push(row);
    }
    table::print(&all, &measured);
    table::syscalls(&all)
}

/// The median of rounds in which all take turns; `None`: it cannot.
fn measure(all: &[Contender], cell: &target::Cell) -> Result<Vec<Option<Figures>>> {
    let run = |contender: &Contender, count: usize| -> Result<Figures> {
        let order = cell.order(contender.warm() * cell.connections, count);
        let (place, before) = (format!("{}, {}", contender.name, cell.name), cell.taken());
        let figures = contender.run(&order).context(place.clone())?;
        let arrived = cell.taken().zip(before).map(|(now, before)| now - before);
        let all = (order.warm + order.count) as u64;
        anyhow::ensure!(arrived.is_none_or(|n| n == all), "{place}: {arrived:?} mails of {all} arrived");
        Ok(figures)
    };
    let able: Vec<&Contender> = all.iter().filter(|one| one.can(cell)).collect();
    let mut counts = Vec::new();
    for contender in &able {
        let first = run(contender, contender.first() * cell.connections)?;
        let least = 8.0 * cell.connections as f64;
        counts.push((first.rate * SLICE).clamp(least, MOST) as usize);
    }
    let mut seen: Vec<Vec<Figures>> = vec![Vec::new(); able.len()];
    for _ in 0..ROUNDS {
        for ((contender, count), seen) in able.iter().zip(&counts).zip(&mut seen) {
            seen.push(run(contender, *count)?);
        }
    }
    let mut medians = seen.into_iter().map(Figures::median);
    Ok(all.iter().map(|one| one.can(cell).then(|| medians.next()).flatten()).collect())
}
