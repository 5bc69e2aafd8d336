//! `[mailer]`, the half that shapes messages: From, prefix, overrides, Message-ID.

use super::reader::Reader;
use super::settings::Identity;
use super::{Dialect, Surroundings, values};
use envelope::{Mailbox, ReversePath};
use message::{MessageIdStyle, Profile};

const MAILER: &str = "mailer";
const OVERRIDES: &str = "mailer.override_header";

pub(crate) fn profile(r: &mut Reader<'_>, dialect: Dialect, around: &Surroundings) -> Identity {
    let from = from(r);
    let envelope_from = envelope_from(r);
    let subject_prefix =
        r.parsed(MAILER, "SUBJECT_PREFIX", String::new(), |text| match text.contains(char::is_control) {
            true => {
                Err("holds a line end or another control character, which no subject can; remove it".into())
            }
            false => Ok(text.to_owned()),
        });
    let plain_text = r.switch(MAILER, "SEND_AS_PLAIN_TEXT", false);
    let override_headers = overrides(r);
    let domain = domain(r);
    let message_id = match dialect {
        Dialect::Gitea => MessageIdStyle::Autogen { domain: domain.clone().unwrap_or_else(localhost) },
        Dialect::Toml => {
            let own = from.as_ref().map(|m| m.address.domain().to_owned());
            let domain = domain.clone().or(own).unwrap_or_else(|| around.hostname.clone());
            MessageIdStyle::Unique { domain }
        }
    };
    let hostname = domain.filter(|d| d != "localhost").unwrap_or_else(|| around.hostname.clone());
    let profile = Profile {
        from,
        envelope_from,
        subject_prefix,
        plain_text,
        override_headers,
        message_id,
        headers_may_replace: false,
    };
    let (MessageIdStyle::Autogen { domain } | MessageIdStyle::Unique { domain }) = &profile.message_id;
    let notify = super::notify::notify(r, dialect, &profile, domain.clone());
    Identity { profile, hostname, notify }
}

fn localhost() -> String {
    "localhost".into()
}

/// `FROM`, by default the user we sign in as.
fn from(r: &mut Reader<'_>) -> Option<Mailbox> {
    if let Some(written) = r.text(MAILER, "FROM") {
        return match Mailbox::parse(&written.text) {
            Ok(mailbox) => Some(mailbox),
            Err(error) => {
                let problem = format!("{:?} is no sender: {error}", written.text);
                r.findings.mistake(Some(written.origin), MAILER, "FROM", problem);
                None
            }
        };
    }
    let user = r.look(MAILER, "USER").and_then(|w| Mailbox::parse(&w.text).ok());
    if user.is_none() && r.tree.has_section(MAILER) {
        let problem =
            "is missing, so every message must bring its own From; write FROM = \"Name\" <name@domain>";
        r.findings.warn(None, MAILER, "FROM", problem);
    }
    user
}

/// `ENVELOPE_FROM`: empty is no override, `<>` the null reverse-path.
fn envelope_from(r: &mut Reader<'_>) -> Option<ReversePath> {
    let written = r.text(MAILER, "ENVELOPE_FROM")?;
    if written.text == "<>" {
        return Some(ReversePath(None));
    }
    match Mailbox::parse(&written.text) {
        Ok(mailbox) => Some(mailbox.address.into()),
        Err(error) => {
            let problem = format!("{:?} is no address: {error}; or write <> for none", written.text);
            r.findings.mistake(Some(written.origin), MAILER, "ENVELOPE_FROM", problem);
            None
        }
    }
}

/// Every key is a header name; values part at commas, none removes the header.
fn overrides(r: &mut Reader<'_>) -> Vec<(String, Vec<String>)> {
    let names: Vec<String> = r.tree.own(OVERRIDES).map(|(name, _)| name.to_owned()).collect();
    let mut found = Vec::new();
    for name in names {
        let is_name = |c: char| c.is_ascii_graphic() && c != ':';
        if !name.chars().all(is_name) {
            let origin = r.tree.find(OVERRIDES, &name).map(|entry| entry.origin.clone());
            let problem = "is no header field's name, which is ASCII without spaces and colons; correct it";
            r.findings.mistake(origin, OVERRIDES, &name.escape_debug().to_string(), problem);
            continue;
        }
        if let Some(written) = r.look(OVERRIDES, &name).filter(|w| w.text.contains(['\r', '\n', '\0'])) {
            let problem = "holds a line end, which no header field can; write it on one line";
            r.findings.mistake(Some(written.origin), OVERRIDES, &name, problem);
            continue;
        }
        let values = match r.text(OVERRIDES, &name) {
            Some(written) => values::list(&written.text),
            None => Vec::new(),
        };
        found.push((name, values));
    }
    found
}

/// `[server] DOMAIN`, unless ROOT_URL names another host that is no IP address.
fn domain(r: &mut Reader<'_>) -> Option<String> {
    let domain = r.text("server", "DOMAIN").map(|w| w.text);
    let host = r.text("server", "ROOT_URL").and_then(|w| host(&w.text));
    // `%(PROTOCOL)s://…` of a key that Gitea knows a default of, and we do not, stays as it is.
    let named = host.filter(|h| h.parse::<std::net::IpAddr>().is_err() && !h.contains('%'));
    named.or(domain)
}

/// The host of a URL, without brackets, user and port.
fn host(url: &str) -> Option<String> {
    let (_, rest) = url.split_once("://")?;
    let authority = rest.split(['/', '?', '#']).next()?;
    let place = authority.rsplit_once('@').map_or(authority, |(_, place)| place);
    let host = match place.strip_prefix('[') {
        Some(literal) => literal.split_once(']')?.0,
        None => place.split_once(':').map_or(place, |(host, _)| host),
    };
    (!host.is_empty()).then(|| host.to_owned())
}
