//! `postrider.toml`: the same tree, tables for sections.

use super::findings::Findings;
use super::tree::{Entry, Origin, Tree};
use std::path::Path;
use toml::de::{DeTable, DeValue};

/// Reads a whole file; what cannot be read is told with its line.
pub(crate) fn read(text: &str, path: &Path, tree: &mut Tree, findings: &mut Findings) {
    let (root, errors) = DeTable::parse_recoverable(text);
    let place = |at: usize| {
        let line = text.bytes().take(at).filter(|b| *b == b'\n').count() + 1;
        Origin::File { path: path.to_owned(), line }
    };
    for error in errors {
        let origin = place(error.span().map_or(0, |s| s.start));
        findings.mistake(Some(origin), "", "", error.message());
    }
    section("", root.get_ref(), &place, tree, findings);
}

fn section(
    name: &str,
    table: &DeTable<'_>,
    place: &impl Fn(usize) -> Origin,
    tree: &mut Tree,
    findings: &mut Findings,
) {
    for (key, value) in table {
        let origin = place(key.span().start);
        let key: &str = key.get_ref();
        match value.get_ref() {
            DeValue::Table(inner) if name.is_empty() => section(key, inner, place, tree, findings),
            DeValue::Table(inner) => section(&format!("{name}.{key}"), inner, place, tree, findings),
            value => match text(value) {
                Some(text) => tree.set(name, key, Entry { text, origin, interpolate: false }),
                None => findings.mistake(
                    Some(origin),
                    name,
                    key,
                    "is neither a text, a number, true or false, nor a list of them; write one of these",
                ),
            },
        }
    }
}

/// A value as an ini file would hold it; a list is joined by commas, with its own commas escaped.
fn text(value: &DeValue<'_>) -> Option<String> {
    match value {
        DeValue::String(text) => Some(text.to_string()),
        DeValue::Integer(number) => Some(number.as_str().to_owned()),
        DeValue::Float(number) => Some(number.as_str().to_owned()),
        DeValue::Boolean(flag) => Some(flag.to_string()),
        DeValue::Datetime(time) => Some(time.to_string()),
        DeValue::Array(list) => {
            let parts: Option<Vec<String>> = list.iter().map(|v| text(v.get_ref())).collect();
            Some(parts?.iter().map(|p| p.replace(',', "\\,")).collect::<Vec<_>>().join(","))
        }
        DeValue::Table(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, section: &str, key: &str, expected: &str, line: usize) {
        let (mut tree, mut findings) = (Tree::default(), Findings::default());
        read(text, Path::new("p.toml"), &mut tree, &mut findings);
        assert_eq!(findings, Findings::default(), "{text}");
        let entry = tree.find(section, key).expect(text);
        assert_eq!(entry.text, expected, "{text}");
        assert_eq!(entry.origin, Origin::File { path: "p.toml".into(), line }, "{text}");
    }

    #[test]
    fn every_kind_of_value_has_its_text_and_line() {
        check("APP_NAME = \"Forge\"", "", "APP_NAME", "Forge", 1);
        check("[mailer]\nENABLED = true", "mailer", "ENABLED", "true", 2);
        check("[postrider.http]\n\nLISTEN = \"unix:/x\"", "postrider.http", "LISTEN", "unix:/x", 3);
        check("[mailer]\nSMTP_PORT = 587", "mailer", "SMTP_PORT", "587", 2);
        check("[a]\nb = [\"x\", \"y,z\"]", "a", "b", "x,y\\,z", 2);
        check("[postrider]\nhttp.LISTEN = \"a:1\"", "postrider.http", "LISTEN", "a:1", 2);
        check("[a]\nb = '%(c)s'", "a", "b", "%(c)s", 2);
    }

    #[test]
    fn a_broken_line_is_told_with_its_number() {
        let (mut tree, mut findings) = (Tree::default(), Findings::default());
        read("[a]\nb = 1\nc = = 2\n", Path::new("p.toml"), &mut tree, &mut findings);
        let origin = Some(Origin::File { path: "p.toml".into(), line: 3 });
        assert_eq!(findings.mistakes.first().map(|m| m.origin.clone()), Some(origin));
    }
}
