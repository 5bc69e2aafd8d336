//! `dkim verify`: the records of our keys, or the signatures of a mail.

use super::args::Verify;
use super::{find, no_keys, print};
use crate::clock::WallClock;
use crate::config::{Settings, Surroundings};
use crate::dkim::{self, Unlike};
use crate::exit::Failure;
use message::dkim::{KeyKind, record_name, verify};
use queue::Clock;
use serde_json::json;
use std::collections::BTreeMap;
use std::io::Read;
use std::net::SocketAddr;
use std::path::Path;

pub(super) async fn run(asked: &Verify, around: &Surroundings) -> Result<(), Failure> {
    match &asked.message {
        Some(path) => {
            // A mail can be looked at without any settings; with some, by their servers.
            let named = find::file(asked.config.as_deref(), around).is_some();
            let settings = named.then(|| find::settings(asked.config.as_deref(), around)).transpose()?;
            let resolvers = settings.map(|s| s.dkim.resolvers).unwrap_or_default();
            message(path, &dkim::servers(&resolvers), asked.json).await
        }
        None => records(&find::settings(asked.config.as_deref(), around)?, asked.json).await,
    }
}

/// Each key with its record; the gravest of what is wrong decides.
async fn records(settings: &Settings, json: bool) -> Result<(), Failure> {
    let servers = dkim::servers(&settings.dkim.resolvers);
    let keyring = dkim::keyring(&settings.dkim, None);
    if keyring.is_empty() {
        return Err(no_keys());
    }
    let (mut wrong, mut silent) = (Vec::new(), Vec::new());
    for key in keyring.keys() {
        let outcome = dkim::compare(key, &servers).await;
        let name = key.record_name();
        let (word, cause) = match &outcome {
            Ok(()) => ("good", None),
            Err(Unlike::Record(cause)) => ("wrong", Some(cause.as_str())),
            Err(Unlike::NoAnswer(cause)) => ("unknown", Some(cause.as_str())),
        };
        print(&match json {
            true => json!({"name": name, "domain": key.domain, "selector": key.selector, "record": word, "cause": cause}).to_string(),
            false => format!("{name}  {word}"),
        })?;
        match outcome {
            Ok(()) => {}
            Err(Unlike::Record(cause)) => wrong.push(cause),
            Err(Unlike::NoAnswer(cause)) => silent.push(cause),
        }
    }
    match (wrong.is_empty(), silent.is_empty()) {
        (true, true) => Ok(()),
        (true, false) => Err(Failure::Unavailable(silent.join("\n"))),
        (false, _) => Err(Failure::Settings(wrong.join("\n"))),
    }
}

async fn message(path: &Path, servers: &[SocketAddr], json: bool) -> Result<(), Failure> {
    let raw = read(path)?;
    let at = memchr::memmem::find(&raw, b"\r\n\r\n").map_or(raw.len(), |at| at + 4);
    let (header, body) = raw.split_at_checked(at).unwrap_or((&raw, &[]));
    let records = ask(header, body, servers).await?;
    let seen = verify(header, body, WallClock.now(), |name| records.get(name).cloned());
    for one in &seen {
        let name = record_name(&one.selector, &one.domain);
        let (good, said) = match &one.outcome {
            Ok(KeyKind::Rsa) => (true, "good (rsa-sha256)".to_owned()),
            Ok(KeyKind::Ed25519) => (true, "good (ed25519-sha256)".to_owned()),
            Err(fault) => (false, fault.to_string()),
        };
        print(&match json {
            true => json!({"domain": one.domain, "selector": one.selector, "good": good, "said": said})
                .to_string(),
            false => format!("{name}  {said}"),
        })?;
    }
    match seen.iter().all(|one| one.outcome.is_ok()) && !seen.is_empty() {
        true => Ok(()),
        false if seen.is_empty() => Err(Failure::BadMessage("the mail bears no DKIM signature".into())),
        false => Err(Failure::BadMessage("not every signature of the mail is good".into())),
    }
}

/// The records that the signatures name. Looked up before, since verifying asks nobody.
async fn ask(
    header: &[u8],
    body: &[u8],
    servers: &[SocketAddr],
) -> Result<BTreeMap<String, String>, Failure> {
    let mut names = Vec::new();
    verify(header, body, WallClock.now(), |name| {
        names.push(name.to_owned());
        None
    });
    let mut records = BTreeMap::new();
    for name in names {
        let found = send::dns::txt(servers, &name).await;
        let found = found.map_err(|error| Failure::Unavailable(format!("{name}: {error}")))?;
        if let Some(record) = found.into_iter().next() {
            records.insert(name, record);
        }
    }
    Ok(records)
}

/// Lines that end in LF alone are taken as a mail is saved by many programs.
fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut raw = Vec::new();
    match path.as_os_str() == "-" {
        true => std::io::stdin().lock().read_to_end(&mut raw).map(drop)?,
        false => {
            let failed = |because| Failure::Read { flag: "--message", path: path.to_owned(), because };
            raw = std::fs::read(path).map_err(failed)?;
        }
    }
    if memchr::memchr(b'\r', &raw).is_none() {
        let mut whole = Vec::with_capacity(raw.len() + raw.len() / 32);
        for line in raw.split_inclusive(|b| *b == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(text) => whole.extend([text, b"\r\n"].concat()),
                None => whole.extend_from_slice(line),
            }
        }
        raw = whole;
    }
    Ok(raw)
}
