//! `postrider-bench FOLDER`: composing beside lettre, mail-builder and nodemailer, in one run.
//!
//! FOLDER holds the script and the packages of the node process; without it that column is left out.

mod cases;
mod contenders;
mod event;
mod keys;
mod node;
#[path = "../../crates/message/tests/it/pages.rs"]
mod pages;
mod proof;
mod signers;

use anyhow::{Context, Result};
use contenders::Compose;
use message::dkim::KeyKind;
use rustix::time::{ClockId, clock_gettime};
use std::hint::black_box;

/// Rounds of a row; the figure is their median. Contenders take turns within a round.
const ROUNDS: usize = 7;
/// CPU microseconds a contender gets in a round.
const SLICE: f64 = 60_000.0;

const RUST: [(&str, Compose); 3] = [
    ("postrider", contenders::ours),
    ("lettre", contenders::lettre),
    ("mail-builder", contenders::mail_builder),
];

fn main() -> Result<()> {
    let all = cases::all();
    let desks = event::Desk::all()?;
    let mut node = match std::env::args().nth(1) {
        Some(folder) => Some(node::Node::start(&std::path::Path::new(&folder).join("nodemailer.mjs"), &all)?),
        None => None,
    };
    for (at, case) in all.iter().enumerate() {
        for (name, compose) in RUST {
            proof::check(name, case, &compose(case, 7)?.concat())?;
        }
        if let Some(node) = &mut node {
            proof::check("nodemailer", case, &node.show(at)?)?;
        }
    }
    proof::compare_texts()?;
    println!(
        "CPU microseconds a mail, median of {ROUNDS} rounds in turns; in brackets: how many times ours.\n"
    );
    println!(
        "| mail | postrider | lettre + html2text | mail-builder + html2text | nodemailer + html-to-text |"
    );
    println!("|---|---|---|---|---|");
    for (at, case) in all.iter().enumerate() {
        let mut runs: Vec<Run> = RUST
            .iter()
            .map(|&(_, compose)| Box::new(move |n| timed(n, |i| compose(case, i).map(drop))) as Run)
            .collect();
        if let Some(node) = &mut node {
            runs.push(Box::new(|n| node.run("mail", at, n)));
        }
        row(&name(case), &mut runs)?;
    }
    println!("\n| HTML to text alone | postrider | html2text | html-to-text |");
    println!("|---|---|---|---|");
    for (at, case) in all.iter().enumerate().filter(|(_, case)| case.files.is_empty()) {
        let html = case.html.as_str();
        let mut runs: Vec<Run> = vec![
            Box::new(|n| {
                timed(n, |_| {
                    drop(black_box(message::html_to_text(html)));
                    Ok(())
                })
            }),
            Box::new(|n| timed(n, |_| contenders::text_of(html).map(drop))),
        ];
        if let Some(node) = &mut node {
            runs.push(Box::new(|n| node.run("text", at, n)));
        }
        row(&name(case), &mut runs)?;
    }
    println!("\n| DKIM signature alone | postrider | mail-auth | lettre | the bare signature |");
    println!("|---|---|---|---|---|");
    let signed = all.iter().filter(|case| !case.name.starts_with("UTF-8"));
    for kind in [KeyKind::Rsa, KeyKind::Ed25519] {
        for case in signed.clone() {
            let signers = signers::Signers::new(kind, case)?;
            let mut runs: Vec<Run> = vec![
                Box::new(|n| timed(n, |_| signers.ours())),
                Box::new(|n| timed(n, |_| signers.mail_auth())),
                Box::new(|n| timed(n, |_| signers.lettre())),
                Box::new(|n| timed(n, |_| signers.bare())),
            ];
            row(&format!("{}, {}", kind.name(), name(case)), &mut runs)?;
        }
    }
    events(&desks)
}

/// From an event in memory to signed octets; the first desk does not sign.
fn events(desks: &[event::Desk]) -> Result<()> {
    println!(
        "\n| an event's mail | postrider | minijinja + html2text + lettre | minijinja + html2text + mail-builder + mail-auth |"
    );
    println!("|---|---|---|---|");
    let plain = desks.first().context("no desk")?;
    let size = format!("{:.1} KB of HTML", plain.html()? as f64 / 1000.0);
    let by =
        |by_minijinja: bool| Box::new(move |n| timed(n, |_| event::rendered(plain, by_minijinja))) as Run;
    row(&format!("rendered only, {size}"), &mut [by(false), by(true), by(true)])?;
    for desk in desks {
        let mut runs = event::ALL.map(|(_, work)| {
            Box::new(move |n| timed(n, |i| work(desk, i).map(|mail| drop(black_box(mail))))) as Run
        });
        row(&format!("{}, {size}", desk.signed()), &mut runs)?;
    }
    Ok(())
}

fn name(case: &cases::Case) -> String {
    format!("{}, {:.1} KB of HTML", case.name, case.html.len() as f64 / 1000.0)
}

/// CPU microseconds of so many runs.
type Run<'a> = Box<dyn FnMut(u32) -> Result<f64> + 'a>;

fn timed(count: u32, mut work: impl FnMut(u128) -> Result<()>) -> Result<f64> {
    let now = || {
        let now = clock_gettime(ClockId::ThreadCPUTime);
        now.tv_sec as f64 * 1e6 + now.tv_nsec as f64 / 1e3
    };
    let begin = now();
    for i in 0..count {
        work(black_box(u128::from(i)))?;
    }
    Ok(now() - begin)
}

fn row(name: &str, runs: &mut [Run]) -> Result<()> {
    let mut counts = Vec::new();
    for run in runs.iter_mut() {
        // Long enough for a compiler that works while the program runs.
        run(200)?;
        let each = run(20)? / 20.0;
        counts.push((SLICE / each).clamp(10.0, 100_000.0) as u32);
    }
    let mut figures = vec![Vec::new(); runs.len()];
    for _ in 0..ROUNDS {
        for ((run, count), figures) in runs.iter_mut().zip(&counts).zip(&mut figures) {
            figures.push(run(*count)? / f64::from(*count));
        }
    }
    let medians: Vec<f64> = figures.into_iter().map(median).collect();
    let ours = *medians.first().context("no contender")?;
    print!("| {name} | **{ours:.1}** |");
    for other in medians.iter().skip(1) {
        print!(" {other:.1} ({:.1}×) |", other / ours);
    }
    println!();
    Ok(())
}

fn median(mut all: Vec<f64>) -> f64 {
    all.sort_by(f64::total_cmp);
    all.get(all.len() / 2).copied().unwrap_or(f64::NAN)
}
