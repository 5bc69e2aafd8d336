//! `postrider-fuzz TARGET [--seconds N] [--seed S]`: a finding is kept in the corpus and fails the run.
#![allow(clippy::print_stdout, reason = "a tool speaks to the terminal")]

use anyhow::{Context, Result, bail};
use fuzz::runner::{self, Finding};
use fuzz::targets::{self, TARGETS, Target};
use fuzz::{corpus, mutate};
use std::time::Duration;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |flag: &str, otherwise: u64| -> Result<u64> {
        let Some(at) = words.iter().position(|word| word == flag) else { return Ok(otherwise) };
        let value = words.get(at + 1).with_context(|| format!("{flag} needs a number"))?;
        value.parse().with_context(|| format!("{flag} needs a number, not {value:?}"))
    };
    let names: Vec<&str> = TARGETS.iter().map(|target| target.name).collect();
    let usage = || format!("name a target: all, {}", names.join(", "));
    let name = words.first().with_context(usage)?;
    let time = Duration::from_secs(number("--seconds", 60)?);
    let seed = number("--seed", u64::from(std::process::id()))?;
    if name == "all" {
        return TARGETS.iter().try_for_each(|target| fuzz(target, time, seed));
    }
    fuzz(targets::by_name(name).with_context(usage)?, time, seed)
}

fn fuzz(target: &Target, time: Duration, seed: u64) -> Result<()> {
    println!("{} for {} s, --seed {seed}", target.name, time.as_secs());
    let inputs =
        corpus::load(target.name).context("no corpus")?.into_iter().map(|(_, input)| input).collect();
    let name = target.name;
    let stuck = move |input| {
        let finding = Finding { what: "it does not end".to_owned(), input };
        let kept = keep(name, &finding);
        println!("{name}: {} ({kept:?})", finding.what);
        std::process::exit(1);
    };
    // The finding is told once, with its path, and shortened.
    std::panic::set_hook(Box::new(|_| {}));
    match runner::by_time(target, inputs, seed, time, stuck) {
        Ok(ran) => println!("{name}: {ran} inputs, nothing found"),
        Err(finding) => {
            let kept = keep(name, &finding)?;
            let what: String = finding.what.chars().take(400).collect();
            bail!("{name}: {what} (kept as {kept})");
        }
    }
    Ok(())
}

/// Stores the input in the corpus; its path.
fn keep(name: &str, finding: &Finding) -> Result<String> {
    let sum = finding.input.iter().fold(7, |sum, byte| mutate::Random(sum ^ u64::from(*byte)).next_number());
    let path = corpus::folder(name).join(format!("found-{sum:016x}"));
    std::fs::write(&path, &finding.input).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path.display().to_string())
}
