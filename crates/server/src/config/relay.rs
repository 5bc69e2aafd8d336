//! Where mail goes: `[postrider.relay]` and `[postrider.relay.NAME]` with a URL, else `[mailer]` with
//! what `[postrider.relay]` adds.

use super::reader::{Reader, Written};
use super::settings::{Login, Place, Relay, Security, SignedHeader, SmtpRelay, Way};
use super::sign_in::SignIn;
use super::tree::Origin;
use super::trust::Trust;
use super::url::{self, RelayUrl};
use super::{Surroundings, keys, queue, sendmail, transport, values};
use std::time::Duration;

const RELAY: &str = "postrider.relay";
const MAILER: &str = "mailer";
/// Connections to a relay, and jobs a connection leases at once.
const CONNECTIONS: usize = 10;
const BATCH: usize = 64;
const PRIORITY: u32 = 10;
const IN_DOUBT: usize = 8;

/// The relays, the one that comes first at the head; empty with the mistakes told.
pub(crate) fn relays(r: &mut Reader<'_>, around: &Surroundings) -> Vec<Relay> {
    let names: Vec<String> =
        r.tree.section_names().filter(|s| keys::relay_name(s).is_some()).map(ToOwned::to_owned).collect();
    let main_has_url = r.tree.has_own(RELAY, "URL") && r.look(RELAY, "URL").is_some();
    let enabled = enabled(r, main_has_url || !names.is_empty());
    let mut found = Vec::new();
    if main_has_url {
        found.extend(from_section(r, RELAY, "default", around));
    } else if names.is_empty() {
        found.extend(from_mailer(r, enabled, around));
    } else {
        // What the named ones inherit: without a way of its own it is only looked at.
        additions(r, RELAY, None, around);
    }
    for section in &names {
        found.extend(named(r, section, around));
    }
    found.sort_by_key(|relay| relay.priority);
    for relay in found.iter().filter(|relay| matches!(relay.way, Way::Dummy(_))) {
        let (section, key) = (relay.key.0.as_str(), relay.key.1);
        let origin = r.look(section, key).map(|w| w.origin);
        let problem =
            "dummy only logs mail: all that is sent there is lost; name a relay unless that is wanted";
        r.findings.warn(origin, section, key, problem);
    }
    if enabled { found } else { Vec::new() }
}

fn place_of(r: &Reader<'_>, section: &str) -> Option<Origin> {
    r.tree.own(section).map(|(_, entry)| entry.origin.clone()).min()
}

impl Relay {
    /// A relay with the usual bounds; `key` names the section and key it comes from.
    pub(crate) fn new(way: Way, (section, key): (&str, &'static str)) -> Self {
        Self {
            name: "default".into(),
            url: shown(&way),
            way,
            key: (section.to_owned(), key),
            connections: CONNECTIONS,
            batch: BATCH,
            priority: PRIORITY,
            rate: None,
            max_in_doubt: IN_DOUBT,
            signed: SignedHeader::All,
        }
    }
}

/// What a relay's URL on the command line means.
pub(crate) fn relay_way(url: &str, around: &Surroundings) -> Result<Way, String> {
    to_way(url::parse(url)?, around)
}

/// Whether mail is switched on; a mistake is told when not.
fn enabled(r: &mut Reader<'_>, has_url: bool) -> bool {
    let written = r.text(MAILER, "ENABLED");
    let problem = match &written {
        Some(w) if values::switch(&w.text) == Some(true) => return true,
        None if has_url => return true,
        Some(w) if values::switch(&w.text).is_none() => {
            format!("{:?} is neither yes nor no, which switches mail off; write ENABLED = true", w.text)
        }
        Some(w) => format!("mail is switched off ({:?}); write ENABLED = true", w.text),
        None if r.tree.has_section(MAILER) => {
            "is missing, which switches mail off; write ENABLED = true".into()
        }
        // What could not be read may have been the relay.
        None if r.is_mistaken("", "") => return false,
        None => {
            let problem = "no relay is set; write [postrider.relay] URL = smtp+starttls://user:password@host, \
                           or a [mailer] section with ENABLED = true";
            r.findings.mistake(None, RELAY, "URL", problem);
            return false;
        }
    };
    r.findings.mistake(written.map(|w| w.origin), MAILER, "ENABLED", problem);
    false
}

/// The relay of `[mailer]`. Where mail is switched off, what is missing is no matter, what is wrong is.
fn from_mailer(r: &mut Reader<'_>, enabled: bool, around: &Surroundings) -> Option<Relay> {
    let before = r.findings.mistakes.len();
    let way = transport::way(r, around);
    if !enabled {
        let mut later = r.findings.mistakes.split_off(before);
        later.retain(|mistake| mistake.origin.is_some());
        r.findings.mistakes.append(&mut later);
    }
    let (mut way, key) = match way {
        Some((way, key)) => (Some(way), key),
        None => (None, "SMTP_ADDR"),
    };
    additions(r, RELAY, way.as_mut(), around);
    bounded(r, RELAY, way, (MAILER, key))
}

fn named(r: &mut Reader<'_>, section: &str, around: &Surroundings) -> Option<Relay> {
    let name = keys::relay_name(section).unwrap_or_default();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if name.is_empty() || !name.chars().all(fits) || name == "default" {
        let origin = place_of(r, section);
        let problem = "is no name for a relay; use letters, digits, - and _, and not \"default\", which is \
                       [postrider.relay] itself";
        r.findings.mistake(origin, section, "", problem);
        return None;
    }
    if !r.tree.has_own(section, "URL") {
        let origin = place_of(r, section);
        r.findings.mistake(origin, section, "URL", "is missing; write URL = smtp+starttls://user@host");
    }
    from_section(r, section, name, around)
}

/// The relay of a section with a URL.
fn from_section(r: &mut Reader<'_>, section: &str, name: &str, around: &Surroundings) -> Option<Relay> {
    let url = r.tree.has_own(section, "URL").then(|| r.look(section, "URL")).flatten();
    let mut way = url.and_then(|url| from_url(r, section, &url, around));
    additions(r, section, way.as_mut(), around);
    bounded(r, section, way, (section, "URL")).map(|relay| Relay { name: name.to_owned(), ..relay })
}

/// With how much it may be given.
fn bounded(r: &mut Reader<'_>, section: &str, way: Option<Way>, key: (&str, &'static str)) -> Option<Relay> {
    let workers = queue::count(r, "MAX_WORKERS").unwrap_or(CONNECTIONS);
    let batch = queue::count(r, "BATCH_LENGTH").unwrap_or(BATCH);
    let connections = r.parsed(section, "MAX_CONNECTIONS", workers, |t| number(t, "connections"));
    let max_in_doubt = r.parsed(section, "MAX_IN_DOUBT", IN_DOUBT, |t| number(t, "mails"));
    let priority = r.parsed(section, "PRIORITY", PRIORITY, |text| {
        text.parse().map_err(|_| format!("{text:?} is no priority; write a number, the lowest comes first"))
    });
    let rate = r.parsed(section, "RATE", None, |text| rate(text).map(Some));
    let signed = r.parsed(section, "DKIM", SignedHeader::All, signed);
    let relay = Relay::new(way?, key);
    Some(Relay {
        connections: connections.min(1000),
        batch: batch.min(1000),
        priority,
        rate,
        max_in_doubt,
        signed,
        ..relay
    })
}

fn number(text: &str, of: &str) -> Result<usize, String> {
    let fits = text.parse().ok().filter(|n| (1..=1000).contains(n));
    fits.ok_or_else(|| format!("{text:?} is no number of {of}; write a number from 1 to 1000"))
}

/// What is signed on the way to a relay.
fn signed(text: &str) -> Result<SignedHeader, String> {
    match text.to_ascii_lowercase().as_str() {
        "all" => Ok(SignedHeader::All),
        "without-date-and-id" => Ok(SignedHeader::WithoutDateAndId),
        "off" => Ok(SignedHeader::Off),
        _ => Err(format!("{text:?} is none of all, without-date-and-id, off")),
    }
}

/// `100/m`
fn rate(text: &str) -> Result<(u32, Duration), String> {
    let units = [("s", 1), ("m", 60), ("h", 3_600), ("d", 86_400)];
    let read = || {
        let (count, unit) = text.split_once('/')?;
        let (_, seconds) = units.iter().find(|(word, _)| *word == unit.trim())?;
        let count = count.trim().parse().ok().filter(|n| *n > 0)?;
        Some((count, Duration::from_secs(*seconds)))
    };
    read().ok_or_else(|| format!("{text:?} is no rate; write mails a second, minute, hour or day: 100/m"))
}

fn from_url(r: &mut Reader<'_>, section: &str, written: &Written, around: &Surroundings) -> Option<Way> {
    let way = match relay_way(&written.text, around) {
        Ok(way) => way,
        Err(problem) => {
            r.findings.mistake(Some(written.origin.clone()), section, "URL", problem);
            return None;
        }
    };
    r.show(section, "URL", &shown(&way), Some(written.origin.clone()));
    if let Way::Smtp(relay) = &way
        && let Place::Host { host, port } = &relay.place
    {
        transport::doubts(r, relay.security, (host, *port), (section, "URL"), &written.origin);
    }
    Some(way)
}

/// What a URL of our own settings means: `smtp+starttls` demands TLS there.
fn to_way(url: RelayUrl, around: &Surroundings) -> Result<Way, String> {
    Ok(match url {
        RelayUrl::Inbox => Way::Inbox,
        RelayUrl::Dummy(script) => Way::Dummy(script),
        RelayUrl::Smtp { place, lmtp, security, user, password } => Way::Smtp(Box::new(SmtpRelay {
            place,
            lmtp,
            security,
            require_tls: security != Security::Off,
            trust_any: false,
            ca_file: None,
            fingerprints: Vec::new(),
            client_cert: None,
            helo: around.hostname.clone(),
            login: user
                .map(|user| Login { user, password: password.unwrap_or_else(|| String::new().into()) }),
            token: None,
            mechanism: None,
        })),
        RelayUrl::Sendmail { path, args } => {
            Way::Sendmail(Box::new(sendmail::find(sendmail::plain(path, args, around))?))
        }
    })
}

/// The way as an operator knows it, without secrets.
pub(crate) fn shown(way: &Way) -> String {
    match way {
        Way::Inbox => "inbox://".into(),
        Way::Dummy(_) => "dummy://".into(),
        Way::Sendmail(way) => format!("sendmail://{}", way.path.display()),
        Way::Smtp(relay) => match &relay.place {
            Place::Unix(path) if relay.lmtp => format!("lmtp+unix://{}", path.display()),
            Place::Unix(path) => format!("smtp+unix://{}", path.display()),
            Place::Host { host, port } => {
                let scheme = match relay.security {
                    Security::Off if relay.lmtp => "lmtp",
                    Security::Off => "smtp",
                    Security::StartTls => "smtp+starttls",
                    Security::Implicit => "smtps",
                };
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                format!("{scheme}://{host}:{port}")
            }
        },
    }
}

/// What a section adds to a relay, wherever that was written.
fn additions(r: &mut Reader<'_>, section: &str, mut way: Option<&mut Way>, around: &Surroundings) {
    let trust = Trust::read(r, section);
    let sign_in = SignIn::read(r, section, around);
    beside_the_url(r, section, way.as_deref_mut());
    let Some(Way::Smtp(relay)) = way else { return };
    trust.put(r, section, relay);
    sign_in.put(r, section, relay);
}

/// What `[mailer]` has keys of its own for and a URL cannot say.
fn beside_the_url(r: &mut Reader<'_>, section: &str, way: Option<&mut Way>) {
    let switch = |t: &str| values::strict_switch(t).map(Some);
    let helo = transport::greeting(r, section);
    let timeout = r.look(section, "SENDMAIL_TIMEOUT").and_then(|_| sendmail::timeout(r, section));
    let convert_crlf = r.parsed(section, "SENDMAIL_CONVERT_CRLF", None, switch);
    match way {
        Some(Way::Smtp(relay)) => {
            if let Some(helo) = helo {
                relay.helo = helo;
            }
        }
        Some(Way::Sendmail(way)) => {
            way.timeout = timeout.unwrap_or(way.timeout);
            way.convert_crlf = convert_crlf.unwrap_or(way.convert_crlf);
        }
        Some(Way::Inbox | Way::Dummy(_)) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates() {
        for (text, expected) in [
            ("100/m", Some((100, 60))),
            ("5 / s", Some((5, 1))),
            ("1/d", Some((1, 86_400))),
            ("0/m", None),
            ("100", None),
            ("100/w", None),
            ("-1/m", None),
            ("", None),
        ] {
            let expected = expected.map(|(n, s)| (n, Duration::from_secs(s)));
            assert_eq!(rate(text).ok(), expected, "{text:?}");
        }
    }
}
