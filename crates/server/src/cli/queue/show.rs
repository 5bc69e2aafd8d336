//! The queue for people's eyes. Foreign text is escaped.

use serde_json::Value;
use smtp::escape;

/// Octets of any text.
const MOST: usize = 2_000;
/// Octets of a subject in a list.
const SUBJECT: usize = 50;
/// Octets of a reply in a list.
const REPLY: usize = 100;

/// A mail in a list: one line, and a second with what was last said to it.
pub(crate) fn row(row: &Value) -> String {
    let to = row["recipients"].as_array().map(Vec::as_slice).unwrap_or_default();
    let first = to.first().map(text).unwrap_or_default();
    let more = if to.len() > 1 { format!(" +{}", to.len() - 1) } else { String::new() };
    let subject = escape(row["subject"].as_str().unwrap_or_default(), SUBJECT);
    let (id, status, at) = (text(&row["id"]), text(&row["status"]), text(&row["created_at"]));
    let mut line = format!("{id}  {status:<9}  {}  {first}{more}  {subject}", second(&at));
    let why = ["held_because", "waits_because", "last_reply"].into_iter().find_map(|key| row[key].as_str());
    if let Some(why) = why.map(|why| escape(why, REPLY)) {
        let tries = row["attempts"].as_u64().unwrap_or_default();
        let next = row["next_attempt_at"].as_str().filter(|_| status == "deferred");
        let next = next.map(|at| format!(", next {}", second(at))).unwrap_or_default();
        let word = if tries == 1 { "attempt" } else { "attempts" };
        line.push_str(&format!("\n    {why} ({tries} {word}{next})"));
    }
    line
}

/// Everything of one mail.
pub(crate) fn mail(mail: &Value) -> String {
    let mut out = Vec::new();
    let facts = [
        ("id", "id"),
        ("status", "status"),
        ("accepted", "created_at"),
        ("from", "from"),
        ("subject", "subject"),
        ("message-id", "message_id"),
        ("relay", "relay"),
        ("scheduled", "scheduled_at"),
        ("next try", "next_attempt_at"),
        ("expires", "expires_at"),
        ("held", "held_because"),
        ("waits for", "waits_because"),
        ("relay's id", "remote_id"),
    ];
    for (name, key) in facts {
        if mail[key].is_string() {
            out.push(format!("{name:<11} {}", text(&mail[key])));
        }
    }
    if mail["possible_duplicate"] == true {
        out.push(format!("{:<11} it may have been delivered twice", "note"));
    }
    out.extend(recipients(&mail["recipients"]).map(|line| format!("{:<11} {line}", "to")));
    for attempt in list(&mail["attempts"]) {
        let place = [&attempt["time"], &attempt["relay"], &attempt["peer"]].map(text).join(" ");
        out.push(format!("\nattempt     {place}"));
        for line in attempt["transcript"].as_str().unwrap_or_default().lines() {
            out.push(format!("    {}", escape(line, MOST)));
        }
    }
    out.join("\n")
}

/// What became of each recipient.
pub(crate) fn recipients(recipients: &Value) -> impl Iterator<Item = String> {
    list(recipients).iter().map(|recipient| {
        let (address, state) = (text(&recipient["address"]), text(&recipient["state"]));
        format!("{address}: {state}{}", said(recipient))
    })
}

/// What the relay or we said of a recipient, behind a colon.
fn said(recipient: &Value) -> String {
    let reply = &recipient["reply"];
    if let Some(code) = reply["code"].as_u64() {
        return format!(": {code} {}", text(&reply["text"]));
    }
    recipient["cause"].as_str().map(|cause| format!(": {}", escape(cause, MOST))).unwrap_or_default()
}

/// Counts and relays.
pub(crate) fn stats(counts: &Value, relays: &Value) -> String {
    let mut out = Vec::new();
    for (status, count) in counts["by_status"].as_object().into_iter().flatten() {
        if count.as_u64() != Some(0) {
            out.push(format!("{status:<10} {count}"));
        }
    }
    out.push(format!("{:<10} {}", "unsettled", counts["unsettled"]));
    if let Some(oldest) = counts["oldest_unsettled"].as_str() {
        out.push(format!("{:<10} {}", "oldest", second(oldest)));
    }
    if let Some(why) = counts["refusing"].as_str() {
        out.push(format!("{:<10} no mail is accepted: {}", "refusing", escape(why, MOST)));
    }
    if let Some(why) = counts["paused"].as_str() {
        out.push(format!("{:<10} no mail is delivered: {}", "paused", escape(why, MOST)));
    }
    for warning in list(&counts["warnings"]) {
        out.push(format!("{:<10} {}", "warning", text(warning)));
    }
    for node in list(&counts["nodes"]) {
        out.push(format!("{:<10} {}", "node", node_line(node)));
    }
    for relay in list(&relays["data"]) {
        out.push(format!("{:<10} {}", "relay", relay_line(relay)));
    }
    out.join("\n")
}

/// One of those who share the queue.
fn node_line(node: &Value) -> String {
    let about = text(&node["about"]);
    let this = if node["this"] == true { ", asked" } else { "" };
    format!("{about}  {} sending  heard {} s ago{this}", node["leased"], node["silent_seconds"])
}

/// A relay on one line, and one more for each program it runs.
pub(crate) fn relay_line(relay: &Value) -> String {
    let (name, url, state) = (text(&relay["name"]), text(&relay["url"]), text(&relay["state"]));
    let why = ["paused", "trouble"].into_iter().find_map(|key| relay[key].as_str());
    let why = why.map(|why| format!(": {}", escape(why, MOST))).unwrap_or_default();
    let mut line = format!("{name}  {url}  {} sent  {state}{why}", relay["sent"]);
    for run in list(&relay["running"]) {
        let word = if run["recipients"].as_u64() == Some(1) { "recipient" } else { "recipients" };
        let since = second(&text(&run["since"]));
        line.push_str(&format!("\n    pid {}, {} {word}, since {since}", run["pid"], run["recipients"]));
    }
    line
}

/// What an action did.
pub(crate) fn acted(answer: &Value) -> String {
    let done = match answer["action"].as_str().unwrap_or_default() {
        "retry" => "retried",
        "hold" => "held",
        "release" => "released",
        "cancel" => "cancelled",
        "purge" => "purged",
        other => other,
    };
    let count = &answer["changed"];
    let mails = if count.as_u64() == Some(1) { "mail" } else { "mails" };
    if answer["matched"].as_u64() == Some(0) {
        return "no mail matches".to_owned();
    }
    if answer["dry_run"] != true {
        return format!("{count} {mails} {done}");
    }
    let mut out = format!("{count} {mails} would be {done}");
    for row in list(&answer["data"]) {
        out.push_str(&format!("\n{}  {}", text(&row["id"]), text(&row["status"])));
    }
    if answer["has_more"] == true {
        out.push_str("\n…");
    }
    out
}

/// The mails on which an action was not taken, and why.
pub(crate) fn refused(answer: &Value) -> Vec<String> {
    let rows = list(&answer["data"]);
    let bad = rows.iter().filter(|row| row["problem"].is_string());
    bad.map(|row| format!("{}: {}", text(&row["id"]), text(&row["problem"]))).collect()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> String {
    value.as_str().map(|text| escape(text, MOST)).unwrap_or_default()
}

/// A time without its fractions of a second.
fn second(at: &str) -> String {
    match (at.split_once('.'), at.ends_with('Z')) {
        (Some((whole, _)), true) => format!("{whole}Z"),
        (_, _) => at.to_owned(),
    }
}
