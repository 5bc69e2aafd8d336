//! Gitea's old keys of `[mailer]`, each moved to its successor with one warning.

use super::findings::Findings;
use super::tree::{Entry, Tree};
use super::values;

const MAILER: &str = "mailer";

/// Old key, new key, and the new value for an old one (`None`: it says nothing).
type Move = (&'static str, &'static str, fn(&str) -> Option<String>);

const MOVES: [Move; 9] = [
    ("MAILER_TYPE", "PROTOCOL", |v| (v == "sendmail").then(|| v.to_owned())),
    ("IS_TLS_ENABLED", "PROTOCOL", |v| {
        Some(if values::switch(v) == Some(true) { "smtps" } else { "smtp+starttls" }.to_owned())
    }),
    ("DISABLE_HELO", "ENABLE_HELO", negated),
    ("SKIP_VERIFY", "FORCE_TRUST_SERVER_CERT", same),
    ("USE_CERTIFICATE", "USE_CLIENT_CERT", same),
    ("CERT_FILE", "CLIENT_CERT_FILE", same),
    ("KEY_FILE", "CLIENT_KEY_FILE", same),
    ("ENABLE_HTML_ALTERNATIVE", "SEND_AS_PLAIN_TEXT", negated),
    ("HOST", "SMTP_ADDR", same),
];

fn same(value: &str) -> Option<String> {
    Some(value.to_owned())
}

/// An odd word is no yes, as in Gitea.
fn negated(value: &str) -> Option<String> {
    Some((values::switch(value) != Some(true)).to_string())
}

/// Moves old keys to new ones where these are not written; old keys are gone afterwards.
pub(crate) fn adopt(tree: &mut Tree, findings: &mut Findings) {
    for (old, new, value) in MOVES {
        let Some(mut entry) = tree.remove(MAILER, old) else { continue };
        if let Ok(text) = tree.expand(MAILER, &entry) {
            entry.text = text;
        }
        let new_keys = if old == "HOST" { "SMTP_ADDR and SMTP_PORT" } else { new };
        let problem = format!("is an old key; write {new_keys} instead");
        findings.warn(Some(entry.origin.clone()), MAILER, old, problem);
        if old == "HOST" {
            host(tree, findings, entry);
            continue;
        }
        if let Some(text) = value(&entry.text) {
            set(tree, new, Entry { text, ..entry });
        }
    }
    if let Some(entry) = tree.find(MAILER, "PROTOCOL").filter(|e| e.text == "smtp+startls").cloned() {
        findings.warn(
            Some(entry.origin.clone()),
            MAILER,
            "PROTOCOL",
            "smtp+startls was read as smtp+starttls",
        );
        tree.set(MAILER, "PROTOCOL", Entry { text: "smtp+starttls".into(), ..entry });
    }
    if let Some(entry) = tree.remove(MAILER, "SEND_BUFFER_LEN") {
        let problem = "was removed from Gitea; write LENGTH in [queue.mail] instead";
        findings.mistake(Some(entry.origin), MAILER, "SEND_BUFFER_LEN", problem);
    }
}

fn set(tree: &mut Tree, key: &str, entry: Entry) {
    if tree.find(MAILER, key).is_none() {
        tree.set(MAILER, key, entry);
    }
}

/// `HOST`: nothing of it counts where SMTP_ADDR is written.
fn host(tree: &mut Tree, findings: &mut Findings, entry: Entry) {
    if tree.find(MAILER, "SMTP_ADDR").is_some() {
        return;
    }
    match host_and_port(&entry.text) {
        Ok((address, port)) => {
            if let Some(port) = port {
                set(tree, "SMTP_PORT", Entry { text: port.to_owned(), ..entry.clone() });
            }
            let address = if address.is_empty() { "127.0.0.1" } else { address };
            set(tree, "SMTP_ADDR", Entry { text: address.to_owned(), ..entry });
        }
        Err(problem) => {
            findings.mistake(Some(entry.origin.clone()), MAILER, "HOST", problem);
            // Told once is enough.
            set(tree, "SMTP_ADDR", Entry { text: "localhost".into(), ..entry });
        }
    }
}

/// `addr[:port]`, as Go splits it.
fn host_and_port(host: &str) -> Result<(&str, Option<&str>), &'static str> {
    const COLONS: &str =
        "has too many colons for address:port; write an IPv6 address in brackets, [::1]:25, or use SMTP_ADDR";
    const BRACKETS: &str = "has brackets that do not enclose an address; write [::1]:25, or use SMTP_ADDR";
    if let Some(rest) = host.strip_prefix('[') {
        let (literal, after) = rest.split_once(']').ok_or(BRACKETS)?;
        return match after.strip_prefix(':') {
            _ if after.is_empty() => Ok((host, None)),
            Some(port) if !port.contains([':', '[', ']']) => Ok((literal, Some(port))),
            _ => Err(BRACKETS),
        };
    }
    match host.split_once(':') {
        None => Ok((host, None)),
        Some((_, port)) if port.contains(':') => Err(COLONS),
        Some(_) if host.contains(['[', ']']) => Err(BRACKETS),
        Some((address, port)) => Ok((address, Some(port))),
    }
}
