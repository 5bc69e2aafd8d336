//! `[postrider.dkim]` and `[postrider.dkim.NAME]`: the keys that sign mail, each with its domain.

use super::reader::Reader;
use super::settings::{Dkim, SignedBy};
use super::tree::Origin;
use super::{keys, values};
use message::dkim::SigningKey;
use std::net::{IpAddr, SocketAddr};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

const MAIN: &str = "postrider.dkim";
const DNS_PORT: u16 = 53;

/// Every key; a section without `DOMAIN` of its own only says what the named ones inherit.
pub(crate) fn dkim(r: &mut Reader<'_>) -> Dkim {
    let named: Vec<String> =
        r.tree.section_names().filter(|s| keys::dkim_name(s).is_some()).map(ToOwned::to_owned).collect();
    let main_has_key = ["DOMAIN", "SELECTOR", "KEY_FILE"].iter().any(|key| r.tree.has_own(MAIN, key));
    let main = main_has_key.then(|| MAIN.to_owned());
    let sections = main.into_iter().chain(named);
    let mut keys: Vec<SignedBy> = Vec::new();
    for section in sections {
        in_main_alone(r, &section);
        let Some(key) = signed_by(r, &section) else { continue };
        if keys.iter().any(|other| (&other.domain, &other.selector) == (&key.domain, &key.selector)) {
            let origin = r.look(&section, "SELECTOR").map(|w| w.origin);
            let problem = "another section names the same domain and selector; a record holds one key";
            r.findings.mistake(origin, &section, "SELECTOR", problem);
        }
        keys.push(key);
    }
    if keys.is_empty() {
        let required = r.look(MAIN, "REQUIRED").filter(|w| values::strict_switch(&w.text) != Ok(false));
        if let Some(w) = required {
            let problem = "says nothing without a key; write DOMAIN, SELECTOR and KEY_FILE";
            r.findings.mistake(Some(w.origin), MAIN, "REQUIRED", problem);
        }
    }
    let check = r.parsed(MAIN, "CHECK", true, values::strict_switch);
    let resolvers = r.parsed(MAIN, "RESOLVER", Vec::new(), resolvers);
    Dkim { keys, check, resolvers }
}

/// What holds for all keys is written once.
fn in_main_alone(r: &mut Reader<'_>, section: &str) {
    for key in ["CHECK", "RESOLVER"] {
        if section != MAIN && r.tree.has_own(section, key) {
            let origin = r.look(section, key).map(|w| w.origin);
            r.findings.mistake(origin, section, key, "holds for all keys; write it in [postrider.dkim]");
        }
    }
}

fn signed_by(r: &mut Reader<'_>, section: &str) -> Option<SignedBy> {
    let domain = needed(r, section, "DOMAIN", "the domain of From", domain);
    let selector = needed(r, section, "SELECTOR", "the name of the key's record", selector);
    let key = key(r, section);
    let expires = r.parsed(section, "EXPIRE", None, expire);
    let required = r.parsed(section, "REQUIRED", false, values::strict_switch);
    Some(SignedBy { domain: domain?, selector: selector?, key: key?, expires, required })
}

/// A key without which the section means nothing.
fn needed(
    r: &mut Reader<'_>,
    section: &str,
    key: &str,
    what: &str,
    parse: impl FnOnce(&str) -> Result<String, String>,
) -> Option<String> {
    if r.look(section, key).is_none() {
        let origin = place_of(r, section);
        r.findings.mistake(origin, section, key, format!("is missing; write {what}"));
        return None;
    }
    r.parsed(section, key, None, |text| parse(text).map(Some))
}

fn place_of(r: &Reader<'_>, section: &str) -> Option<Origin> {
    r.tree.own(section).map(|(_, entry)| entry.origin.clone()).min()
}

fn domain(text: &str) -> Result<String, String> {
    let address = envelope::Address::parse(&format!("a@{text}"));
    let name = address.map_err(|error| format!("{text:?}: {error}"))?.domain().to_owned();
    match name.contains('.') && !name.starts_with('[') {
        true => Ok(name),
        false => {
            Err(format!("{text:?} is no domain that receivers can look up; write one such as example.com"))
        }
    }
}

fn selector(text: &str) -> Result<String, String> {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    match text.split('.').all(is_label) {
        true => Ok(text.to_owned()),
        false => Err(format!("{text:?} is no selector; use letters, digits, - and _, such as s2026")),
    }
}

/// Reads the private key, so that one that will not do stops the start and not the mail.
fn key(r: &mut Reader<'_>, section: &str) -> Option<Arc<SigningKey>> {
    const KEY: &str = "KEY_FILE";
    let Some((path, origin)) = r.path(section, KEY) else {
        let place = place_of(r, section);
        let problem = "is missing; `postrider dkim keygen` makes a key and prints its record";
        r.findings.mistake(place, section, KEY, problem);
        return None;
    };
    match read(&path) {
        Ok((key, warning)) => {
            if let Some(warning) = warning {
                r.findings.warn(Some(origin), section, KEY, warning);
            }
            Some(Arc::new(key))
        }
        Err(problem) => {
            r.findings.mistake(Some(origin), section, KEY, problem);
            None
        }
    }
}

fn read(path: &Path) -> Result<(SigningKey, Option<String>), String> {
    let file = path.display();
    let unreadable = |error| format!("the file {file} cannot be read: {error}; check path and permissions");
    let text = std::fs::read_to_string(path).map(zeroize::Zeroizing::new).map_err(unreadable)?;
    let key = SigningKey::from_pem(&text).map_err(|error| format!("{file}: {error}"))?;
    let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
    let open =
        (mode & 0o004 != 0).then(|| format!("every user may read {file}, and sign with it; chmod o-r it"));
    Ok((key, open))
}

fn expire(text: &str) -> Result<Option<u32>, String> {
    let time = values::duration(text)?;
    let fits = (time >= Duration::from_secs(86_400)).then(|| u32::try_from(time.as_secs()).ok()).flatten();
    let wrong = || {
        format!("{text} is too short for mail that waits at the receiver; write a day or more, such as 7d")
    };
    fits.ok_or_else(wrong).map(Some)
}

fn resolvers(text: &str) -> Result<Vec<SocketAddr>, String> {
    let one = |text: &String| {
        let with_port = text.parse().ok();
        let plain = || text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, DNS_PORT));
        with_port
            .or_else(plain)
            .ok_or_else(|| format!("{text:?} is no address of a DNS server; write 192.0.2.53"))
    };
    values::list(text).iter().map(one).collect()
}
