//! Lasting ids: Message-IDs, List-IDs and the keys by which a repeated event is known.

use aws_lc_rs::digest::{Context, SHA256};
use serde_json::Value;

/// Octets of an id that an application gives.
pub(crate) const LONGEST: usize = 300;

/// `<path@domain>`. What may not stand before the `@` (RFC 5322 3.6.4) is percent-encoded.
pub(crate) fn message_id(path: &str, domain: &str) -> String {
    format!("<{}@{domain}>", left_of_at(path))
}

fn left_of_at(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    let last = path.len().saturating_sub(1);
    for (at, byte) in path.bytes().enumerate() {
        let dot = byte == b'.' && at > 0 && at < last && !out.ends_with('.');
        if dot || is_atext(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// RFC 5322 3.2.3, without `%`, which we use to encode.
fn is_atext(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$&'*+-/=?^_`{|}~".contains(&byte)
}

/// `name <label.domain>` (RFC 2919). What no label may hold becomes `-`.
pub(crate) fn list_id(name: Option<&str>, id: &str) -> String {
    let keep = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' };
    let id: String = id.chars().map(keep).collect();
    let labels: Vec<&str> = id.split('.').filter(|label| !label.is_empty()).collect();
    let id = labels.join(".");
    match name.map(crate::from::one_line).filter(|name| !name.is_empty()) {
        Some(name) => format!("{} <{id}>", message::display_name(&name)),
        None => format!("<{id}>"),
    }
}

/// Hash over texts, none of which can run into the next.
pub(crate) fn hash(texts: &[&str]) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    for text in texts {
        hash.update(&text.len().to_be_bytes());
        hash.update(text.as_bytes());
    }
    let mut out = [0; 32];
    out.copy_from_slice(hash.finish().as_ref());
    out
}

/// A JSON value as text, in which the order of keys does not show.
pub(crate) fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(name, _)| *name);
            out.push('{');
            for (name, value) in entries {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
        Value::Array(values) => {
            out.push('[');
            for value in values {
                canonical(value, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            out.push_str(&value.to_string())
        }
    }
}

/// The idempotency key of one recipient's mail of an event.
pub(crate) fn key(event: &str, id: &str, recipient: &str) -> String {
    let digits: String = hash(&[event, id, recipient]).iter().map(|byte| format!("{byte:02x}")).collect();
    format!("event:{digits}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_dot_atoms() {
        let check = |path: &str, want: &str| assert_eq!(message_id(path, "localhost"), want);
        check("user2/repo1/issues/1", "<user2/repo1/issues/1@localhost>");
        check("user2/.github/issues/1", "<user2/.github/issues/1@localhost>");
        check("a/b..c/issues/1.", "<a/b.%2Ec/issues/1%2E@localhost>");
        check("rechnung 4711/ä>\r\n", "<rechnung%204711/%C3%A4%3E%0D%0A@localhost>");
        check(".a%b", "<%2Ea%25b@localhost>");
    }

    #[test]
    fn list_ids_are_names() {
        assert_eq!(
            list_id(Some("user2/repo1"), "repo1.user2.localhost"),
            "user2/repo1 <repo1.user2.localhost>"
        );
        assert_eq!(list_id(Some("a, b"), "x y.ex"), "\"a, b\" <x-y.ex>");
        assert_eq!(list_id(None, "..github.octo.ex"), "<github.octo.ex>");
    }

    #[test]
    fn keys_part_what_differs() {
        let all = [key("a", "b", "c"), key("ab", "", "c"), key("a", "bc", ""), key("a", "b", "d")];
        assert!(all.iter().enumerate().all(|(n, key)| all.iter().skip(n + 1).all(|other| other != key)));
        assert!(all.iter().all(|key| key.len() <= 256));
    }
}
