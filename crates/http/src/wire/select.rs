//! The bulk form of the queue's verbs: which messages, what to do with them.

use super::fields::Faults;
use super::json::Json;
use super::time::timestamp;
use jiff::{SignedDuration, Timestamp};
use postrider::{Action, FieldError, Filter, JobId, JobView, Status};
use std::time::Duration;

/// Ids that one call may name.
const MAX_IDS: usize = 10_000;

const KNOWN: &str = "ids, where, action, dry_run";
const WORDS: &str = "status, relay, code, tag, to, since";

/// What is done to each message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Cancel,
    Retry,
    Hold,
    Release,
    Purge,
}

/// A call of `POST /queue/select`.
#[derive(Debug)]
pub(crate) struct Selection {
    pub(crate) which: Which,
    pub(crate) verb: Verb,
    /// Only tell what would be done.
    pub(crate) dry_run: bool,
}

#[derive(Debug)]
pub(crate) enum Which {
    Ids(Vec<JobId>),
    Where(Where),
}

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

impl Verb {
    fn parse(word: &str) -> Option<Self> {
        [Self::Cancel, Self::Retry, Self::Hold, Self::Release, Self::Purge]
            .into_iter()
            .find(|verb| verb.word() == word)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Purge => "purge",
        }
    }

    pub(crate) fn action(self) -> Action {
        match self {
            Self::Cancel => Action::Cancel,
            Self::Retry => Action::Retry,
            Self::Hold => Action::Hold("held by hand".into()),
            Self::Release => Action::Release,
            Self::Purge => Action::Purge,
        }
    }

    /// Whom it is for when the conditions name no status.
    fn meant_for(self, status: Status) -> bool {
        match self {
            Self::Cancel => !status.is_final(),
            Self::Retry => {
                matches!(status, Status::Deferred | Status::Partial | Status::Failed | Status::Expired)
            }
            Self::Hold => matches!(status, Status::Scheduled | Status::Queued | Status::Deferred),
            Self::Release => status == Status::Held,
            Self::Purge => status.is_final(),
        }
    }
}

/// Reads `{ids | where, action, dry_run}`; `since=2h` counts back from `now`.
pub(crate) fn selection(json: Json<'_>, now: Timestamp) -> Result<Selection, Vec<FieldError>> {
    let mut faults = Faults::default();
    let (mut ids, mut conditions, mut verb, mut dry_run) = (None, None, None, false);
    for (key, value) in faults.object("body", "an object", json) {
        match &*key {
            "ids" => ids = Some(named(&mut faults, value)),
            "where" => conditions = faults.text(&key, value).map(|text| read_where(&mut faults, &text, now)),
            "action" => verb = faults.text(&key, value).and_then(|word| action(&mut faults, &word)),
            "dry_run" => match value {
                Json::Bool(told) => dry_run = told,
                other => faults.add("dry_run", format!("must be true or false, not {}", other.kind())),
            },
            _ => faults.unknown(&key, KNOWN),
        }
    }
    if verb.is_none() && faults.found.is_empty() {
        faults.add("action", "is missing; give cancel, retry, hold, release or purge");
    }
    let which = match (ids, conditions) {
        (Some(_), Some(_)) => {
            faults.add("ids", "cannot stand beside where; give one of them");
            Which::Ids(Vec::new())
        }
        (Some(ids), None) => Which::Ids(ids),
        (None, Some(conditions)) => Which::Where(conditions),
        (None, None) => {
            if faults.found.is_empty() {
                faults.add("where", "is missing; give conditions such as status=failed, or ids");
            }
            Which::Ids(Vec::new())
        }
    };
    faults.verdict(()).map(|()| Selection { which, verb: verb.unwrap_or(Verb::Hold), dry_run })
}

fn action(faults: &mut Faults, word: &str) -> Option<Verb> {
    let verb = Verb::parse(word);
    if verb.is_none() {
        faults.add("action", "must be cancel, retry, hold, release or purge");
    }
    verb
}

fn named(faults: &mut Faults, value: Json<'_>) -> Vec<JobId> {
    let values = faults.array("ids", "an array of ids", value);
    if values.len() > MAX_IDS {
        faults.add("ids", format!("must be at most {MAX_IDS}; use where for more"));
        return Vec::new();
    }
    let mut ids = Vec::new();
    for (place, value) in values.into_iter().enumerate() {
        let field = format!("ids[{place}]");
        match faults.text(&field, value).map(|text| text.parse()) {
            Some(Ok(id)) => ids.push(id),
            Some(Err(_)) => faults.add(field, "must be an email's id"),
            None => {}
        }
    }
    ids
}

/// Conditions as an operator writes them: `status=failed,expired relay=a code=554 since=2h`.
fn read_where(faults: &mut Faults, text: &str, now: Timestamp) -> Where {
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
    /// What the store can sift by itself.
    pub(crate) fn filter(&self) -> Filter {
        let only = match *self.status.as_slice() {
            [only] => Some(only),
            _ => None,
        };
        Filter { status: only, to: self.to.clone(), ..Filter::default() }
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
    let last = super::view::last_results(view);
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
