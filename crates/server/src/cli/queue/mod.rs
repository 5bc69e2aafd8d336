//! `queue`: looking at the daemon's queue and acting on it, over its control socket.

pub(crate) mod args;
mod give_up;
pub(crate) mod show;
pub(crate) mod steer;
pub(crate) mod top;

use super::{control, print};
use crate::config::Surroundings;
use crate::exit::Failure;
use args::{Act, List, Queue};
use hyper::Method;
use serde_json::{Value, json};

/// Rows asked for at once.
const PAGE: u64 = 1_000;

pub(crate) async fn run(verb: Queue, around: Surroundings) -> Result<(), Failure> {
    match verb {
        Queue::List(asked) => list(&asked, &around).await,
        Queue::Show { id, place, json } => {
            let client = control::client(&place, &around).await?;
            let path = format!("/emails/{}", control::segment(&id));
            let mail = control::ask(&client, Method::GET, &path, None).await?;
            print(&if json { mail.to_string() } else { show::mail(&mail) })
        }
        Queue::Stats { place, json } => {
            let client = control::client(&place, &around).await?;
            let counts = control::ask(&client, Method::GET, "/queue", None).await?;
            let relays = control::ask(&client, Method::GET, "/relays", None).await?;
            print(&match json {
                true => json!({"queue": counts, "relays": relays.get("data")}).to_string(),
                false => show::stats(&counts, &relays),
            })
        }
        Queue::Retry(asked) => act("retry", asked, &around).await,
        Queue::Hold(asked) => act("hold", asked, &around).await,
        Queue::Release(asked) => act("release", asked, &around).await,
        Queue::Cancel(asked) => act("cancel", asked, &around).await,
        Queue::GiveUp { place, json } => give_up::run(&place, json, &around).await,
        Queue::Purge(asked) => {
            let all = asked.ids.is_empty() && asked.conditions.is_none();
            let conditions = if all { Some(String::new()) } else { asked.conditions };
            act("purge", Act { conditions, ..asked }, &around).await
        }
        Queue::Pause { why, place, json } => {
            steer::queue("pause", why.as_deref(), (&place, json), &around).await
        }
        Queue::Resume { place, json } => steer::queue("resume", None, (&place, json), &around).await,
        Queue::Drain { wait: false, place, json } => {
            steer::queue("drain", None, (&place, json), &around).await
        }
        Queue::Drain { wait: true, place, json } => steer::drained((&place, json), &around).await,
        Queue::Flush(args::Flush { dry_run, place, json }) => {
            let conditions = Some("status=deferred".to_owned());
            act("retry", Act { ids: Vec::new(), conditions, dry_run, place, json }, &around).await
        }
    }
}

async fn list(asked: &List, around: &Surroundings) -> Result<(), Failure> {
    let client = control::client(&asked.place, around).await?;
    let conditions = asked.conditions.clone().unwrap_or_default();
    let (mut left, mut after) = (asked.limit, None::<Value>);
    loop {
        let body = json!({"action": "list", "where": conditions, "limit": left.min(PAGE)});
        let body = with(body, "after", after);
        let page = control::ask(&client, Method::POST, "/queue/select", Some(&body)).await?;
        let rows = page.get("data").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        for row in rows {
            print(&if asked.json { row.to_string() } else { show::row(row) })?;
        }
        left = left.saturating_sub(rows.len() as u64);
        let more = page.get("has_more") == Some(&Value::Bool(true));
        after = rows.last().and_then(|row| row.get("id")).cloned();
        if !more || left == 0 || after.is_none() {
            if more && !asked.json {
                print(&format!("… there is more; raise --limit {}", asked.limit))?;
            }
            return Ok(());
        }
    }
}

async fn act(action: &str, asked: Act, around: &Surroundings) -> Result<(), Failure> {
    if asked.conditions.is_none() && asked.ids.is_empty() {
        return Err(Failure::Usage(format!(
            "queue {action}: name ids, or choose by --where, e.g. --where 'status=failed since=2h'"
        )));
    }
    let ids = asked.conditions.is_none().then(|| json!(asked.ids));
    let body = json!({"action": action, "dry_run": asked.dry_run});
    let body = with(with(body, "where", asked.conditions.map(Value::from)), "ids", ids);
    let client = control::client(&asked.place, around).await?;
    let answer = control::ask(&client, Method::POST, "/queue/select", Some(&body)).await?;
    print(&if asked.json { answer.to_string() } else { show::acted(&answer) })?;
    let refused = show::refused(&answer);
    if refused.is_empty() { Ok(()) } else { Err(Failure::Unavailable(refused.join("\n"))) }
}

/// The object with one more member, if there is one.
fn with(mut object: Value, key: &str, value: Option<Value>) -> Value {
    if let (Value::Object(members), Some(value)) = (&mut object, value) {
        members.insert(key.to_owned(), value);
    }
    object
}
