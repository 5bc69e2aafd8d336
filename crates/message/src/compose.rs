//! Draft and profile to header block, body and envelope.

use crate::error::Faults;
use crate::fields::{self, Field, Fields, Value};
use crate::header::{self, mailbox_text};
use crate::{ComposeError, Draft, Profile, SharedBody, identity, mime};
use bytes::Bytes;
use envelope::{Envelope, Mailbox, ReversePath};
use jiff::Timestamp;

/// Octets of a whole header block.
pub(crate) const MAX_HEADER: usize = 102_400;

/// A finished message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Composed {
    pub envelope: Envelope,
    /// Header block including the blank line.
    pub header: Bytes,
    pub body: Bytes,
    /// `<id@domain>`; empty when the settings remove it.
    pub message_id: String,
    /// As shown: with prefix, decoded.
    pub subject: String,
    pub from: String,
    /// One entry per mailbox: `Name <a@b>` or `a@b`, decoded.
    pub to: Vec<String>,
    pub cc: Vec<String>,
    pub bcc: Vec<String>,
    pub reply_to: Vec<String>,
}

/// Composes a message. `unique` makes boundary and Message-ID unique; `now` is the Date when the
/// draft has none. At most 1,000 recipients and 102,400 octets of header. All mistakes are
/// returned together.
pub fn compose(
    draft: &Draft,
    profile: &Profile,
    now: Timestamp,
    unique: u128,
) -> Result<Composed, ComposeError> {
    let (mut block, all) = header(draft, None, profile, now, unique)?;
    let mut body = Vec::new();
    mime::write(&mut block, &mut body, draft, profile.plain_text, unique);
    finish(block, body.into(), &all, profile)
}

/// Composes a message around a body that was composed before. What the draft says of HTML, text and
/// attachments is not looked at; everything else is as `compose` does it.
///
/// # Errors
/// As `compose`.
pub fn compose_around(
    shared: &SharedBody,
    draft: &Draft,
    profile: &Profile,
    now: Timestamp,
    unique: u128,
) -> Result<Composed, ComposeError> {
    let (mut block, all) = header(draft, Some(shared), profile, now, unique)?;
    block.extend_from_slice(&shared.fields);
    finish(block, shared.body.clone(), &all, profile)
}

/// The fields but for those of MIME; mistakes in what the body is made of, too, unless it is `shared`.
fn header<'a>(
    draft: &'a Draft,
    shared: Option<&SharedBody>,
    profile: &'a Profile,
    now: Timestamp,
    unique: u128,
) -> Result<(Vec<u8>, Fields<'a>), ComposeError> {
    let mut faults = Faults::default();
    let date = draft.date.unwrap_or(now);
    let mut all = fields::of_draft(draft, profile, &mut faults);
    fields::apply_headers(&mut all, draft, profile, &mut faults);
    set_own(&mut all, draft, profile, date, &mut faults);
    if all.text("Message-ID").is_none() {
        let html = shared.map_or(draft.html.as_deref().unwrap_or_default(), |shared| &shared.html);
        let id = identity::message_id(draft, html, &profile.message_id, date, unique);
        all.set("Message-ID", Value::Text(id.into()));
    }
    fields::apply_overrides(&mut all, profile, &mut faults);
    let broken = !faults.is_empty();
    fields::check_whole(&all, broken, &mut faults);
    if shared.is_none() {
        mime::check_attachments(&draft.attachments, &mut faults);
    }
    faults.verdict()?;
    let block = write_fields(&mut all)?;
    Ok((block, all))
}

fn finish(
    mut block: Vec<u8>,
    body: Bytes,
    all: &Fields<'_>,
    profile: &Profile,
) -> Result<Composed, ComposeError> {
    block.extend_from_slice(b"\r\n");
    if block.len() > MAX_HEADER {
        let problem = "the header is longer than 102,400 octets; shorten it or send several mails";
        return Err(Faults::default().last("headers", problem));
    }
    let shown = |name: &str| all.mailboxes(name).iter().map(mailbox_text).collect::<Vec<_>>();
    Ok(Composed {
        envelope: envelope_of(all, profile),
        header: block.into(),
        body,
        message_id: all.text("Message-ID").unwrap_or_default().trim().to_owned(),
        subject: all.text("Subject").unwrap_or_default().to_owned(),
        from: shown("From").join(", "),
        to: shown("To"),
        cc: shown("Cc"),
        bcc: shown("Bcc"),
        reply_to: shown("Reply-To"),
    })
}

/// Sets what the caller's headers cannot replace.
fn set_own<'a>(
    all: &mut Fields<'a>,
    draft: &'a Draft,
    profile: &Profile,
    date: Timestamp,
    faults: &mut Faults,
) {
    // A subject that comes encoded already is read first, so that it is never encoded twice.
    let subject = envelope::decode_words(&draft.subject);
    fields::check_text("subject", &subject, faults);
    fields::check_text("subject_prefix", &profile.subject_prefix, faults);
    let subject = match profile.subject_prefix.as_str() {
        "" => subject,
        prefix => format!("{prefix} {subject}").into(),
    };
    all.set("Subject", Value::Text(subject));
    all.set("Date", Value::Text(identity::date_text(date).into()));
    all.set("X-Auto-Response-Suppress", Value::Text("All".into()));
}

/// The order of the well-known fields; the others follow in the caller's order.
const ORDER: [&str; 10] =
    ["Date", "From", "Sender", "Reply-To", "To", "Cc", "Subject", "Message-ID", "In-Reply-To", "References"];

fn write_fields(all: &mut Fields<'_>) -> Result<Vec<u8>, ComposeError> {
    let rank =
        |f: &Field<'_>| ORDER.iter().position(|n| n.eq_ignore_ascii_case(f.name)).unwrap_or(ORDER.len());
    all.0.sort_by_key(rank);
    let size = |f: &Field<'_>| match &f.value {
        Value::Mailboxes(list) => list.len() * 64,
        Value::Text(text) => text.len() + text.len() / 8 + f.name.len() + 4,
    };
    // The MIME fields come behind.
    let mut block = Vec::with_capacity(all.0.iter().map(size).sum::<usize>() + 512);
    let mut faults = Faults::default();
    for field in &all.0 {
        if field.name.eq_ignore_ascii_case("Bcc") {
            continue;
        }
        let value = match &field.value {
            Value::Mailboxes(list) => header::mailboxes(field.name, list).into(),
            Value::Text(text) => header::unstructured(field.name, text),
        };
        if !header::put(&mut block, field.name, &value) {
            let place = format!("headers.{}", field.name);
            faults.add(place, "a word in it makes a line longer than 998 octets; put blanks in it");
        }
    }
    faults.verdict()?;
    Ok(block)
}

fn envelope_of(all: &Fields<'_>, profile: &Profile) -> Envelope {
    let first = |name: &str| all.mailboxes(name).first().map(|m| m.address.clone());
    let from = match &profile.envelope_from {
        Some(path) => path.clone(),
        None => ReversePath(first("Sender").or_else(|| first("From"))),
    };
    let to = ["To", "Cc", "Bcc"].into_iter().flat_map(|n| all.mailboxes(n));
    Envelope::new(from, to.map(|m: &Mailbox| m.address.clone()))
}
