//! Starting a client and reading its figures.

use crate::order::{Figures, Order};
use anyhow::{Context, Result, ensure};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

/// The system counts the processor of other processes in steps of 10 ms: of less than this it says nothing.
const LEAST_US: f64 = 50_000.0;

/// Octets of a mail of smtp-source, as long as the others' are.
const LENGTH: usize = 7500;

pub fn rust(name: &str, order: &Order) -> Result<Figures> {
    let program = std::env::current_exe()?;
    read(Command::new(program).args(["client", name]).arg(order.write().to_string()), order.count)
}

pub fn node(script: &Path, mails: &Path, order: &Order) -> Result<Figures> {
    read(Command::new("node").arg(script).arg(mails).arg(order.write().to_string()), order.count)
}

/// Two numbers: microseconds on the wall and of the processor.
fn read(command: &mut Command, count: usize) -> Result<Figures> {
    let output =
        command.stderr(Stdio::inherit()).output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(output.status.success(), "{} of {command:?}", output.status);
    let text = String::from_utf8(output.stdout)?;
    let numbers: Vec<f64> = text.split_whitespace().map(str::parse).collect::<Result<_, _>>()?;
    let [wall, cpu] = numbers[..] else { anyhow::bail!("it answered {text:?}") };
    Ok(Figures::new(count, wall, cpu))
}

/// Its whole run, start and connections too, as it says nothing of itself.
pub fn source(package: &Path, order: &Order) -> Result<Figures> {
    let mut command = Command::new(package.join("usr/sbin/smtp-source"));
    command.env("LD_LIBRARY_PATH", package.join("usr/lib/postfix"));
    command.arg("-d").args(["-s", &order.connections.to_string(), "-m", &order.count.to_string()]);
    command.args(["-l", &LENGTH.to_string(), "-f", crate::mails::FROM, "-t", crate::mails::TO]);
    let (cpu, begin) = (of_children()?, Instant::now());
    let status =
        command.arg(format!("127.0.0.1:{}", order.port)).status().context("cannot start smtp-source")?;
    ensure!(status.success(), "{status} of {command:?}");
    let (wall, cpu) = (begin.elapsed().as_secs_f64() * 1e6, of_children()? - cpu);
    Ok(Figures::new(order.count, wall, if cpu < LEAST_US { f64::NAN } else { cpu }))
}

/// Microseconds of the processor, of all children that ended (proc(5), cutime and cstime).
fn of_children() -> Result<f64> {
    let text = std::fs::read_to_string("/proc/self/stat")?;
    let fields = text.rsplit(')').next().context("no name")?.split_whitespace();
    let ticks: f64 = fields.skip(13).take(2).map(|n| n.parse::<f64>().unwrap_or(f64::NAN)).sum();
    Ok(ticks * 1e6 / rustix::param::clock_ticks_per_second() as f64)
}
