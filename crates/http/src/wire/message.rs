//! Message JSON (README, "Message"): from a JSON object to a message to compose.

use super::attachment::attachments;
use super::fields::Faults;
use super::json::{Json, read};
use jiff::Timestamp;
use postrider::{FieldError, Message, Priority, Template};

/// Whether `headers` may hold fields that have a key of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HeaderMode {
    /// The API: such a field is a mistake, except Message-ID, Reply-To and Sender.
    Strict,
    /// `compose`: allowed, as the reference allows it.
    Gitea,
}

const KNOWN: &str = "from, to, cc, bcc, reply_to, subject, html, text, headers, attachments, tags, template, \
                     scheduled_at, date, info, expires_at, priority, metadata, external_id, relay";

/// Reads one message.
///
/// # Errors
/// Every mistake found, each with its field and what to do; addresses, header syntax and limits
/// are checked later, when the message is composed.
pub fn parse_message(json: &[u8], mode: HeaderMode) -> Result<Message, Vec<FieldError>> {
    message(read(json)?, mode, String::new())
}

/// Reads an array of messages; a mistake's field starts with `[n].`.
pub(crate) fn batch(json: Json<'_>) -> Result<Vec<Message>, Vec<FieldError>> {
    let Json::Array(values) = json else {
        let problem = format!("must be an array of messages, not {}", json.kind());
        return Err(vec![FieldError { field: "body".into(), problem }]);
    };
    let (mut messages, mut mistakes) = (Vec::new(), Vec::new());
    for (place, value) in (0..).zip(values) {
        let place: usize = place;
        match message(value, HeaderMode::Strict, format!("[{place}].")) {
            Ok(message) => messages.push(message),
            Err(more) => mistakes.extend(more),
        }
    }
    if mistakes.is_empty() { Ok(messages) } else { Err(mistakes) }
}

/// Reads `{scheduled_at}`.
pub(crate) fn rescheduled(json: Json<'_>) -> Result<Timestamp, Vec<FieldError>> {
    let (mut faults, mut at) = (Faults::default(), None);
    for (key, value) in faults.object("body", "an object", json) {
        match &*key {
            "scheduled_at" => at = faults.time(&key, value),
            _ => faults.unknown(&key, "scheduled_at"),
        }
    }
    if at.is_none() && faults.found.is_empty() {
        faults.add("scheduled_at", "is missing; give the new time");
    }
    faults.verdict(at.unwrap_or_default())
}

/// Reads one message from its object. `prefix` stands before the name of each mistaken field.
pub(crate) fn message(json: Json<'_>, mode: HeaderMode, prefix: String) -> Result<Message, Vec<FieldError>> {
    let mut faults = Faults { prefix, ..Faults::default() };
    let mut message = Message::default();
    for (key, value) in faults.object("body", "an object", json) {
        // A client that writes all its fields writes null for the unset ones.
        if value != Json::Null || !KNOWN.split(", ").any(|known| known == key) {
            field(&mut faults, &mut message, mode, &key, value);
        }
    }
    faults.verdict(message)
}

fn field(faults: &mut Faults, message: &mut Message, mode: HeaderMode, key: &str, value: Json<'_>) {
    let Message { draft, options, .. } = &mut *message;
    match key {
        "from" => draft.from = faults.mailbox(key, value),
        "to" => draft.to = faults.mailboxes(key, value),
        "cc" => draft.cc = faults.mailboxes(key, value),
        "bcc" => draft.bcc = faults.mailboxes(key, value),
        "reply_to" => draft.reply_to = faults.mailboxes(key, value),
        "subject" => draft.subject = faults.text(key, value).unwrap_or_default(),
        "html" => draft.html = faults.text(key, value),
        "text" => draft.text = faults.text(key, value),
        "headers" => draft.headers = headers(faults, mode, value),
        "attachments" => draft.attachments = attachments(faults, value),
        "date" => draft.date = faults.time(key, value),
        "tags" => options.tags = tags(faults, value),
        "template" => message.template = template(faults, value),
        "scheduled_at" => options.scheduled_at = faults.time(key, value),
        "expires_at" => options.expires_at = faults.time(key, value),
        "priority" => options.priority = priority(faults, value),
        "info" => options.info = faults.text(key, value),
        "metadata" => options.metadata = metadata(faults, value),
        "external_id" => options.external_id = faults.text(key, value),
        "relay" => options.relay = faults.text(key, value),
        _ => faults.unknown(key, KNOWN),
    }
}

/// Octets of all names and values for a template.
const MAX_VARIABLES: usize = 1_000_000;

fn template(faults: &mut Faults, value: Json<'_>) -> Option<Template> {
    let (mut template, mut id) = (Template::default(), None);
    for (key, value) in faults.object("template", "an object {id, variables}", value) {
        let at = format!("template.{key}");
        match (&*key, value) {
            ("language" | "variables", Json::Null) => {}
            ("id", value) => id = Some(faults.text(&at, value).unwrap_or_default()),
            ("language", value) => template.language = faults.text(&at, value),
            ("variables", value) => template.variables = variables(faults, value),
            _ => faults.unknown(&at, "id, variables, language"),
        }
    }
    if id.is_none() {
        faults.add("template.id", "is missing; name the template");
    }
    id.map(|id| Template { id, ..template })
}

fn variables(faults: &mut Faults, value: Json<'_>) -> serde_json::Value {
    let field = "template.variables";
    let kind = value.kind();
    let octets = serde_json::to_vec(&value).unwrap_or_default();
    if octets.len() > MAX_VARIABLES {
        faults.add(field, format!("has {} octets; at most {MAX_VARIABLES} are taken", octets.len()));
        return serde_json::Value::Null;
    }
    match serde_json::from_slice(&octets) {
        Ok(variables @ serde_json::Value::Object(_)) => variables,
        Ok(_) | Err(_) => {
            faults.add(field, format!("must be an object of names and values, not {kind}"));
            serde_json::Value::Null
        }
    }
}

fn headers(faults: &mut Faults, mode: HeaderMode, value: Json<'_>) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for (name, value) in faults.object("headers", "an object of names and values", value) {
        let at = format!("headers.{name}");
        if let (HeaderMode::Strict, Some(instead)) = (mode, key_of(&name)) {
            faults.add(&at, instead);
            continue;
        }
        let values = match value {
            Json::Array(values) => (0..)
                .zip(values)
                .filter_map(|(n, v): (usize, _)| faults.text(&format!("{at}[{n}]"), v))
                .collect(),
            Json::Text(text) => vec![text.into_owned()],
            other => {
                faults.add(&at, format!("must be a string or an array of strings, not {}", other.kind()));
                continue;
            }
        };
        all.push((name.into_owned(), values));
    }
    all
}

/// What to use instead of a header field that the API sets itself.
fn key_of(name: &str) -> Option<String> {
    let name = name.to_ascii_lowercase();
    match name.as_str() {
        "from" | "to" | "cc" | "bcc" | "subject" | "date" => {
            Some(format!("has a key of its own; use `{name}` instead"))
        }
        "mime-version" => Some("is set for you; remove it".into()),
        _ if name.starts_with("content-") => {
            Some("is set for you from `html`, `text` and `attachments`; remove it".into())
        }
        _ => None,
    }
}

fn tags(faults: &mut Faults, value: Json<'_>) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let values = faults.array("tags", "an array of objects {name, value}", value);
    for (place, value) in (0..).zip(values) {
        let place: usize = place;
        let field = format!("tags[{place}]");
        let (mut name, mut content) = (None, None);
        for (key, value) in faults.object(&field, "an object {name, value}", value) {
            let at = format!("{field}.{key}");
            match &*key {
                "name" => name = faults.text(&at, value),
                "value" => content = faults.text(&at, value),
                _ => faults.unknown(&at, "name, value"),
            }
        }
        match name {
            Some(name) if !name.is_empty() => all.push((name, content.unwrap_or_default())),
            _ => faults.add(format!("{field}.name"), "is missing; give the tag a name"),
        }
    }
    all
}

fn priority(faults: &mut Faults, value: Json<'_>) -> Priority {
    match &value {
        Json::Text(word) if word == "urgent" => Priority::Urgent,
        Json::Text(word) if word == "normal" => Priority::Normal,
        Json::Text(word) if word == "bulk" => Priority::Bulk,
        _ => {
            faults.add("priority", "must be \"urgent\", \"normal\" or \"bulk\"");
            Priority::Normal
        }
    }
}

/// The object as compact JSON, keys in the caller's order.
fn metadata(faults: &mut Faults, value: Json<'_>) -> Option<String> {
    match &value {
        Json::Object(_) => serde_json::to_string(&value).ok(),
        other => {
            faults.add("metadata", format!("must be an object, not {}", other.kind()));
            None
        }
    }
}
