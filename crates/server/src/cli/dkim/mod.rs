//! `dkim keygen|record|verify`: keys, their records, and whether both fit.

pub(crate) mod args;
mod verify;

use super::{find, note, print};
use crate::config::Surroundings;
use crate::exit::Failure;
use args::{Dkim, Keygen, Kind};
use envelope::Address;
use message::dkim::{KeyKind, SigningKey, record_name, zone_line};
use serde_json::json;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

pub(crate) async fn run(verb: Dkim, around: Surroundings) -> Result<(), Failure> {
    match verb {
        Dkim::Keygen(asked) => keygen(&asked),
        Dkim::Record { config, json } => record(config.as_deref(), json, &around),
        Dkim::Verify(asked) => verify::run(&asked, &around).await,
    }
}

fn keygen(asked: &Keygen) -> Result<(), Failure> {
    let domain = Address::parse(&format!("a@{}", asked.domain))
        .map_err(|error| Failure::Usage(format!("--domain {:?}: {error}", asked.domain)))?
        .domain()
        .to_owned();
    let fits = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if asked.selector.is_empty() || !asked.selector.chars().all(fits) {
        let text = format!("--selector {:?}: use letters, digits, - and _, such as s2026", asked.selector);
        return Err(Failure::Usage(text));
    }
    let kind = match asked.kind {
        Kind::Rsa => KeyKind::Rsa,
        Kind::Ed25519 => KeyKind::Ed25519,
    };
    let (key, pem) = SigningKey::generate(kind).map_err(|error| Failure::Bug(error.to_string()))?;
    write_key(&asked.out, pem.as_bytes())?;
    let (name, text) = (record_name(&asked.selector, &domain), key.record());
    let line = zone_line(&asked.selector, &domain, &text);
    if asked.json {
        let file = asked.out.to_string_lossy();
        let all = json!({"domain": domain, "selector": asked.selector, "kind": kind.name(), "file": file, "name": name, "text": text, "zone": line});
        return print(&all.to_string());
    }
    print(&line)?;
    let file = std::path::absolute(&asked.out)?;
    note(&format!(
        "The private key is in {}. Publish the record above, then write:\n\n[postrider.dkim]\nDOMAIN   = {domain}\nSELECTOR = {}\nKEY_FILE = {}\n",
        file.display(),
        asked.selector,
        file.display()
    ));
    Ok(())
}

/// For this user alone; what is there is somebody's key.
fn write_key(path: &Path, pem: &[u8]) -> Result<(), Failure> {
    let failed = |because| Failure::Create { path: path.to_owned(), because };
    let file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file = file.map_err(failed)?;
    file.write_all(pem).and_then(|()| file.sync_all()).map_err(failed)
}

fn record(config: Option<&Path>, json: bool, around: &Surroundings) -> Result<(), Failure> {
    let settings = find::settings(config, around)?;
    if settings.dkim.keys.is_empty() {
        return Err(no_keys());
    }
    for one in &settings.dkim.keys {
        let text = one.key.record();
        let line = zone_line(&one.selector, &one.domain, &text);
        let all = || {
            let name = record_name(&one.selector, &one.domain);
            json!({"domain": one.domain, "selector": one.selector, "kind": one.key.kind().name(), "name": name, "text": text, "zone": line})
        };
        print(&if json { all().to_string() } else { line.clone() })?;
    }
    Ok(())
}

fn no_keys() -> Failure {
    Failure::Settings(
        "no key is set: make one by `postrider dkim keygen` and write [postrider.dkim] DOMAIN, SELECTOR and KEY_FILE".into(),
    )
}
