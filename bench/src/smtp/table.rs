//! Figures as Markdown.

use crate::clients::Contender;
use crate::order::{Figures, Order};
use crate::sink::Sink;
use anyhow::{Context, Result};
use std::process::Command;

pub struct Row {
    pub name: String,
    pub figures: Vec<Option<Figures>>,
}

/// A figure, and how many times better ours is than another's.
pub type Show = fn(Figures) -> (f64, fn(f64, f64) -> f64);

pub fn rate(figures: Figures) -> (f64, fn(f64, f64) -> f64) {
    (figures.rate, |ours, other| ours / other)
}

fn cpu(figures: Figures) -> (f64, fn(f64, f64) -> f64) {
    (figures.cpu, |ours, other| other / ours)
}

impl Row {
    pub fn line(&self, all: &[Contender], show: Show) -> String {
        let ours = self.figures.first().copied().flatten().map_or(f64::NAN, |ours| show(ours).0);
        let mut line = format!("| {} |", self.name);
        for (n, (figures, _)) in self.figures.iter().zip(all).enumerate() {
            line.push_str(&match figures.map(show) {
                None => " – |".to_owned(),
                Some((value, _)) if value.is_nan() => " – |".to_owned(),
                Some((value, _)) if n == 0 => format!(" **{}** |", short(value)),
                Some((value, times)) => format!(" {} ({}×) |", short(value), short(times(ours, value))),
            });
        }
        line
    }
}

/// Two digits at least, no fraction where it says nothing.
fn short(value: f64) -> String {
    if value < 100.0 { format!("{value:.1}") } else { format!("{value:.0}") }
}

pub fn print(all: &[Contender], rows: &[Row]) {
    for (title, show) in [("mails a second", rate as Show), ("CPU microseconds of the client a mail", cpu)] {
        println!("\n| {title} | {} |", names(all).join(" | "));
        println!("|---|{}", "---|".repeat(all.len()));
        rows.iter().for_each(|row| println!("{}", row.line(all, show)));
    }
}

fn names(all: &[Contender]) -> Vec<&str> {
    all.iter().map(|one| one.name).collect()
}

/// Calls to the system a mail of the clients in Rust, plain, one connection, if strace is there to count them.
pub fn syscalls(all: &[Contender]) -> Result<()> {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("\nNo strace: calls to the system are not counted.");
        return Ok(());
    }
    let sink = Sink::start(true, None)?;
    let file = tempfile::NamedTempFile::new()?;
    println!("\n| | calls to the system a mail |\n|---|---|");
    for (contender, run) in all.iter().filter_map(|one| Some((one, one.is_rust()?))) {
        let mut totals = Vec::new();
        for count in [1000, 2000] {
            let order = Order { port: sink.port(), ca: None, user: None, connections: 1, warm: 100, count };
            let mut command = Command::new("strace");
            command.args(["-f", "-c", "-o"]).arg(file.path()).arg(std::env::current_exe()?);
            command.args(["client", run]).arg(order.write().to_string()).output()?;
            totals.push(total(&std::fs::read_to_string(file.path())?)?);
        }
        println!("| {} | {:.1} |", contender.name, (totals[1] - totals[0]) / 1000.0);
    }
    Ok(())
}

/// The fourth column of the last line.
fn total(summary: &str) -> Result<f64> {
    let last = summary.lines().rev().find(|line| line.ends_with("total")).context("no total")?;
    last.split_whitespace().nth(3).and_then(|calls| calls.parse().ok()).context("no number of calls")
}
