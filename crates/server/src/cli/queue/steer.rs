//! `queue pause|resume|drain` and `relay list|pause|resume|test`.

use super::args::Relay;
use super::show;
use crate::cli::{args, check, control, print};
use crate::config::Surroundings;
use crate::exit::Failure;
use hyper::Method;
use serde_json::{Value, json};
use std::time::Duration;

/// Between two looks at a queue that drains.
const LOOK: Duration = Duration::from_millis(200);

/// Relays, one by one.
pub(crate) async fn relay(verb: Relay, around: Surroundings) -> Result<(), Failure> {
    let path = |name: &str, what: &str| format!("/relays/{}/{what}", control::segment(name));
    let (place, json, method, path, body) = match verb {
        Relay::Test { name, config, json } => {
            return check::run(args::Check { config, relay: Some(name), to: None, json }, around).await;
        }
        Relay::List { place, json } => (place, json, Method::GET, "/relays".to_owned(), None),
        Relay::Pause { name, why, place, json } => {
            (place, json, Method::POST, path(&name, "pause"), Some(body(why.as_deref())))
        }
        Relay::Resume { name, place, json } => (place, json, Method::POST, path(&name, "resume"), None),
    };
    let client = control::client(&place, &around).await?;
    let relays = control::ask(&client, method, &path, body.as_ref()).await?;
    let rows = relays.get("data").and_then(Value::as_array).into_iter().flatten();
    for row in rows {
        print(&if json { row.to_string() } else { show::relay_line(row) })?;
    }
    Ok(())
}

/// The whole queue: `pause`, `resume` or `drain`.
pub(super) async fn queue(
    what: &str,
    why: Option<&str>,
    (place, json): (&args::Where, bool),
    around: &Surroundings,
) -> Result<(), Failure> {
    let client = control::client(place, around).await?;
    let body = (what == "pause").then(|| body(why));
    let counts = control::ask(&client, Method::POST, &format!("/queue/{what}"), body.as_ref()).await?;
    tell(&counts, json)
}

/// Until all is delivered or failed but what is held or scheduled.
pub(super) async fn drained(
    (place, json): (&args::Where, bool),
    around: &Surroundings,
) -> Result<(), Failure> {
    let client = control::client(place, around).await?;
    let mut counts = control::ask(&client, Method::POST, "/queue/drain", None).await?;
    while under_way(&counts) {
        tokio::time::sleep(LOOK).await;
        counts = control::ask(&client, Method::GET, "/queue", None).await?;
    }
    tell(&counts, json)
}

fn under_way(counts: &Value) -> bool {
    let count = |status: &str| counts.get("by_status")?.get(status)?.as_u64();
    ["queued", "sending", "deferred"].into_iter().any(|status| count(status).unwrap_or_default() > 0)
}

fn tell(counts: &Value, json: bool) -> Result<(), Failure> {
    print(&if json { counts.to_string() } else { show::stats(counts, &Value::Null) })
}

fn body(why: Option<&str>) -> Value {
    why.map_or_else(|| json!({}), |why| json!({"why": why}))
}
