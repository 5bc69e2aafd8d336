//! Conditions that choose messages, as an operator writes them.

use super::fields::Faults;
use super::select::Verb;
use super::time::timestamp;
use super::view::last_results;
use jiff::{SignedDuration, Timestamp};
use postrider::{Filter, JobView, Status};
use std::time::Duration;

const WORDS: &str = "status, relay, code, tag, to, since";

/// Conditions, all of which must hold; one that is not set holds always.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Where {
    /// Any of these.
    status: Vec<Status>,
    /// The relay of the last attempt, or the route before the first.
    relay: Option<String>,
    /// The last reply to a recipient: 554, or enhanced, 5.7.1.
    code: Option<String>,
    /// Name, value or name:value of a tag.
    tag: Option<String>,
    /// Part of a recipient's address, without regard to ASCII case.
    to: Option<String>,
    /// Accepted at this time or later.
    since: Option<Timestamp>,
}

/// Reads `status=failed,expired relay=a code=554 since=2h`.
pub(super) fn read(faults: &mut Faults, text: &str, now: Timestamp) -> Where {
    let mut conditions = Where::default();
    for word in text.split_whitespace() {
        let Some((key, value)) = word.split_once('=').filter(|(_, value)| !value.is_empty()) else {
            faults.add("where", format!("{word:?} is not of the form key=value (keys: {WORDS})"));
            continue;
        };
        let value = value.to_owned();
        let twice = match key {
            "status" => {
                let twice = !conditions.status.is_empty();
                conditions.status = statuses(faults, &value);
                twice
            }
            "relay" => conditions.relay.replace(value).is_some(),
            "code" => conditions.code.replace(value).is_some(),
            "tag" => conditions.tag.replace(value).is_some(),
            "to" => conditions.to.replace(value.to_ascii_lowercase()).is_some(),
            "since" => match since(&value, now) {
                Ok(at) => conditions.since.replace(at).is_some(),
                Err(problem) => {
                    faults.add("where", format!("since={value} {problem}"));
                    false
                }
            },
            _ => {
                faults.add("where", format!("{key} is not a known key; known: {WORDS}"));
                false
            }
        };
        if twice {
            faults.add("where", format!("{key} is given twice"));
        }
    }
    conditions
}

fn statuses(faults: &mut Faults, list: &str) -> Vec<Status> {
    let parse = |word| Status::parse(word).ok_or(word);
    let (mut found, mut bad) = (Vec::new(), Vec::new());
    for word in list.split(',') {
        match parse(word) {
            Ok(status) => found.push(status),
            Err(word) => bad.push(word),
        }
    }
    if !bad.is_empty() {
        let all = Status::ALL.map(Status::word).join(", ");
        faults.add("where", format!("status={} is not one of {all}", bad.join(",")));
    }
    found
}

/// `2h`, or a time as in RFC 3339.
fn since(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits).unwrap_or((text, ""));
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => {
            return timestamp(text)
                .map_err(|_| "must be like 90s, 30m, 2h or 7d, or a time as in RFC 3339".into());
        }
    };
    let seconds = number.parse::<u64>().ok().and_then(|n| n.checked_mul(unit));
    let ago = seconds.and_then(|s| SignedDuration::try_from(Duration::from_secs(s)).ok());
    ago.and_then(|ago| now.checked_sub(ago).ok()).ok_or_else(|| "is too long ago".into())
}

impl Where {
    /// What the store can sift without reading messages: a page must not keep it for long.
    pub(crate) fn filter(&self) -> Filter {
        let only = match *self.status.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        Filter { status: only, ..Filter::default() }
    }

    /// Whether nothing older than this message can match; lists go from new to old.
    pub(crate) fn is_past(&self, view: &JobView) -> bool {
        self.since.is_some_and(|since| view.created_at < since)
    }

    /// Whether it is meant for this message.
    pub(crate) fn takes(&self, verb: Verb, view: &JobView) -> bool {
        let status = match self.status.is_empty() {
            true => verb.meant_for(view.status),
            false => self.status.contains(&view.status),
        };
        status
            && !self.is_past(view)
            && self.relay.as_deref().is_none_or(|relay| relay == last_relay(view))
            && self.code.as_deref().is_none_or(|code| has_code(view, code))
            && self.tag.as_deref().is_none_or(|tag| has_tag(view, tag))
            && self.to.as_deref().is_none_or(|to| is_to(view, to))
    }
}

fn last_relay(view: &JobView) -> &str {
    view.attempts.last().map_or(&view.route, |attempt| &attempt.relay)
}

fn has_code(view: &JobView, code: &str) -> bool {
    let last = last_results(view);
    last.values().filter_map(|result| result.reply.as_ref()).any(|reply| {
        reply.code.to_string() == code || reply.enhanced().is_some_and(|e| e.to_string() == code)
    })
}

fn has_tag(view: &JobView, tag: &str) -> bool {
    let is = |(name, value): &(String, String)| {
        name == tag || value == tag || tag.split_once(':') == Some((name, value))
    };
    view.meta.tags.iter().any(is)
}

fn is_to(view: &JobView, to: &str) -> bool {
    view.envelope.to.iter().any(|r| r.address.as_str().to_ascii_lowercase().contains(to))
}
