//! From what a caller hands over to a job: checked, composed, complete.

use crate::options::Checked;
use crate::{Caller, MailerSettings, Message, RawSubmission, SubmitError};
use ::message::{
    FieldError, Profile, RawOptions, UNDATED, admit_raw, compose, compose_around, date_field, to_seven_bit,
};
use aws_lc_rs::digest::{Context, SHA256};
use bytes::Bytes;
use envelope::Envelope;
use jiff::Timestamp;
use queue::{Idempotency, JobId, Meta, NewJob};
use std::sync::{Mutex, PoisonError};
use template::Templates;
use uuid::{ContextV7, Timestamp as UuidTime, Uuid};

/// A job ready to be stored.
pub(crate) struct Prepared {
    pub(crate) job: NewJob,
}

/// Makes job ids: UUID v7, rising within this process even inside one millisecond.
#[derive(Debug, Default)]
pub(crate) struct Ids(Mutex<ContextV7>);

impl Ids {
    pub(crate) fn next(&self, now: Timestamp) -> JobId {
        let context = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let seconds = u64::try_from(now.as_second()).unwrap_or_default();
        let nanos = u32::try_from(now.subsec_nanosecond()).unwrap_or_default();
        JobId(Uuid::new_v7(UuidTime::from_unix(&*context, seconds, nanos)))
    }
}

/// The bytes of a message with what is known of them.
struct Letter {
    id: JobId,
    envelope: Envelope,
    header: Bytes,
    body: Bytes,
    meta: Meta,
    eight_bit: bool,
    utf8_header: bool,
}

/// Where a message stands in its call.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Place {
    /// Its number in a batch.
    pub(crate) number: Option<u16>,
    /// How many before it have the same idempotency key.
    pub(crate) same_key: u16,
}

/// What a message is composed with.
pub(crate) struct House<'a> {
    pub(crate) settings: &'a MailerSettings,
    pub(crate) templates: &'a Templates,
    pub(crate) ids: &'a Ids,
}

/// Composes a message.
pub(crate) fn composed(
    caller: &Caller,
    message: &Message,
    place: Place,
    house: &House<'_>,
    now: Timestamp,
) -> Result<Prepared, SubmitError> {
    let (settings, id) = (house.settings, house.ids.next(now));
    let options = Checked::new(message.options.clone(), settings, now);
    let draft = message.filled(house.templates).map_err(|e| invalid(e, place))?;
    let (draft, profile, unique) = (&*draft, &settings.profile, id.0.as_u128());
    let composed = match &message.body {
        Some(shared) => compose_around(shared, draft, profile, now, unique),
        None => compose(draft, profile, now, unique),
    };
    let (composed, options) = both(composed.map_err(|e| e.0), options).map_err(|e| invalid(e, place))?;
    let envelope = composed.envelope;
    let chosen = settings.profile.envelope_from.is_none().then_some(&envelope.from);
    crate::permit::from_domain(caller, &composed.from, chosen)?;
    if settings.profile.plain_text && message.draft.html.as_deref().is_some_and(begins_as_html) {
        // The reference's words at its level.
        tracing::warn!(%id, "Mail contains HTML but configured to send as plain text.");
    }
    let mut meta = meta(caller, &options);
    meta.message_id = composed.message_id;
    meta.subject = composed.subject;
    (meta.from, meta.to, meta.cc) = (composed.from, composed.to, composed.cc);
    (meta.bcc, meta.reply_to) = (composed.bcc, composed.reply_to);
    let waits = options.due_at > now && message.draft.date.is_none();
    let letter = Letter {
        id,
        envelope,
        header: if waits { undated(composed.header, now) } else { composed.header },
        body: composed.body,
        meta,
        eight_bit: false,
        utf8_header: false,
    };
    job(caller, letter, options, place, settings, now)
}

/// The header with an empty Date in the place of the one that composing gave it: mail that waits for its hour gets it
/// when it leaves. A Date that the settings set or removed is theirs.
fn undated(header: Bytes, now: Timestamp) -> Bytes {
    match header.strip_prefix(date_field(now).as_bytes()) {
        Some(rest) => [UNDATED, rest].concat().into(),
        None => header,
    }
}

/// Takes a finished message.
pub(crate) fn raw(
    caller: &Caller,
    submission: RawSubmission,
    settings: &MailerSettings,
    instance: &str,
    now: Timestamp,
    ids: &Ids,
) -> Result<Prepared, SubmitError> {
    let id = ids.next(now);
    let RawSubmission { envelope, raw, options, received, from, accept_bare_lf } = submission;
    if raw.len() > settings.limits.message {
        return Err(too_large(raw.len(), settings));
    }
    crate::hops::check(&raw, instance)?;
    let mark = crate::hops::mark(instance);
    let how = RawOptions {
        received: received.map(|came| came.trace(&format!("{} {mark}", settings.hostname), &id.to_string())),
        domain: domain(&settings.profile).to_owned(),
        from: from.or_else(|| settings.profile.from.as_ref().map(|m| m.address.to_string())),
        accept_bare_lf,
    };
    let mail = admit_raw(&raw, &how, now, id.0.as_u128()).map_err(|e| SubmitError::Invalid(e.0))?;
    // Now, so that any relay can take it and nothing is re-encoded at the last hop.
    let mail = to_seven_bit(mail);
    crate::permit::from_domain(caller, &mail.from, Some(&envelope.from))?;
    let options = crate::options::with_header_fields(options, &mail.options)
        .and_then(|options| Checked::new(options, settings, now))
        .map_err(SubmitError::Invalid)?;
    let mut meta = meta(caller, &options);
    (meta.message_id, meta.subject, meta.from) = (mail.message_id, mail.subject, mail.from);
    (meta.to, meta.cc, meta.bcc, meta.reply_to) = (mail.to, mail.cc, mail.bcc, mail.reply_to);
    let letter = Letter {
        id,
        envelope,
        header: mail.header,
        body: mail.body,
        meta,
        eight_bit: mail.eight_bit,
        utf8_header: mail.utf8_header,
    };
    job(caller, letter, options, Place::default(), settings, now)
}

/// Where the reference looks for it: within the first 100 characters.
fn begins_as_html(html: &str) -> bool {
    let end = html.char_indices().nth(100).map_or(html.len(), |(at, _)| at);
    html.get(..end).is_some_and(|start| start.contains("<html>"))
}

fn job(
    caller: &Caller,
    letter: Letter,
    options: Checked,
    place: Place,
    settings: &MailerSettings,
    now: Timestamp,
) -> Result<Prepared, SubmitError> {
    let recipients = letter.envelope.to.len();
    if recipients == 0 || recipients > settings.limits.recipients {
        let most = settings.limits.recipients;
        let problem =
            format!("a message goes to 1 to {most} recipients, not {recipients}; split it or add one");
        return Err(invalid(vec![FieldError { field: "to".into(), problem }], place));
    }
    let octets = letter.header.len() + letter.body.len();
    if octets > settings.limits.message {
        return Err(too_large(octets, settings));
    }
    let fingerprint = options.fingerprint.unwrap_or_else(|| of_envelope(&letter.envelope));
    let index = place.same_key;
    let idempotency = options.idempotency_key.map(|key| Idempotency { key, fingerprint, index });
    Ok(Prepared {
        job: NewJob {
            id: letter.id,
            project: caller.project.clone(),
            envelope: letter.envelope,
            header: letter.header,
            body: letter.body,
            meta: letter.meta,
            created_at: now,
            due_at: options.due_at,
            expires_at: options.expires_at,
            priority: options.priority,
            route: options.route,
            idempotency,
            eight_bit: letter.eight_bit,
            utf8_header: letter.utf8_header,
        },
    })
}

fn meta(caller: &Caller, options: &Checked) -> Meta {
    Meta {
        tags: options.tags.clone(),
        external_id: options.external_id.clone(),
        metadata: options.metadata.clone(),
        info: options.info.clone(),
        key_id: caller.key_id.clone(),
        ..Meta::new(caller.door)
    }
}

fn domain(profile: &Profile) -> &str {
    match &profile.message_id {
        ::message::MessageIdStyle::Autogen { domain } | ::message::MessageIdStyle::Unique { domain } => {
            domain
        }
    }
}

fn too_large(octets: usize, settings: &MailerSettings) -> SubmitError {
    let most = settings.limits.message;
    SubmitError::TooLarge(format!("the message has {octets} octets; at most {most} are taken"))
}

fn invalid(mut errors: Vec<FieldError>, place: Place) -> SubmitError {
    if let Some(place) = place.number {
        for error in &mut errors {
            error.field = format!("[{place}].{}", error.field);
        }
    }
    SubmitError::Invalid(errors)
}

/// Both values, or the mistakes of both.
fn both<A, B>(
    a: Result<A, Vec<FieldError>>,
    b: Result<B, Vec<FieldError>>,
) -> Result<(A, B), Vec<FieldError>> {
    match (a, b) {
        (Ok(a), Ok(b)) => Ok((a, b)),
        (Err(mut a), Err(b)) => {
            a.extend(b);
            Err(a)
        }
        (Err(errors), Ok(_)) | (Ok(_), Err(errors)) => Err(errors),
    }
}

/// The fingerprint of a submission whose door gave none: sender and recipients (contract 4).
fn of_envelope(envelope: &Envelope) -> [u8; 32] {
    let mut hash = Context::new(&SHA256);
    hash.update(envelope.from.as_str().as_bytes());
    for recipient in &envelope.to {
        hash.update(b"\n");
        hash.update(recipient.address.as_str().as_bytes());
    }
    let mut out = [0; 32];
    out.copy_from_slice(hash.finish().as_ref());
    out
}
