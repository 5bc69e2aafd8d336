//! What a run does: how many faults of which kind, by which seed.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;

/// Who is tortured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    Postrider,
    /// Debian's Postfix, as a null client.
    Postfix,
    /// Debian's OpenSMTPD, likewise.
    OpenSmtpd,
    Nullmailer,
    /// Three postriders that share a queue in Redis.
    Nodes,
}

#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The release build of postrider.
    pub(crate) binary: PathBuf,
    pub(crate) who: Who,
    pub(crate) seed: u64,
    /// SIGKILL at random moments.
    pub(crate) kills: u32,
    /// SIGKILL at a random sync of the log.
    pub(crate) syncs: u32,
    /// SIGKILL at a random write.
    pub(crate) writes: u32,
    /// A disk that is full for a while.
    pub(crate) full: u32,
    /// A wall clock that is set by hours, forth and back; then SIGKILL.
    pub(crate) clocks: u32,
    /// Power cut on a file system of its own.
    pub(crate) cuts: u32,
    /// A sync that fails, then SIGKILL.
    pub(crate) errors: u32,
    /// Syncs that are slow, then SIGKILL.
    pub(crate) slow: u32,
    /// Syncs that do nothing (libeatmydata), or for the nodes a Redis that writes no log: the run must lose mail, or it proves nothing.
    pub(crate) control: Option<PathBuf>,
    /// libfaketime, for `clocks` and the nodes' clocks.
    pub(crate) faketime: Option<PathBuf>,
    /// How long the storm over the nodes lasts.
    pub(crate) minutes: f64,
}

/// Faults between two judgements.
pub(crate) const PER_ROUND: u32 = 10;

impl Plan {
    /// Reads `BINARY [--who postrider|postfix|opensmtpd|nullmailer|nodes] [--seed N] [--kills N] [--syncs N] [--writes N] [--cuts N]
    /// [--errors N] [--slow N] [--full N] [--clocks N --faketime LIB] [--control LIB]`, for the nodes
    /// `BINARY --who nodes --faketime LIB [--seed N] [--minutes N] [--control no-log]`.
    pub(crate) fn read(words: &[String]) -> Result<Self> {
        let mut plan = Self {
            binary: PathBuf::new(),
            who: Who::Postrider,
            seed: std::hash::BuildHasher::hash_one(&std::hash::RandomState::new(), 0),
            kills: 0,
            syncs: 0,
            cuts: 0,
            writes: 0,
            full: 0,
            clocks: 0,
            errors: 0,
            slow: 0,
            control: None,
            faketime: None,
            minutes: 30.0,
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
                "--writes" => plan.writes = number()?,
                "--full" => plan.full = number()?,
                "--clocks" => plan.clocks = number()?,
                "--minutes" => plan.minutes = value.parse().with_context(|| format!("{word}: {value:?}"))?,
                "--who" => plan.who = who(value)?,
                "--faketime" => plan.faketime = Some(value.into()),
                "--control" => plan.control = Some(value.into()),
                _ => bail!("no such flag: {word}"),
            }
        }
        if !matches!(plan.who, Who::Postrider | Who::Nodes) {
            return Ok(plan);
        }
        if !plan.binary.is_file() {
            bail!("{} is no program; the first word is the postrider to torture", plan.binary.display());
        }
        plan.binary = plan.binary.canonicalize()?;
        Ok(plan)
    }
}

fn who(name: &str) -> Result<Who> {
    Ok(match name {
        "postrider" => Who::Postrider,
        "postfix" => Who::Postfix,
        "opensmtpd" => Who::OpenSmtpd,
        "nullmailer" => Who::Nullmailer,
        "nodes" => Who::Nodes,
        _ => bail!("--who is postrider, postfix, opensmtpd, nullmailer or nodes, not {name:?}"),
    })
}
