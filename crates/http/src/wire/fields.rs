//! Reading the fields of an object; mistakes are collected, not thrown.

use super::json::Json;
use super::time::timestamp;
use jiff::Timestamp;
use postrider::{FieldError, Written};

/// Mistakes while they are collected.
#[derive(Default)]
pub(super) struct Faults {
    /// Put before each field's name.
    pub(super) prefix: String,
    pub(super) found: Vec<FieldError>,
}

/// Mistakes told of one text. A caller who makes more is told of the first ones.
const MAX_FAULTS: usize = 100;

impl Faults {
    pub(super) fn add(&mut self, field: impl AsRef<str>, problem: impl Into<String>) {
        if self.found.len() < MAX_FAULTS {
            let field = format!("{}{}", self.prefix, field.as_ref());
            self.found.push(FieldError { field, problem: problem.into() });
        }
    }

    /// The value, unless there was a mistake.
    pub(super) fn verdict<T>(self, value: T) -> Result<T, Vec<FieldError>> {
        if self.found.is_empty() { Ok(value) } else { Err(self.found) }
    }

    fn wrong(&mut self, field: &str, wanted: &str, got: &Json<'_>) {
        self.add(field, format!("must be {wanted}, not {}", got.kind()));
    }

    /// A string.
    pub(super) fn text(&mut self, field: &str, value: Json<'_>) -> Option<String> {
        match value {
            Json::Text(text) => Some(text.into_owned()),
            other => {
                self.wrong(field, "a string", &other);
                None
            }
        }
    }

    /// A time as in RFC 3339.
    pub(super) fn time(&mut self, field: &str, value: Json<'_>) -> Option<Timestamp> {
        let text = self.text(field, value)?;
        timestamp(&text).map_err(|problem| self.add(field, problem)).ok()
    }

    /// An array; an empty one and octets included.
    pub(super) fn array<'a>(&mut self, field: &str, wanted: &str, value: Json<'a>) -> Vec<Json<'a>> {
        match value {
            Json::Array(values) => values,
            other => {
                self.wrong(field, wanted, &other);
                Vec::new()
            }
        }
    }

    /// An object's entries.
    pub(super) fn object<'a>(
        &mut self,
        field: &str,
        wanted: &str,
        value: Json<'a>,
    ) -> Vec<(std::borrow::Cow<'a, str>, Json<'a>)> {
        match value {
            Json::Object(entries) => entries,
            other => {
                self.wrong(field, wanted, &other);
                Vec::new()
            }
        }
    }

    /// A key nobody knows.
    pub(super) fn unknown(&mut self, field: &str, known: &str) {
        self.add(field, format!("is not a known key; remove it (known here: {known})"));
    }

    /// One mailbox: a string or `{name, address}`.
    pub(super) fn mailbox(&mut self, field: &str, value: Json<'_>) -> Option<Written> {
        match value {
            Json::Text(text) => Some(Written::Text(text.into_owned())),
            Json::Object(entries) => {
                let (mut name, mut address) = (None, None);
                for (key, value) in entries {
                    let at = format!("{field}.{key}");
                    match (&*key, value) {
                        ("name", Json::Null) => {}
                        ("name", value) => name = self.text(&at, value),
                        ("address", value) => address = self.text(&at, value),
                        _ => self.unknown(&at, "name, address"),
                    }
                }
                if address.is_none() {
                    self.add(format!("{field}.address"), "is missing; give it as name@domain");
                }
                address.map(|address| Written::Parts { name, address })
            }
            other => {
                self.wrong(field, "a string \"Name <a@b>\" or an object {name, address}", &other);
                None
            }
        }
    }

    /// Mailboxes: one, or an array of them.
    pub(super) fn mailboxes(&mut self, field: &str, value: Json<'_>) -> Vec<Written> {
        match value {
            Json::Array(values) => (0..)
                .zip(values)
                .filter_map(|(place, value): (usize, _)| self.mailbox(&format!("{field}[{place}]"), value))
                .collect(),
            one => self.mailbox(field, one).into_iter().collect(),
        }
    }
}
