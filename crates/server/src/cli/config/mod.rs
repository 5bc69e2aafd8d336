//! `config show`, `config check`, `config sample` and `config import`.

mod adopt;

use super::args::{Config, SampleFormat};
use super::{find, print, write};
use crate::config::{self, Dialect, Finding, Kept, Outcome, Relay, Shown, Surroundings};
use crate::exit::Failure;
use crate::wire;
use queue::StoreError;
use serde_json::json;
use std::path::Path;

pub(crate) async fn run(verb: Config, around: Surroundings) -> Result<(), Failure> {
    let around = &around;
    match &verb {
        Config::Show { config, json } => show(&find::outcome(config.as_deref(), around)?, *json),
        Config::Check { config, json } => {
            let mut outcome = find::outcome(config.as_deref(), around)?;
            outcome.check_machine();
            redis(&mut outcome).await;
            check(&outcome, *json)
        }
        Config::Sample { format } => write(sample(*format).as_bytes()),
        Config::Import { file } => import(file, around),
        Config::Adopt(flags) => adopt::run(flags, around),
    }
}

/// Asks Redis, when the queue is there, whether it is one for mail. That it does not answer now is no mistake of
/// the settings.
async fn redis(outcome: &mut Outcome) {
    let queue = outcome.settings.as_ref().map(|settings| &settings.queue);
    let Some(place) = queue.filter(|q| q.kept == Kept::InRedis).and_then(|q| q.redis.clone()) else { return };
    wire::install_tls();
    let findings = &mut outcome.findings;
    match place.worth().await {
        Ok(worth) => {
            for warning in worth.warnings {
                findings.warn(None, "queue", "TYPE", warning);
            }
        }
        Err(error @ StoreError::Unfit(_)) => findings.mistake(None, "queue", "TYPE", error.to_string()),
        Err(error) => findings.warn(None, "queue", "TYPE", format!("Redis cannot be asked now: {error}")),
    }
}

/// The new file on stdout, what is to be said of the old one on stderr.
fn import(file: &Path, around: &Surroundings) -> Result<(), Failure> {
    let imported =
        config::import(file, around).map_err(|unreadable| Failure::Settings(unreadable.to_string()))?;
    write(imported.text.as_bytes())?;
    for warning in &imported.findings.warnings {
        tracing::warn!("{warning}");
    }
    match imported.findings.mistakes.is_empty() {
        true => Ok(()),
        false => Err(Failure::Settings(imported.findings.to_string())),
    }
}

fn sample(format: SampleFormat) -> String {
    match format {
        SampleFormat::Toml => config::sample(Dialect::Toml),
        SampleFormat::Ini => config::sample(Dialect::Gitea),
        SampleFormat::Markdown => config::reference(),
    }
}

/// The effective settings; with mistakes in them, what could be read, and the mistakes as failure.
fn show(outcome: &Outcome, json: bool) -> Result<(), Failure> {
    let mut lines: Vec<&Shown> = outcome.shown.iter().collect();
    lines.sort_by(|a, b| (&a.section, &a.key).cmp(&(&b.section, &b.key)));
    lines.dedup_by(|a, b| (&a.section, &a.key) == (&b.section, &b.key));
    let origin = |line: &Shown| line.origin.as_ref().map_or("default".to_owned(), ToString::to_string);
    if json {
        let all: Vec<_> = lines
            .iter()
            .map(|l| json!({"section": l.section, "key": l.key, "value": l.value, "origin": origin(l)}))
            .collect();
        print(&json!({"settings": all}).to_string())?;
    } else {
        let mut section = None;
        for line in lines {
            if section != Some(&line.section) {
                print(&format!("[{}]", line.section))?;
                section = Some(&line.section);
            }
            print(&format!("{} = {}    ; {}", line.key, line.value, origin(line)))?;
        }
    }
    refuse(outcome)
}

fn check(outcome: &Outcome, json: bool) -> Result<(), Failure> {
    let found = &outcome.findings;
    if json {
        let list = |findings: &[Finding]| findings.iter().map(entry).collect::<Vec<_>>();
        let ok = found.mistakes.is_empty();
        let relays: Vec<_> = relays(outcome).iter().map(|r| json!({"name": r.name, "url": r.url})).collect();
        let all = json!({
            "ok": ok, "relays": relays, "mistakes": list(&found.mistakes), "warnings": list(&found.warnings),
        });
        print(&all.to_string())?;
    } else {
        for warning in &found.warnings {
            print(&format!("warning: {warning}"))?;
        }
        for (place, relay) in relays(outcome).iter().enumerate() {
            let order = if place == 0 { "mail goes to" } else { "and when that fails to" };
            print(&format!("{order} {} ({})", relay.url, relay.name))?;
        }
        if found.mistakes.is_empty() {
            print("the settings are good")?;
        }
    }
    refuse(outcome)
}

fn relays(outcome: &Outcome) -> &[Relay] {
    outcome.settings.as_ref().map_or(&[], |settings| &settings.relays)
}

fn entry(finding: &Finding) -> serde_json::Value {
    let origin = finding.origin.as_ref().map(ToString::to_string);
    json!({
        "section": finding.section, "key": finding.key, "origin": origin, "problem": finding.problem,
        "text": finding.to_string(),
    })
}

fn refuse(outcome: &Outcome) -> Result<(), Failure> {
    match outcome.findings.mistakes.is_empty() {
        true => Ok(()),
        false => Err(Failure::Settings(outcome.findings.to_string())),
    }
}
