//! What a run does: how many faults of which kind, by which seed.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The release build of postrider.
    pub(crate) binary: PathBuf,
    pub(crate) seed: u64,
    /// SIGKILL at random moments.
    pub(crate) kills: u32,
    /// SIGKILL at a random sync of the log.
    pub(crate) syncs: u32,
    /// Power cut on a file system of its own.
    pub(crate) cuts: u32,
    /// A sync that fails, then SIGKILL.
    pub(crate) errors: u32,
    /// Syncs that are slow, then SIGKILL.
    pub(crate) slow: u32,
    /// Syncs that do nothing (libeatmydata): the run must lose mail, or it proves nothing.
    pub(crate) control: Option<PathBuf>,
}

/// Faults between two judgements.
pub(crate) const PER_ROUND: u32 = 10;

impl Plan {
    /// Reads `BINARY [--seed N] [--kills N] [--syncs N] [--cuts N] [--errors N] [--slow N] [--control LIB]`.
    pub(crate) fn read(words: &[String]) -> Result<Self> {
        let mut plan = Self {
            binary: PathBuf::new(),
            seed: std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0),
            kills: 0,
            syncs: 0,
            cuts: 0,
            errors: 0,
            slow: 0,
            control: None,
        };
        let mut words = words.iter();
        while let Some(word) = words.next() {
            if !word.starts_with("--") {
                plan.binary = word.into();
                continue;
            }
            let value = words.next().with_context(|| format!("{word} wants a value"))?;
            let number = || value.parse::<u32>().with_context(|| format!("{word}: {value:?} is no number"));
            match word.as_str() {
                "--seed" => plan.seed = value.parse().with_context(|| format!("{word}: {value:?}"))?,
                "--kills" => plan.kills = number()?,
                "--syncs" => plan.syncs = number()?,
                "--cuts" => plan.cuts = number()?,
                "--errors" => plan.errors = number()?,
                "--slow" => plan.slow = number()?,
                "--control" => plan.control = Some(value.into()),
                _ => bail!("no such flag: {word}"),
            }
        }
        if !plan.binary.is_file() {
            bail!("{} is no program; the first word is the postrider to torture", plan.binary.display());
        }
        plan.binary = plan.binary.canonicalize()?;
        Ok(plan)
    }
}
