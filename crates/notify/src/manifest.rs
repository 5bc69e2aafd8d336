//! `events.toml`: what the kinds of an application's own events are to be.

use crate::kind::{Class, EventKind, Sender};
use postrider::Priority;
use toml::{Table, Value};

/// A mistake in the file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", .line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct ManifestError {
    pub line: Option<usize>,
    pub problem: String,
}

const KNOWN: &str = "template, from, notification, priority, needs, thread, step, actor_too";

/// Reads the kinds of events, one for each table: `["invoice.paid"]`.
///
/// # Errors
/// Every mistake found.
pub fn read_manifest(text: &str) -> Result<Vec<EventKind>, Vec<ManifestError>> {
    let tables: Table = toml::from_str(text).map_err(|error| {
        let before = error.span().and_then(|span| text.get(..span.start)).map(|t| t.matches('\n').count());
        vec![ManifestError { line: before.map(|n| n + 1), problem: error.message().to_owned() }]
    })?;
    let (mut kinds, mut mistakes) = (Vec::new(), Vec::new());
    for (name, value) in tables {
        match kind(&name, value) {
            Ok(kind) => kinds.push(kind),
            Err(problems) => mistakes.extend(
                problems
                    .into_iter()
                    .map(|problem| ManifestError { line: None, problem: format!("[\"{name}\"] {problem}") }),
            ),
        }
    }
    if mistakes.is_empty() { Ok(kinds) } else { Err(mistakes) }
}

fn kind(name: &str, value: Value) -> Result<EventKind, Vec<String>> {
    let Value::Table(table) = value else {
        return Err(vec!["must be a table of keys; quote a name with dots".into()]);
    };
    let (mut kind, mut wrong) = (EventKind::new(name), Vec::new());
    let (mut thread, mut step) = (None, None);
    for (key, value) in table {
        let text = value.as_str().map(str::to_owned);
        match (key.as_str(), value, text) {
            ("template", _, Some(id)) => kind = kind.templates([id]),
            ("from", _, Some(word)) if word == "actor" => kind = kind.sender(Sender::Actor),
            ("from", _, Some(word)) if word == "house" => kind = kind.sender(Sender::House),
            ("notification", Value::Boolean(true), _) => kind = kind.class(Class::Notification),
            ("actor_too", Value::Boolean(true), _) => kind = kind.actor_too(),
            ("notification" | "actor_too", Value::Boolean(false), _) => {}
            ("priority", _, Some(word)) if priority(&word).is_some() => {
                kind = kind.priority(priority(&word).unwrap_or_default());
            }
            ("needs", Value::Array(paths), _) if paths.iter().all(Value::is_str) => {
                kind = kind.needs(paths.iter().filter_map(Value::as_str));
            }
            ("thread", _, Some(pattern)) => thread = Some(pattern),
            ("step", _, Some(pattern)) => step = Some(pattern),
            ("from", ..) => wrong.push("from must be \"house\" or \"actor\"".to_owned()),
            ("priority", ..) => wrong.push("priority must be \"urgent\", \"normal\" or \"bulk\"".to_owned()),
            ("needs", ..) => {
                wrong.push("needs must be an array of paths such as \"invoice.number\"".to_owned())
            }
            ("notification" | "actor_too", ..) => wrong.push(format!("{key} must be true or false")),
            ("template" | "thread" | "step", ..) => wrong.push(format!("{key} must be a text")),
            _ => wrong.push(format!("{key} is not a known key; remove it (known here: {KNOWN})")),
        }
    }
    match (thread, step) {
        (Some(thread), step) => kind = kind.thread(thread, step.as_deref()),
        (None, Some(_)) => wrong.push("step needs a thread".into()),
        (None, None) => {}
    }
    if wrong.is_empty() { Ok(kind) } else { Err(wrong) }
}

fn priority(word: &str) -> Option<Priority> {
    match word {
        "urgent" => Some(Priority::Urgent),
        "normal" => Some(Priority::Normal),
        "bulk" => Some(Priority::Bulk),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_read() {
        let text = "[\"invoice.paid\"]\nfrom = \"actor\"\nneeds = [\"invoice.number\"]\nthread = \"invoice/{invoice.number}\"\n\
                    step = \"paid\"\nnotification = true\npriority = \"bulk\"\n[welcome]\ntemplate = \"hello\"\n";
        let kinds = read_manifest(text).unwrap();
        let paid = kinds.iter().find(|kind| kind.name == "invoice.paid").unwrap();
        assert_eq!(
            (paid.sender, paid.class, paid.priority),
            (Sender::Actor, Class::Notification, Priority::Bulk)
        );
        assert_eq!(
            (&*paid.templates, &*paid.needs),
            (&["invoice/paid".to_owned()][..], &["invoice.number".to_owned()][..])
        );
        assert_eq!(paid.thread, Some(("invoice/{invoice.number}".into(), Some("paid".into()))));
        assert_eq!(kinds.iter().find(|kind| kind.name == "welcome").unwrap().templates, ["hello"]);
    }

    #[test]
    fn mistakes_are_told() {
        let check = |text: &str, words: &str| {
            let told = read_manifest(text).unwrap_err();
            let told: Vec<String> = told.iter().map(ToString::to_string).collect();
            assert!(told.join("\n").contains(words), "{text}: {told:?}");
        };
        check("a = 1", "[\"a\"] must be a table");
        check("[a]\nfrom = \"x\"", "from must be");
        check("[a]\nsubject = \"x\"", "subject is not a known key");
        check("[a]\nstep = \"x\"", "step needs a thread");
        check("[a]\n\nneeds = \n", "line 3");
    }
}
