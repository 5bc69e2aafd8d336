//! Finding the settings and the daemon's folder.

use super::args::Where;
use crate::config::{self, Outcome, Settings, Surroundings};
use crate::exit::Failure;
use std::path::{Path, PathBuf};

const PLACES: [&str; 2] = ["/etc/postrider/postrider.toml", "/etc/postrider/app.ini"];

/// The settings file that was named, or the first there is.
pub(crate) fn file(named: Option<&Path>, around: &Surroundings) -> Option<PathBuf> {
    let named = named.map(ToOwned::to_owned);
    let variable = || around.variable("POSTRIDER_CONFIG").map(PathBuf::from);
    let usual = || PLACES.iter().map(PathBuf::from).find(|path| path.exists());
    named.or_else(variable).or_else(usual)
}

/// Reads a settings file; warnings are left to the caller.
pub(crate) fn outcome(named: Option<&Path>, around: &Surroundings) -> Result<Outcome, Failure> {
    let path = file(named, around).ok_or_else(|| {
        Failure::Settings(format!(
            "no settings: name a file by --config FILE or $POSTRIDER_CONFIG, or create {}",
            PLACES.join(" or ")
        ))
    })?;
    config::load(&path, around).map_err(|error| Failure::Settings(error.to_string()))
}

/// Reads a settings file and refuses every mistake. Warnings are for who delivers by it, as one that runs
/// its commands does; a verb that only looks for the daemon stays quiet, or cron would mail them each time.
pub(crate) fn settings(named: Option<&Path>, around: &Surroundings) -> Result<Settings, Failure> {
    let outcome = outcome(named, around)?;
    for warning in &outcome.findings.warnings {
        match around.run_commands {
            true => tracing::warn!("{warning}"),
            false => tracing::debug!("{warning}"),
        }
    }
    outcome.settings.ok_or_else(|| Failure::Settings(outcome.findings.to_string()))
}

/// The daemon's data folder.
pub(crate) fn data_dir(place: &Where, around: &Surroundings) -> Result<PathBuf, Failure> {
    match &place.data {
        Some(folder) => Ok(folder.clone()),
        None => Ok(settings(place.config.as_deref(), around)?.data_dir),
    }
}
