//! Query strings: every name known, every value checked.

use crate::problem::Problem;
use crate::wire;
use axum::extract::Query;
use axum::http::Uri;
use postrider::{FieldError, Filter, JobId, Status};
use std::time::Duration;

const DEFAULT_LIMIT: usize = 50;
const MAX_LIMIT: usize = 1_000;
/// What a list can be asked for.
const KNOWN: &str = "status, to, subject, external_id, tag, message_id, remote_id, q, limit, after, before";
/// Octets of a search text.
const MAX_TEXT: usize = 1_000;

/// The pairs of a query.
pub(crate) fn pairs(uri: &Uri) -> Result<Vec<(String, String)>, Problem> {
    let pairs = Query::<Vec<(String, String)>>::try_from_uri(uri);
    let pairs = pairs.map_err(|_| Problem::bad_request("the query cannot be read"))?;
    if pairs.0.iter().any(|(_, value)| value.len() > MAX_TEXT) {
        return Err(Problem::field("query", format!("a value is longer than {MAX_TEXT} octets")));
    }
    Ok(pairs.0)
}

/// What to list.
pub(crate) fn filter(pairs: Vec<(String, String)>) -> Result<Filter, Problem> {
    let (mut filter, mut faults) = (Filter { limit: DEFAULT_LIMIT, ..Filter::default() }, Vec::new());
    for (name, value) in pairs {
        let problem = match name.as_str() {
            "status" => set(&mut filter.status, Status::parse(&value), || {
                format!("must be one of {}", Status::ALL.map(Status::word).join(", "))
            }),
            "after" => set(&mut filter.after, value.parse::<JobId>().ok(), || "must be an email's id".into()),
            "before" => {
                set(&mut filter.before, value.parse::<JobId>().ok(), || "must be an email's id".into())
            }
            "limit" => match value.parse() {
                Ok(limit @ 1..=MAX_LIMIT) => {
                    filter.limit = limit;
                    None
                }
                Ok(_) | Err(_) => Some(format!("must be 1 to {MAX_LIMIT}")),
            },
            "to" => text(&mut filter.to, value),
            "subject" => text(&mut filter.subject, value),
            "external_id" => text(&mut filter.external_id, value),
            "tag" => text(&mut filter.tag, value),
            "message_id" => text(&mut filter.message_id, bracketed(value)),
            "remote_id" => text(&mut filter.remote_id, value),
            "q" => text(&mut filter.q, value),
            _ => Some(format!("is not known here; known: {KNOWN}")),
        };
        faults.extend(problem.map(|problem| FieldError { field: name, problem }));
    }
    if faults.is_empty() { Ok(filter) } else { Err(Problem::invalid(faults)) }
}

/// The newest match, and how long to wait for it.
pub(crate) fn latest(uri: &Uri) -> Result<(Filter, Duration), Problem> {
    let (mut filter, mut wait) = (Filter { limit: 1, ..Filter::default() }, Duration::ZERO);
    for (name, value) in pairs(uri)? {
        match name.as_str() {
            "to" => filter.to = Some(value),
            "subject" => filter.subject = Some(value),
            "wait" => wait = wire::wait(&value).map_err(|problem| Problem::field("wait", problem))?,
            _ => return Err(Problem::field(&name, "is not known here; known: to, subject, wait")),
        }
    }
    Ok((filter, wait))
}

fn set<T>(place: &mut Option<T>, value: Option<T>, problem: impl FnOnce() -> String) -> Option<String> {
    *place = value;
    place.is_none().then(problem)
}

/// A Message-ID may be given without its brackets, which a URL has to escape.
fn bracketed(value: String) -> String {
    if value.is_empty() || value.starts_with('<') { value } else { format!("<{value}>") }
}

/// An empty text means no condition, as a form sends it.
fn text(place: &mut Option<String>, value: String) -> Option<String> {
    *place = (!value.is_empty()).then_some(value);
    None
}
