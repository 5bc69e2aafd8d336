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
    ("HOST", "SMTP_ADDR", |v| Some(host_and_port(v).0)),
];

fn same(value: &str) -> Option<String> {
    Some(value.to_owned())
}

fn negated(value: &str) -> Option<String> {
    values::switch(value).map(|on| (!on).to_string())
}

/// Moves old keys to new ones where these are not written; old keys are gone afterwards.
pub(crate) fn adopt(tree: &mut Tree, findings: &mut Findings) {
    for (old, new, value) in MOVES {
        let Some(entry) = tree.remove(MAILER, old) else { continue };
        findings.warn(Some(entry.origin.clone()), MAILER, old, format!("is an old key; write {new} instead"));
        if let ("HOST", Some(port)) = (old, host_and_port(&entry.text).1) {
            set(tree, "SMTP_PORT", Entry { text: port, ..entry.clone() });
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

/// `addr[:port]`; no address means this machine.
fn host_and_port(host: &str) -> (String, Option<String>) {
    let (address, port) = match host.rsplit_once(':') {
        Some((address, port)) if !address.contains(':') || address.ends_with(']') => (address, Some(port)),
        _ => (host, None),
    };
    let address = if address.is_empty() { "127.0.0.1" } else { address };
    (address.to_owned(), port.map(ToOwned::to_owned))
}
