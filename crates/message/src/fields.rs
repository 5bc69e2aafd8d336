//! Draft, caller's headers and override headers to one checked list of fields.

use crate::error::Faults;
use crate::header::is_field_name;
use crate::{Draft, Profile, Written};
use envelope::Mailbox;
use std::borrow::Cow;

/// Recipients of one message.
const MAX_RECIPIENTS: usize = 1000;

/// One field of the header, checked, not yet encoded.
pub(crate) struct Field<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: Value<'a>,
}

pub(crate) enum Value<'a> {
    Text(Cow<'a, str>),
    Mailboxes(Vec<Mailbox>),
}

/// The header as a list of fields, one per name.
#[derive(Default)]
pub(crate) struct Fields<'a>(pub(crate) Vec<Field<'a>>);

impl<'a> Fields<'a> {
    fn position(&self, name: &str) -> Option<usize> {
        self.0.iter().position(|f| f.name.eq_ignore_ascii_case(name))
    }

    pub(crate) fn set(&mut self, name: &'a str, value: Value<'a>) {
        let field = Field { name, value };
        match self.position(name).and_then(|at| self.0.get_mut(at)) {
            Some(old) => *old = field,
            None => self.0.push(field),
        }
    }

    fn remove(&mut self, name: &str) {
        self.0.retain(|f| !f.name.eq_ignore_ascii_case(name));
    }

    pub(crate) fn mailboxes(&self, name: &str) -> &[Mailbox] {
        match self.position(name).and_then(|at| self.0.get(at)).map(|f| &f.value) {
            Some(Value::Mailboxes(list)) => list,
            _ => &[],
        }
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        match self.position(name).and_then(|at| self.0.get(at)).map(|f| &f.value) {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }
}

/// The fields that the draft's own keys make.
pub(crate) fn of_draft<'a>(draft: &Draft, profile: &Profile, faults: &mut Faults) -> Fields<'a> {
    let mut fields = Fields::default();
    let mut from = Vec::new();
    match &draft.from {
        Some(written) => read(&mut from, &|| "from".into(), written, faults),
        None => from.extend(profile.from.iter().cloned()),
    }
    let lists = [
        ("From", from),
        ("Reply-To", read_all("reply_to", &draft.reply_to, faults)),
        ("To", read_all("to", &draft.to, faults)),
        ("Cc", read_all("cc", &draft.cc, faults)),
        ("Bcc", read_all("bcc", &draft.bcc, faults)),
    ];
    for (name, list) in lists {
        if !list.is_empty() {
            fields.set(name, Value::Mailboxes(list));
        }
    }
    fields
}

fn read_all(key: &str, all: &[Written], faults: &mut Faults) -> Vec<Mailbox> {
    let mut list = Vec::with_capacity(all.len());
    for (i, written) in all.iter().enumerate() {
        let place = || if all.len() == 1 { key.to_owned() } else { format!("{key}[{i}]") };
        read(&mut list, &place, written, faults);
    }
    list
}

fn read(list: &mut Vec<Mailbox>, place: &dyn Fn() -> String, written: &Written, faults: &mut Faults) {
    match written {
        Written::Text(text) => match Mailbox::parse_list(text) {
            Ok(mut all) => list.append(&mut all),
            Err(e) => faults.add(place(), e.to_string()),
        },
        Written::Parts { name, address } => {
            let name = name.as_deref().map(str::trim).filter(|n| !n.is_empty());
            if name.is_some_and(has_control) {
                faults.add(place(), CONTROL);
            }
            match envelope::Address::parse(address) {
                Ok(address) => list.push(Mailbox { name: name.map(Into::into), address }),
                Err(e) => faults.add(place(), e.to_string()),
            }
        }
    }
}

const CONTROL: &str = "it holds a line break or another control character; remove it";

/// Line breaks of any kind and control characters; a tab is a blank.
pub(crate) fn has_control(text: &str) -> bool {
    let plain = |b: u8| matches!(b, b' '..=b'~' | b'\t');
    let steers = |c: char| c.is_control() && c != '\t' || matches!(c, '\u{2028}' | '\u{2029}');
    !text.bytes().all(plain) && text.chars().any(steers)
}

/// Checks `text` as the value of an unstructured field.
pub(crate) fn check_text(place: &str, text: &str, faults: &mut Faults) {
    if has_control(text) {
        faults.add(place, CONTROL);
    }
}

/// Applies the caller's headers, before Subject, Date and the rest are set.
pub(crate) fn apply_headers<'a>(
    fields: &mut Fields<'a>,
    draft: &'a Draft,
    profile: &Profile,
    faults: &mut Faults,
) {
    for (name, values) in &draft.headers {
        let place = || format!("headers.{}", name.escape_default());
        if OWN_KEYS.iter().any(|own| own.eq_ignore_ascii_case(name)) && !profile.headers_may_replace {
            faults.add(place(), "this field has a key of its own; use that key instead of `headers`");
            continue;
        }
        apply(fields, &place, name, values, faults);
    }
}

/// Fields with a key of their own in the message JSON.
const OWN_KEYS: [&str; 9] = [
    "From",
    "To",
    "Cc",
    "Bcc",
    "Subject",
    "Date",
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
];

/// Applies the operator's override headers, which come last.
pub(crate) fn apply_overrides<'a>(fields: &mut Fields<'a>, profile: &'a Profile, faults: &mut Faults) {
    for (name, values) in &profile.override_headers {
        let place = || format!("override_header.{}", name.escape_default());
        apply(fields, &place, name, values, faults);
    }
}

fn apply<'a>(
    fields: &mut Fields<'a>,
    place: &dyn Fn() -> String,
    name: &'a str,
    values: &'a [String],
    faults: &mut Faults,
) {
    if !is_field_name(name) {
        return faults
            .add(place(), "it is not a header name; use letters, digits and \"-\", at most 76 of them");
    }
    if SET_BY_US.iter().any(|own| own.eq_ignore_ascii_case(name)) {
        return faults
            .add(place(), "this field follows from the content or the way of the mail; leave it out");
    }
    let mut further = values.iter().map(String::as_str).filter(|v| !v.trim().is_empty());
    let Some(first) = further.next() else { return fields.remove(name) };
    let mut text = Cow::Borrowed(first);
    let separator = if THREAD_FIELDS.iter().any(|f| f.eq_ignore_ascii_case(name)) { " " } else { ", " };
    for value in further {
        let text = text.to_mut();
        text.push_str(separator);
        text.push_str(value);
    }
    if ADDRESS_FIELDS.iter().any(|f| f.eq_ignore_ascii_case(name)) {
        return match Mailbox::parse_list(&text) {
            Ok(list) => fields.set(name, Value::Mailboxes(list)),
            Err(e) => faults.add(place(), e.to_string()),
        };
    }
    if has_control(&text) {
        faults.add(place(), CONTROL);
    }
    if STRUCTURED.iter().any(|f| f.eq_ignore_ascii_case(name)) {
        let long = text.split([' ', '\t']).any(|word| word.len() > MAX_ID);
        if long || !text.is_ascii() {
            let problem = "an id here must be ASCII and at most 900 octets long; shorten it or leave it out";
            return faults.add(place(), problem);
        }
    }
    fields.set(name, Value::Text(text));
}

const SET_BY_US: [&str; 6] = [
    "MIME-Version",
    "Content-Type",
    "Content-Transfer-Encoding",
    "Content-Length",
    "Return-Path",
    "Resent-Bcc",
];
const ADDRESS_FIELDS: [&str; 6] = ["From", "Sender", "Reply-To", "To", "Cc", "Bcc"];
const THREAD_FIELDS: [&str; 2] = ["References", "In-Reply-To"];
/// Fields in which an encoded word has no meaning.
const STRUCTURED: [&str; 4] = ["Message-ID", "References", "In-Reply-To", "Date"];
/// Octets of one id; with its field name it stays within a line.
const MAX_ID: usize = 900;

/// What must hold when all layers are applied.
pub(crate) fn check_whole(fields: &Fields<'_>, broken: bool, faults: &mut Faults) {
    match fields.mailboxes("From").len() {
        1 => {}
        0 if broken => {}
        0 => faults.add("from", "there is no sender; give `from`, or set FROM in the settings"),
        _ => faults.add("from", "there is more than one sender; give a single address"),
    }
    let recipients: usize = ["To", "Cc", "Bcc"].iter().map(|n| fields.mailboxes(n).len()).sum();
    match recipients {
        0 if broken => {}
        0 => faults.add("to", "there is no recipient; give at least one address in `to`, `cc` or `bcc`"),
        1..=MAX_RECIPIENTS => {}
        _ => faults.add("to", "there are more than 1000 recipients; send several mails"),
    }
}
