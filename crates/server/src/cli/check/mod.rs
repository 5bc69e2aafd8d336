//! `check`: speaks to each relay as mail would, and explains what it found as a postmaster does.

mod advice;
mod findings;
mod mail;
mod show;

use super::{args, find, print};
use crate::clock::WallClock;
use crate::config::{Relay, Settings, SmtpRelay, Surroundings, Way};
use crate::exit::Failure;
use crate::{ways, wire};
use findings::{Finding, Severity};
use queue::Clock;
use send::SmtpSender;
use send::smtp::{Deadlines, Examination};
use serde_json::{Value, json};
use std::time::Duration;

/// One relay, looked at.
struct Checked<'a> {
    relay: &'a Relay,
    findings: Vec<Finding>,
    /// `None` where nothing was connected.
    seen: Option<Examination>,
}

pub(crate) async fn run(check: args::Check, around: Surroundings) -> Result<(), Failure> {
    let around = Surroundings { run_commands: true, ..around };
    let settings = find::settings(check.config.as_deref(), &around)?;
    wire::install_tls();
    let mut failure = None;
    let mut relays = Vec::new();
    for relay in named(&settings, check.relay.as_deref())? {
        let checked = look(relay, &settings).await;
        failure = failure.or_else(|| show::failure(&checked));
        match check.json {
            true => relays.push(show::json(&checked)),
            false => print(&show::text(&checked))?,
        }
    }
    let mut report = json!({"relays": relays});
    if let Some(to) = &check.to {
        match mail::send(to, &settings, &around).await {
            Ok(mail) => {
                if !check.json {
                    print(&mail.text())?;
                }
                set(&mut report, "mail", mail.json());
                failure = failure.or_else(|| mail.failure());
            }
            Err(missing) => {
                set(&mut report, "mail", json!({"status": null, "problem": missing.to_string()}));
                failure = failure.or(Some(missing));
            }
        }
    }
    if check.json {
        set(&mut report, "ok", json!(failure.is_none()));
        print(&report.to_string())?;
    }
    failure.map_or(Ok(()), Err)
}

/// The relay of this name; all of them when none is named.
fn named<'a>(settings: &'a Settings, name: Option<&str>) -> Result<Vec<&'a Relay>, Failure> {
    let chosen: Vec<&Relay> =
        settings.relays.iter().filter(|relay| name.is_none_or(|name| relay.name == name)).collect();
    if chosen.is_empty() {
        let all: Vec<&str> = settings.relays.iter().map(|relay| relay.name.as_str()).collect();
        let name = name.unwrap_or_default();
        return Err(Failure::Usage(format!("there is no relay {name:?}; there are: {}", all.join(", "))));
    }
    Ok(chosen)
}

fn set(report: &mut Value, key: &str, value: Value) {
    if let Value::Object(report) = report {
        report.insert(key.to_owned(), value);
    }
}

async fn look<'a>(relay: &'a Relay, settings: &Settings) -> Checked<'a> {
    let unconnected = |severity, code, cause: &str, remedy: &str| Checked {
        relay,
        findings: vec![Finding::new(severity, code, cause, remedy)],
        seen: None,
    };
    match &relay.way {
        Way::Smtp(way) => speak(relay, way, settings).await,
        Way::Inbox => {
            unconnected(Severity::Note, "inbox", "mail stays in our own inbox", "name a relay to send it")
        }
        Way::Dummy(_) => unconnected(
            Severity::Warning,
            "dummy",
            "mail is logged and lost",
            "name a relay, unless that is wanted",
        ),
        Way::Sendmail(way) => unconnected(
            Severity::Note,
            "sendmail",
            &format!(
                "mail goes to the program {}, which tells nothing before it has one",
                way.path.display()
            ),
            "see what it says with --to",
        ),
    }
}

async fn speak<'a>(relay: &'a Relay, way: &SmtpRelay, settings: &Settings) -> Checked<'a> {
    let mut smtp = ways::smtp_settings(way);
    smtp.deadlines = patience();
    let sender = match SmtpSender::new(smtp) {
        Ok(sender) => sender,
        Err(error) => {
            let remedy = "mend the file or key that is named";
            let finding = Finding::new(Severity::Error, "settings", &error.to_string(), remedy);
            return Checked { relay, findings: vec![finding], seen: None };
        }
    };
    let seen = sender.examine().await;
    let findings = findings::of(way, &seen, settings.smtp.max_size, WallClock.now());
    Checked { relay, findings, seen: Some(seen) }
}

/// Somebody waits at a terminal, and nothing is lost by giving up.
fn patience() -> Deadlines {
    let seconds = Duration::from_secs;
    Deadlines {
        connect: seconds(15),
        connect_all: seconds(20),
        greeting: seconds(20),
        suspicion: seconds(2),
        hello: seconds(20),
        quit: seconds(2),
        ..Deadlines::default()
    }
}
