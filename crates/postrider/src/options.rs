//! How a message travels, checked.

use crate::{MailerSettings, Options};
use ::message::FieldError;
use jiff::{SignedDuration, Timestamp};
use queue::Priority;
use std::sync::Arc;
use std::time::Duration;

/// Options that are possible, with the house's defaults filled in.
pub(crate) struct Checked {
    pub(crate) due_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    pub(crate) priority: Priority,
    pub(crate) tags: Vec<(String, String)>,
    pub(crate) external_id: Option<String>,
    pub(crate) metadata: Option<String>,
    pub(crate) info: Option<String>,
    pub(crate) route: Arc<str>,
    pub(crate) idempotency_key: Option<String>,
    pub(crate) fingerprint: Option<[u8; 32]>,
}

/// The route of mail that pins no relay.
pub const DEFAULT_ROUTE: &str = "default";
/// Characters of an idempotency key (contract 4) and of a caller's own id.
const KEY_LENGTH: usize = 256;
const TAGS: usize = 100;
/// Characters of what the log says of a message.
const INFO: usize = 998;
/// Octets of a caller's metadata.
const METADATA: usize = 20_000;

impl Checked {
    pub(crate) fn new(
        options: Options,
        settings: &MailerSettings,
        now: Timestamp,
    ) -> Result<Self, Vec<FieldError>> {
        let mistakes = mistakes(&options, settings, now);
        if !mistakes.is_empty() {
            return Err(mistakes);
        }
        let due_at = options.scheduled_at.map_or(now, |at| at.max(now));
        let lifetime = SignedDuration::try_from(lifetime(options.priority, settings.expire_after))
            .unwrap_or(SignedDuration::MAX);
        let expires_at =
            options.expires_at.unwrap_or_else(|| due_at.checked_add(lifetime).unwrap_or(Timestamp::MAX));
        Ok(Self {
            due_at,
            expires_at,
            priority: options.priority,
            tags: options.tags,
            external_id: options.external_id,
            metadata: options.metadata,
            info: options.info,
            route: options.relay.as_deref().unwrap_or(DEFAULT_ROUTE).into(),
            idempotency_key: options.idempotency_key,
            fingerprint: options.fingerprint,
        })
    }
}

/// How long a message is tried that does not say: urgent mail is worth nothing after a quarter of an hour, bulk
/// mail after two days.
fn lifetime(priority: Priority, usual: Duration) -> Duration {
    match priority {
        Priority::Urgent => usual.min(Duration::from_secs(15 * 60)),
        Priority::Normal => usual,
        Priority::Bulk => usual.min(Duration::from_secs(2 * 86_400)),
    }
}

fn mistakes(options: &Options, settings: &MailerSettings, now: Timestamp) -> Vec<FieldError> {
    let mut found = Vec::new();
    let mut say = |field: &str, problem: String| found.push(FieldError { field: field.into(), problem });
    let due_at = options.scheduled_at.unwrap_or(now);
    if options.expires_at.is_some_and(|at| at <= now || at <= due_at) {
        say("expires_at", "lies before the message could be sent; give a later time or leave it out".into());
    }
    for (field, text) in
        [("idempotency_key", &options.idempotency_key), ("external_id", &options.external_id)]
    {
        let fits =
            |t: &String| (1..=KEY_LENGTH).contains(&t.chars().count()) && !t.contains(char::is_control);
        if !text.as_ref().is_none_or(fits) {
            say(field, format!("must have 1 to {KEY_LENGTH} characters and no control characters"));
        }
    }
    if options.info.as_ref().is_some_and(|t| t.chars().count() > INFO || t.contains(char::is_control)) {
        say(
            "info",
            format!(
                "must have at most {INFO} characters and no control characters: it is one line of the log"
            ),
        );
    }
    if options.tags.len() > TAGS {
        say("tags", format!("has {} entries; at most {TAGS} are taken", options.tags.len()));
    }
    if options.metadata.as_ref().is_some_and(|m| m.len() > METADATA) {
        say("metadata", format!("is longer than {METADATA} octets; keep it elsewhere and give its key"));
    }
    if let Some(relay) = &options.relay
        && !settings.relays.contains(relay)
    {
        say("relay", format!("there is no relay {relay:?}; known: {}", settings.relays.join(", ")));
    }
    found
}

/// Adds what the header's own `X-Postrider-*` fields ask for (contract 5).
pub(crate) fn with_header_fields(
    mut options: Options,
    fields: &[(String, String)],
) -> Result<Options, Vec<FieldError>> {
    let mut mistakes = Vec::new();
    for (name, value) in fields {
        let value = value.trim();
        let problem = match name.as_str() {
            "idempotency-key" => {
                options.idempotency_key = Some(value.to_owned());
                None
            }
            "tag" => {
                let (key, tag) = value.split_once('=').unwrap_or(("tag", value));
                options.tags.push((key.trim().to_owned(), tag.trim().to_owned()));
                None
            }
            "scheduled-at" => time(value, &mut options.scheduled_at),
            "expires-at" => time(value, &mut options.expires_at),
            "priority" => match priority(value) {
                Some(priority) => {
                    options.priority = priority;
                    None
                }
                None => Some("must be urgent, normal or bulk"),
            },
            _ => Some("is not known; known: Idempotency-Key, Tag, Scheduled-At, Expires-At, Priority"),
        };
        if let Some(problem) = problem {
            mistakes
                .push(FieldError { field: format!("headers.X-Postrider-{name}"), problem: problem.into() });
        }
    }
    if mistakes.is_empty() { Ok(options) } else { Err(mistakes) }
}

fn time(value: &str, into: &mut Option<Timestamp>) -> Option<&'static str> {
    match value.parse() {
        Ok(at) => {
            *into = Some(at);
            None
        }
        Err(_) => Some("must be a time as in RFC 3339, e.g. 2030-01-31T08:00:00Z"),
    }
}

/// The word for a priority, in any case.
pub(crate) fn priority(word: &str) -> Option<Priority> {
    [("urgent", Priority::Urgent), ("normal", Priority::Normal), ("bulk", Priority::Bulk)]
        .into_iter()
        .find_map(|(name, priority)| name.eq_ignore_ascii_case(word).then_some(priority))
}

#[cfg(test)]
mod tests;
