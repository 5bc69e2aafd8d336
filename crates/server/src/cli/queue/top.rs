//! `top`: the queue and its relays, looked at again and again.

use super::show;
use crate::cli::{args, control, print};
use crate::config::Surroundings;
use crate::exit::Failure;
use hyper::Method;
use serde_json::{Value, json};
use std::io::IsTerminal;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// To the upper left, and what is below goes.
const CLEAR: &str = "\u{1b}[H\u{1b}[J";

/// What is counted from one look to the next.
#[derive(Clone, Copy)]
struct Seen {
    at: Instant,
    accepted: u64,
    sent: u64,
}

pub(crate) async fn run(asked: args::Top, around: Surroundings) -> Result<(), Failure> {
    let client = control::client(&asked.place, &around).await?;
    let screen = std::io::stdout().is_terminal() && !asked.json;
    let (mut ticks, mut before) = (interval(asked.every), None);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut left = asked.count.unwrap_or(u64::MAX);
    while left > 0 {
        ticks.tick().await;
        let counts = control::ask(&client, Method::GET, "/queue", None).await?;
        let relays = control::ask(&client, Method::GET, "/relays", None).await?;
        let now = seen(&counts, &relays);
        let rates = before.map(|before| rates(before, now));
        before = Some(now);
        print(&match asked.json {
            true => {
                let (accepted, sent) = rates.unzip();
                let rates = json!({"accepted_per_second": accepted, "sent_per_second": sent});
                json!({"queue": counts, "relays": relays.get("data"), "rates": rates}).to_string()
            }
            false => page(&counts, &relays, rates, screen),
        })?;
        left -= 1;
    }
    Ok(())
}

fn page(counts: &Value, relays: &Value, rates: Option<(f64, f64)>, screen: bool) -> String {
    let head = if screen { CLEAR } else { "" };
    let rates = rates.map_or_else(
        || "first look".to_owned(),
        |(accepted, sent)| format!("{accepted:.1}/s accepted, {sent:.1}/s sent"),
    );
    let foot = if screen { "\n\nEnds with Ctrl-C." } else { "\n" };
    format!("{head}postrider  {rates}\n\n{}{foot}", show::stats(counts, relays))
}

fn seen(counts: &Value, relays: &Value) -> Seen {
    let number = |value: &Value, key: &str| value.get(key).and_then(Value::as_u64).unwrap_or_default();
    let all = relays.get("data").and_then(Value::as_array).into_iter().flatten();
    let sent = all.map(|relay| number(relay, "sent")).sum();
    Seen { at: Instant::now(), accepted: number(counts, "accepted"), sent }
}

/// A daemon that started anew counts from zero.
#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rates(before: Seen, now: Seen) -> (f64, f64) {
    let seconds = now.at.duration_since(before.at).as_secs_f64().max(0.001);
    let rate = |before: u64, now: u64| now.saturating_sub(before) as f64 / seconds;
    (rate(before.accepted, now.accepted), rate(before.sent, now.sent))
}
