//! The bulk form of the queue's verbs: which messages, what to do with them.

use super::conditions::{self, Where};
use super::fields::Faults;
use super::json::Json;
use jiff::Timestamp;
use postrider::{Action, FieldError, JobId, Status};

/// Ids that one call may name.
const MAX_IDS: usize = 10_000;

/// Octets of a reason.
const MAX_WHY: usize = 1_000;
/// Rows of one answer.
const MAX_ROWS: usize = 1_000;
const DEFAULT_ROWS: usize = 100;

const KNOWN: &str = "ids, where, action, dry_run, limit, after";
const ACTIONS: &str = "list, cancel, retry, hold, release or purge";

/// What is done to each message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    /// Nothing: it is shown.
    List,
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
    /// Rows of a list.
    pub(crate) limit: usize,
    /// Only messages older than this one (a list's next page).
    pub(crate) after: Option<JobId>,
}

#[derive(Debug)]
pub(crate) enum Which {
    Ids(Vec<JobId>),
    Where(Where),
}

impl Verb {
    fn parse(word: &str) -> Option<Self> {
        [Self::List, Self::Cancel, Self::Retry, Self::Hold, Self::Release, Self::Purge]
            .into_iter()
            .find(|verb| verb.word() == word)
    }

    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Cancel => "cancel",
            Self::Retry => "retry",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Purge => "purge",
        }
    }

    /// What the store is asked for, if anything.
    pub(crate) fn action(self) -> Option<Action> {
        match self {
            Self::List => None,
            Self::Cancel => Some(Action::Cancel),
            Self::Retry => Some(Action::Retry),
            Self::Hold => Some(Action::Hold("held by hand".into())),
            Self::Release => Some(Action::Release),
            Self::Purge => Some(Action::Purge),
        }
    }

    /// Whom it is for when the conditions name no status.
    pub(super) fn meant_for(self, status: Status) -> bool {
        match self {
            Self::List | Self::Cancel => !status.is_final(),
            Self::Retry => {
                matches!(status, Status::Deferred | Status::Partial | Status::Failed | Status::Expired)
            }
            Self::Hold => matches!(status, Status::Scheduled | Status::Queued | Status::Deferred),
            Self::Release => status == Status::Held,
            Self::Purge => status.is_final(),
        }
    }
}

/// Reads `{ids | where, action, …}`; `since=2h` counts back from `now`.
pub(crate) fn selection(json: Json<'_>, now: Timestamp) -> Result<Selection, Vec<FieldError>> {
    let mut faults = Faults::default();
    let (mut ids, mut conditions, mut verb) = (None, None, None);
    let (mut dry_run, mut limit, mut after) = (false, DEFAULT_ROWS, None);
    for (key, value) in faults.object("body", "an object", json) {
        match &*key {
            "ids" => ids = Some(named(&mut faults, value)),
            "where" => {
                conditions = faults.text(&key, value).map(|text| conditions::read(&mut faults, &text, now))
            }
            "action" => verb = action(&mut faults, value),
            "dry_run" => match value {
                Json::Bool(told) => dry_run = told,
                other => faults.add("dry_run", format!("must be true or false, not {}", other.kind())),
            },
            "limit" => match rows(&value) {
                Some(rows) => limit = rows,
                None => faults.add("limit", format!("must be 1 to {MAX_ROWS}")),
            },
            "after" => after = faults.text(&key, value).and_then(|text| id(&mut faults, "after", &text)),
            _ => faults.unknown(&key, KNOWN),
        }
    }
    if verb.is_none() && faults.found.is_empty() {
        faults.add("action", format!("is missing; give {ACTIONS}"));
    }
    let which = which(&mut faults, ids, conditions);
    let verb = verb.unwrap_or(Verb::List);
    faults.verdict(()).map(|()| Selection { which, verb, dry_run, limit, after })
}

fn which(faults: &mut Faults, ids: Option<Vec<JobId>>, conditions: Option<Where>) -> Which {
    match (ids, conditions) {
        (Some(_), Some(_)) => faults.add("ids", "cannot stand beside where; give one of them"),
        (Some(ids), None) => return Which::Ids(ids),
        (None, Some(conditions)) => return Which::Where(conditions),
        (None, None) if faults.found.is_empty() => {
            faults.add("where", "is missing; give conditions such as status=failed, or ids");
        }
        (None, None) => {}
    }
    Which::Ids(Vec::new())
}

fn action(faults: &mut Faults, value: Json<'_>) -> Option<Verb> {
    let word = faults.text("action", value)?;
    let verb = Verb::parse(&word);
    if verb.is_none() {
        faults.add("action", format!("must be {ACTIONS}"));
    }
    verb
}

fn rows(value: &Json<'_>) -> Option<usize> {
    let Json::Number(number) = value else { return None };
    number.as_u64().and_then(|n| n.try_into().ok()).filter(|n| (1..=MAX_ROWS).contains(n))
}

fn id(faults: &mut Faults, field: &str, text: &str) -> Option<JobId> {
    let id = text.parse().ok();
    if id.is_none() {
        faults.add(field, "must be an email's id");
    }
    id
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
        let text = faults.text(&field, value);
        ids.extend(text.and_then(|text| id(faults, &field, &text)));
    }
    ids
}

/// `{why}`.
pub(crate) struct Paused {
    pub(crate) why: String,
}

impl Default for Paused {
    fn default() -> Self {
        Self { why: "paused by hand".into() }
    }
}

/// Reads `{why}`.
pub(crate) fn paused(json: Json<'_>) -> Result<Paused, Vec<FieldError>> {
    let (mut faults, mut paused) = (Faults::default(), Paused::default());
    for (key, value) in faults.object("body", "an object", json) {
        match &*key {
            "why" => paused.why = faults.text(&key, value).unwrap_or_default(),
            _ => faults.unknown(&key, "why"),
        }
    }
    if paused.why.len() > MAX_WHY {
        faults.add("why", format!("is longer than {MAX_WHY} octets"));
    }
    faults.verdict(paused)
}
