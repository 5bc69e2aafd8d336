//! Translations: keys and texts of each language.

use crate::language::Language;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What one key stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Plain(String),
    /// By `count`: one, or any other number.
    Counted {
        one: String,
        other: String,
    },
}

/// Keys with dots between the tables they stand in.
pub(crate) type Catalogue = BTreeMap<String, Entry>;

/// All languages.
#[derive(Debug, Default)]
pub(crate) struct Catalogues(BTreeMap<Language, Catalogue>);

impl Catalogues {
    pub(crate) fn add(&mut self, language: Language, catalogue: Catalogue) {
        self.0.entry(language).or_default().extend(catalogue);
    }

    pub(crate) fn languages(&self) -> impl Iterator<Item = &Language> {
        self.0.keys()
    }

    pub(crate) fn keys(&self, language: &Language) -> impl Iterator<Item = &str> {
        self.0.get(language).into_iter().flatten().map(|(key, _)| key.as_str())
    }

    /// In the language, its wider ones, then the default's.
    pub(crate) fn find(&self, language: &Language, default: &Language, key: &str) -> Option<&Entry> {
        let mut tried = language.chain().chain(default.chain());
        tried.find_map(|language| self.0.get(&language)?.get(key))
    }
}

/// Reads a catalogue.
///
/// # Errors
/// The line, when it is known, and what is wrong there.
pub(crate) fn read(text: &str, toml: bool) -> Result<Catalogue, (Option<usize>, String)> {
    let tree: Value = if toml {
        toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| crate::scan::line_of(text, span.start));
            (line, error.message().to_owned())
        })?
    } else {
        serde_json::from_str(text).map_err(|error| (Some(error.line()), error.to_string()))?
    };
    let mut found = Catalogue::new();
    collect("", tree, &mut found).map_err(|problem| (None, problem))?;
    Ok(found)
}

fn collect(at: &str, value: Value, found: &mut Catalogue) -> Result<(), String> {
    match value {
        Value::String(text) => {
            found.insert(at.to_owned(), Entry::Plain(text));
            Ok(())
        }
        Value::Object(mut table) => {
            if let (Some(Value::String(one)), Some(Value::String(other)), 2) =
                (table.get("one"), table.get("other"), table.len())
            {
                let entry = Entry::Counted { one: one.clone(), other: other.clone() };
                found.insert(at.to_owned(), entry);
                return Ok(());
            }
            for (key, value) in std::mem::take(&mut table) {
                let path = if at.is_empty() { key } else { format!("{at}.{key}") };
                collect(&path, value, found)?;
            }
            Ok(())
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) => {
            Err(format!("{at:?} must be a text, or a table of `one` and `other`"))
        }
    }
}

/// A text with its `{name}`s filled in; `{{` and `}}` stand for braces.
///
/// # Errors
/// The name that has no value.
pub(crate) fn fill(
    text: &str,
    escape: impl Fn(&str) -> String,
    value: impl Fn(&str) -> Option<String>,
) -> Result<String, String> {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.push_str(&escape(before));
        if let Some(after) = from.strip_prefix("{{") {
            out.push('{');
            rest = after;
        } else if let Some(after) = from.strip_prefix("}}").or_else(|| from.strip_prefix('}')) {
            out.push('}');
            rest = after;
        } else {
            let (name, after) = from.get(1..).and_then(|f| f.split_once('}')).unwrap_or((from, ""));
            let value = value(name.trim()).ok_or_else(|| name.trim().to_owned())?;
            // Writing to a String cannot fail.
            write!(out, "{value}").map_err(|_| name.to_owned())?;
            rest = after;
        }
    }
    out.push_str(&escape(rest));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_become_dotted_keys_and_counts() {
        let toml = "a = 'A'\n[b]\nc = 'C'\n[b.n]\none = '{count} x'\nother = '{count} xs'\n";
        let found = read(toml, true).unwrap();
        assert_eq!(found.get("b.c"), Some(&Entry::Plain("C".into())));
        assert!(matches!(found.get("b.n"), Some(Entry::Counted { .. })));
        assert_eq!(
            found,
            read(r#"{"a":"A","b":{"c":"C","n":{"one":"{count} x","other":"{count} xs"}}}"#, false).unwrap()
        );
        assert_eq!(read("a = 'A'\nb = \n", true).unwrap_err().0, Some(2));
        assert!(read("a = 1", true).unwrap_err().1.contains("\"a\""));
    }

    #[test]
    fn names_are_filled_in() {
        let value = |name: &str| (name == "who").then(|| "<Ada>".to_owned());
        let plain = |text: &str| text.to_owned();
        assert_eq!(fill("Hi {who}, {{x}} }", plain, value), Ok("Hi <Ada>, {x} }".into()));
        assert_eq!(fill("Hi {you}", plain, value), Err("you".into()));
        assert_eq!(fill("Hi {you", plain, value), Err("{you".into()));
    }
}
