//! What a message holds in memory while it waits.

use crate::{Message, Options, Template};
use ::message::{Attachment, Written};
use serde_json::Value;

/// A message without anything in it.
const LEAST: usize = 1024;
/// A text or a value beside its octets: its place in the list it stands in, and what the allocator adds.
const EACH: usize = 32;

impl Message {
    /// Octets that the message holds in memory, about. What it shares with others does not count.
    pub(crate) fn octets(&self) -> usize {
        let draft = &self.draft;
        let texts = [Some(&draft.subject), draft.html.as_ref(), draft.text.as_ref()].into_iter().flatten();
        let headers = draft.headers.iter().flat_map(|(name, values)| std::iter::once(name).chain(values));
        let people = [&draft.to, &draft.cc, &draft.bcc, &draft.reply_to];
        let people = people.into_iter().flatten().chain(&draft.from);
        let octets = all(texts.chain(headers))
            + people.map(of_person).sum::<usize>()
            + draft.attachments.iter().map(of_file).sum::<usize>()
            + of_options(&self.options)
            + self.template.as_ref().map_or(0, of_template);
        octets.max(LEAST)
    }
}

fn all<'a>(texts: impl IntoIterator<Item = &'a String>) -> usize {
    texts.into_iter().map(|text| EACH + text.len()).sum()
}

fn of_person(person: &Written) -> usize {
    match person {
        Written::Text(text) => all([text]),
        Written::Parts { name, address } => all(name.iter().chain([address])),
    }
}

fn of_file(file: &Attachment) -> usize {
    all([&file.filename, &file.content_type, &file.content_id].into_iter().flatten())
        + EACH
        + file.content.len()
}

fn of_options(options: &Options) -> usize {
    let Options { external_id, metadata, info, relay, idempotency_key, tags, .. } = options;
    let texts = [external_id, metadata, info, relay, idempotency_key].into_iter().flatten();
    all(texts.chain(tags.iter().flat_map(|(name, value)| [name, value])))
}

fn of_template(template: &Template) -> usize {
    all(std::iter::once(&template.id).chain(&template.language)) + of_value(&template.variables)
}

fn of_value(value: &Value) -> usize {
    EACH + match value {
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(of_value).sum(),
        Value::Object(fields) => fields.iter().map(|(name, value)| EACH + name.len() + of_value(value)).sum(),
    }
}
