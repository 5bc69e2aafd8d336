//! The chores of this repository as one command: check, test, ci, docs, bench.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a tool speaks to the terminal")]

mod bench;
mod bench_peers;
mod documents;
mod floors;
mod peers;
mod programs;
mod run;
mod shots;
mod smoke;
mod tidy;
mod torture;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::run::{Steps, cargo};

const USAGE: &str = "\
Usage: cargo xtask VERB

  check           format, clippy, tidy, floors
  test [FILTER]   fetches the peers and runs every test (root needed)
  ci              check, test, release build, a walk through the README's first command
  floors          no crate imports an equal or higher floor
  tidy            sizes, headings, forgotten tests
  docs            links and crate names in the documents
  peers           fetches the real servers and programs under target/peers
  smoke BINARY    the README's first command on a binary: dev, a mail, the inbox
  fuzz TARGET [--seconds N] [--seed S]
                  hostile input for a reader; `all` for every target
  torture [short|long|FLAGS]
                  kills, power cuts and failing syncs: nothing accepted may be lost (root needed)
  torture nodes [short|FLAGS]
                  half an hour of blows to three nodes that share a queue in Redis, and to that Redis
  torture peers [FLAGS]
                  the same for postrider, Postfix and nullmailer, to compare
  golden          writes the built-in mails in crates/notify/tests/golden anew, after a change that is meant
  shots [FILTER]  pictures of the built-in mails under target/shots (Debian's chromium)
  bench queue [PART]
                  mail in and out beside Postfix; PART is rates, syncs, memory, drain or start (root needed)
  bench compose   composing beside lettre, mail-builder and nodemailer
  bench smtp [ROWS]
                  sending beside lettre, mail-send, nodemailer and smtp-source (root needed)
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match verb(&words) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn verb(words: &[&str]) -> Result<()> {
    match words {
        ["check"] => check(&mut Steps::default()),
        ["test"] => test(&[]),
        ["test", filter] => test(&[filter]),
        ["ci"] => ci(),
        ["floors"] => floors::run(),
        ["tidy"] => tidy::run(),
        ["docs"] => documents::run(),
        ["smoke", binary] => smoke::run(binary.as_ref()),
        ["peers"] => programs::fetch(&peers::fetch()?).map(drop),
        ["fuzz", rest @ ..] => fuzz(rest),
        ["torture", rest @ ..] => torture::torture(rest),
        ["golden"] => golden(),
        ["shots"] => shots::shots(""),
        ["shots", filter] => shots::shots(filter),
        ["bench", "queue"] => bench::queue(""),
        ["bench", "queue", part] => bench::queue(part),
        ["bench", "compose"] => bench_peers::compose(),
        ["bench", "smtp"] => bench_peers::smtp(""),
        ["bench", "smtp", rows] => bench_peers::smtp(rows),
        [] | ["help" | "-h" | "--help"] => {
            print!("{USAGE}");
            Ok(())
        }
        _ => bail!("no such verb: {}\n{USAGE}", words.join(" ")),
    }
}

/// Runs every check, so that one call shows all that is to be mended.
fn check(steps: &mut Steps) -> Result<()> {
    let outcomes = [
        steps.step("format", || cargo(&["fmt", "--all", "--check"])),
        steps.step("floors", floors::run),
        steps.step("tidy", tidy::run),
        steps.step("docs", documents::run),
        steps.step("clippy", || cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])),
    ];
    let failures: Vec<String> =
        outcomes.into_iter().filter_map(Result::err).map(|e| format!("{e:#}")).collect();
    if failures.is_empty() {
        return Ok(());
    }
    bail!("{}", failures.join("\n"));
}

/// Unit, contract and end-to-end tests and those in the documentation; goes on after a failed one.
fn test(filter: &[&str]) -> Result<()> {
    let peers = peers::fetch()?;
    let bin = programs::fetch(&peers)?;
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(bin).chain(std::env::split_paths(&path)))?;
    let mut command = run::cargo_command();
    command.args(["test", "--workspace", "--no-fail-fast"]).args(filter);
    command.env("POSTRIDER_PEERS", peers).env("PATH", path);
    run::run(&mut command)
}

fn fuzz(words: &[&str]) -> Result<()> {
    let mut command = run::cargo_command();
    command.args(["run", "--quiet", "--profile", "fuzz", "--package", "postrider-fuzz", "--"]).args(words);
    run::run(&mut command)
}

/// Twice: the samples that the first run writes are built into the second.
fn golden() -> Result<()> {
    for filter in ["golden::the_samples", "golden"] {
        let mut command = run::cargo_command();
        command.args(["test", "--package", "postrider-notify", "--test", "it", filter]);
        command.env("POSTRIDER_GOLDEN", "1");
        run::run(&mut command)?;
    }
    Ok(())
}

fn ci() -> Result<()> {
    let mut steps = Steps::default();
    let outcome = ci_steps(&mut steps);
    steps.print();
    outcome
}

fn ci_steps(steps: &mut Steps) -> Result<()> {
    check(steps)?;
    steps.step("test", || test(&[]))?;
    steps.step("release build", || cargo(&["build", "--release"]))?;
    steps.step("smoke", || smoke::run(&run::root().join("target/release/postrider")))?;
    steps.step("torture", || torture::torture(&["short"]))?;
    steps.step("torture nodes", || torture::torture(&["nodes", "short"]))
}
