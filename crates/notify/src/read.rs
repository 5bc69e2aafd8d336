//! An event from JSON, mistakes told by their fields.

use crate::error::Faults;
use crate::event::{Actor, Event, List, Precedence, Recipient, Thread, Unsubscribe};
use crate::headers::scheme_is;
use crate::ids;
use postrider::{FieldError, Mailbox};
use serde_json::{Map, Value};

/// Recipients of one event.
const MOST_RECIPIENTS: usize = 1_000;
/// Characters of an event's id.
const MAX_ID: usize = 256;
/// Octets of a URL.
const MAX_URL: usize = 2_000;

const KNOWN: &str = "id, actor, recipients, data, at, thread, list, actor_too, precedence";
const KNOWN_RECIPIENT: &str = "address, name, username, language, reason, is_actor, wants_own, unsubscribe, \
                               reply_to, references, data";

impl Event {
    /// Reads the JSON of `POST /events/{name}` (docs/events.md).
    ///
    /// # Errors
    /// Every mistake found.
    pub fn read(json: Value) -> Result<Self, Vec<FieldError>> {
        let (mut faults, mut event) = (Faults::default(), Self::default());
        let mut listed = false;
        for (key, value) in faults.object("body", json) {
            if value.is_null() {
                continue;
            }
            match key.as_str() {
                "id" => event.id = faults.short(&key, value, MAX_ID),
                "actor" => event.actor = Some(faults.actor(value)),
                "recipients" => {
                    listed = true;
                    event.recipients = faults.recipients(value);
                }
                "data" => event.data = faults.object("data", value),
                "at" => event.at = faults.time(&key, value),
                "thread" => event.thread = faults.thread(value),
                "list" => event.list = faults.list(value),
                "actor_too" => event.actor_too = faults.switch(&key, value),
                "precedence" => event.precedence = faults.precedence(value),
                _ => faults.add(&key, format!("is not a known key; remove it (known here: {KNOWN})")),
            }
        }
        if !listed {
            faults.add("recipients", "is missing; give an array of {address, …}, one for each person");
        }
        faults.verdict(event)
    }
}

impl Faults {
    fn object(&mut self, field: &str, value: Value) -> Map<String, Value> {
        match value {
            Value::Object(map) => map,
            other => {
                self.add(field, format!("must be an object, not {}", kind(&other)));
                Map::new()
            }
        }
    }

    fn text(&mut self, field: &str, value: Value) -> Option<String> {
        match value {
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(text),
            other => {
                self.add(field, format!("must be a string, not {}", kind(&other)));
                None
            }
        }
    }

    /// A text that ends up in a header field.
    fn short(&mut self, field: &str, value: Value, most: usize) -> Option<String> {
        let text = self.text(field, value)?;
        if text.chars().count() > most || text.chars().any(char::is_control) {
            self.add(field, format!("must have at most {most} characters and no control characters"));
            return None;
        }
        Some(text)
    }

    fn switch(&mut self, field: &str, value: Value) -> bool {
        value.as_bool().unwrap_or_else(|| {
            self.add(field, format!("must be true or false, not {}", kind(&value)));
            false
        })
    }

    fn time(&mut self, field: &str, value: Value) -> Option<jiff::Timestamp> {
        let read = self.text(field, value)?.parse();
        read.map_err(|_| self.add(field, "must be a time as in RFC 3339, e.g. 2030-01-31T08:00:00Z")).ok()
    }

    fn precedence(&mut self, value: Value) -> Option<Precedence> {
        match value.as_str() {
            Some("bulk") => Some(Precedence::Bulk),
            Some("list") => Some(Precedence::List),
            _ => {
                self.add("precedence", "must be \"bulk\" or \"list\"");
                None
            }
        }
    }

    fn mailbox(&mut self, field: &str, value: Value) -> Option<Mailbox> {
        let text = self.text(field, value)?;
        Mailbox::parse(&text).map_err(|error| self.add(field, error.to_string())).ok()
    }

    /// A whole URL with one of these schemes.
    fn url(&mut self, field: &str, value: Value, schemes: &[&str]) -> Option<String> {
        let text = self.text(field, value)?;
        let odd = |c: char| c.is_whitespace() || c.is_control() || "<>\"".contains(c);
        let known = schemes.iter().any(|scheme| scheme_is(&text, scheme));
        if known && !text.contains(odd) && text.len() <= MAX_URL {
            return Some(text);
        }
        self.add(field, format!("must be a whole URL without blanks, with {}:", schemes.join(": or ")));
        None
    }

    fn actor(&mut self, value: Value) -> Actor {
        let mut actor = Actor::default();
        if let Value::String(name) = value {
            return Actor { name, ..actor };
        }
        for (key, value) in self.object("actor", value) {
            let at = format!("actor.{key}");
            match key.as_str() {
                _ if value.is_null() => {}
                "name" => actor.name = self.short(&at, value, MAX_ID).unwrap_or_default(),
                "username" => actor.username = self.short(&at, value, MAX_ID),
                "address" => actor.address = self.mailbox(&at, value),
                "url" => actor.url = self.url(&at, value, &["https", "http"]),
                _ => self.add(at, "is not a known key; remove it (known here: name, username, address, url)"),
            }
        }
        let others = actor.username.clone().or_else(|| actor.address.as_ref().map(|m| m.address.to_string()));
        match (actor.name.trim().is_empty(), others) {
            (true, Some(other)) => actor.name = other,
            (true, None) => self.add("actor.name", "is missing; give the name that people know them by"),
            (false, _) => {}
        }
        actor
    }

    fn recipients(&mut self, value: Value) -> Vec<Recipient> {
        let Value::Array(values) = value else {
            self.add("recipients", format!("must be an array, not {}", kind(&value)));
            return Vec::new();
        };
        if values.is_empty() || values.len() > MOST_RECIPIENTS {
            let problem = format!(
                "must name 1 to {MOST_RECIPIENTS}, not {}; hand over the same id again for more",
                values.len()
            );
            self.add("recipients", problem);
            return Vec::new();
        }
        (0..)
            .zip(values)
            .filter_map(|(n, value): (usize, _)| self.recipient(&format!("recipients[{n}]"), value))
            .collect()
    }

    fn recipient(&mut self, field: &str, value: Value) -> Option<Recipient> {
        if value.is_string() {
            return self.mailbox(field, value).map(Recipient::new);
        }
        let mut map = self.object(field, value);
        let at = format!("{field}.address");
        let mailbox = match map.remove("address") {
            None | Some(Value::Null) => {
                self.add(at, "is missing; give it as name@domain");
                return None;
            }
            Some(value) => self.mailbox(&at, value)?,
        };
        let mut to = Recipient::new(mailbox);
        for (key, value) in map {
            let at = format!("{field}.{key}");
            match key.as_str() {
                _ if value.is_null() => {}
                "name" => {
                    to.mailbox.name = self.short(&at, value, MAX_ID).map(Into::into).or(to.mailbox.name)
                }
                "username" => to.username = self.short(&at, value, MAX_ID),
                "language" => to.language = self.short(&at, value, 35),
                "reason" => to.reason = self.reason(&at, value),
                "is_actor" => to.is_actor = self.switch(&at, value),
                "wants_own" => to.wants_own = self.switch(&at, value),
                "unsubscribe" => to.unsubscribe = self.unsubscribe(&at, value),
                "reply_to" => to.reply_to = self.mailbox(&at, value),
                "references" => to.references = self.references(&at, value),
                "data" => to.data = self.object(&at, value),
                _ => self.add(at, format!("is not a known key; remove it (known here: {KNOWN_RECIPIENT})")),
            }
        }
        Some(to)
    }

    fn reason(&mut self, field: &str, value: Value) -> Option<String> {
        let word = self.text(field, value)?;
        let fits =
            word.len() <= 50 && word.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        if !fits {
            self.add(field, "must be one word of letters, digits, - and _, at most 50 of them");
        }
        fits.then_some(word)
    }

    fn unsubscribe(&mut self, field: &str, value: Value) -> Option<Unsubscribe> {
        if value.is_string() {
            let url = self.url(field, value, &["https", "http"])?;
            return Some(Unsubscribe { url: Some(url), mailto: None });
        }
        let mut ways = Unsubscribe::default();
        for (key, value) in self.object(field, value) {
            let at = format!("{field}.{key}");
            match key.as_str() {
                _ if value.is_null() => {}
                "url" => ways.url = self.url(&at, value, &["https", "http"]),
                "mailto" if value.as_str().is_some_and(|text| scheme_is(text, "mailto")) => {
                    ways.mailto = self.url(&at, value, &["mailto"]);
                }
                "mailto" => ways.mailto = self.mailbox(&at, value).map(|m| m.address.to_string()),
                _ => self.add(at, "is not a known key; remove it (known here: url, mailto)"),
            }
        }
        Some(ways)
    }

    fn references(&mut self, field: &str, value: Value) -> Vec<String> {
        let Value::Array(values) = value else {
            self.add(field, format!("must be an array of ids, not {}", kind(&value)));
            return Vec::new();
        };
        if values.len() > 20 {
            self.add(field, "has more than 20 ids; the last ones are enough");
            return Vec::new();
        }
        values.into_iter().filter_map(|value| self.short(field, value, ids::LONGEST)).collect()
    }

    fn thread(&mut self, value: Value) -> Option<Thread> {
        let mut map = match value {
            id @ Value::String(_) => Map::from_iter([("id".to_owned(), id)]),
            value => self.object("thread", value),
        };
        let before = self.0.len();
        let mut part = |name: &str| match map.remove(name) {
            None | Some(Value::Null) => None,
            Some(value) => self.short(&format!("thread.{name}"), value, ids::LONGEST),
        };
        let (id, step) = (part("id"), part("step"));
        for key in map.keys() {
            self.add(format!("thread.{key}"), "is not a known key; remove it (known here: id, step)");
        }
        if id.is_none() && self.0.len() == before {
            self.add("thread.id", "is missing; give a lasting id such as invoice/4711");
        }
        id.map(|id| Thread { id, step })
    }

    fn list(&mut self, value: Value) -> List {
        let mut list = List::default();
        for (key, value) in self.object("list", value) {
            let at = format!("list.{key}");
            match key.as_str() {
                _ if value.is_null() => {}
                "id" => list.id = self.short(&at, value, 200),
                "name" => list.name = self.short(&at, value, MAX_ID),
                "archive" => list.archive = self.url(&at, value, &["https", "http"]),
                "unsubscribe" => list.unsubscribe = self.url(&at, value, &["https", "http"]),
                _ => {
                    self.add(at, "is not a known key; remove it (known here: id, name, archive, unsubscribe)")
                }
            }
        }
        list
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
