//! `send --to-file`: one mail to each of many, through the daemon.

use super::client::Client;
use super::{note, print};
use crate::exit::Failure;
use envelope::Mailbox;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::{IsTerminal, Write};
use std::path::Path;

/// Mistakes of a file that are told.
const TOLD: usize = 10;
/// Signs of the progress bar.
const BAR: usize = 40;

/// The people of a file: one address a line, empty lines and those behind `#` left out, each mailbox once.
///
/// # Errors
/// Lines that are no address, or nobody at all.
pub(crate) fn people(file: &Path, octets: &[u8]) -> Result<Vec<String>, Failure> {
    let bad = |problem: String| Failure::BadMessage(format!("--to-file {}: {problem}", file.display()));
    let text = std::str::from_utf8(octets).map_err(|_| bad("is not UTF-8; convert it".into()))?;
    let (mut people, mut seen, mut wrong) = (Vec::new(), HashSet::new(), Vec::new());
    for (number, line) in (1..).zip(text.trim_start_matches('\u{feff}').lines()) {
        let number: usize = number;
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        match Mailbox::parse(line) {
            Ok(mailbox) => {
                if seen.insert(mailbox.address.as_str().to_owned()) {
                    people.push(line.to_owned());
                }
            }
            Err(error) => wrong.push(format!("line {number}: {error}")),
        }
    }
    if !wrong.is_empty() {
        let more = wrong.len().saturating_sub(TOLD);
        wrong.truncate(TOLD);
        let rest = if more > 0 { format!("\nand {more} more") } else { String::new() };
        return Err(bad(format!("nothing was sent\n{}{rest}", wrong.join("\n"))));
    }
    if people.is_empty() { Err(bad("names nobody; write one address a line".into())) } else { Ok(people) }
}

/// Sends after a yes. Each mail counts once under a key of its own, so that the same command goes on where it
/// stopped: for 24 hours.
pub(crate) async fn send(
    client: &Client,
    message: &Value,
    people: &[String],
    yes: bool,
    json: bool,
) -> Result<(), Failure> {
    if !yes {
        confirm(message, people.len())?;
    }
    let show = std::io::stderr().is_terminal();
    for (done, to) in people.iter().enumerate() {
        progress(show, done, people.len());
        let mut mail = message.clone();
        if let Some(fields) = mail.as_object_mut() {
            fields.insert("to".into(), json!([to]));
        }
        let sent = client.call_once("/emails", &key(message, to), &mail).await;
        let answer = sent.and_then(|answer| answer.success()).inspect_err(|_| {
            progress(show, done, people.len());
            note(&format!(
                "{done} of {} mails are accepted; the same command goes on, for 24 hours, and sends none twice",
                people.len()
            ));
        })?;
        if json {
            print(&json!({"id": answer.get("id"), "to": to}).to_string())?;
        }
    }
    progress(show, people.len(), people.len());
    match json {
        true => Ok(()),
        false => print(&format!("{} mails are accepted", people.len())),
    }
}

fn confirm(message: &Value, count: usize) -> Result<(), Failure> {
    if !std::io::stdin().is_terminal() {
        return Err(Failure::Usage(format!(
            "--to-file sends {count} mails and nobody can be asked; add --yes"
        )));
    }
    let what = message.get("subject").and_then(Value::as_str).unwrap_or_default();
    let mut screen = std::io::stderr();
    write!(screen, "Send {count} mails, \"{}\"? [y/N] ", what.escape_debug())?;
    screen.flush()?;
    let mut answer = String::new();
    std::io::stdin().read_line(&mut answer)?;
    match matches!(answer.trim().to_ascii_lowercase().as_str(), "y" | "yes") {
        true => Ok(()),
        false => Err(Failure::Usage("nothing was sent".into())),
    }
}

/// The key of one mail; the daemon looks at the content, too.
fn key(message: &Value, to: &str) -> String {
    let (mut of_message, mut of_both) = (DefaultHasher::new(), DefaultHasher::new());
    let text = message.to_string();
    text.hash(&mut of_message);
    (text, to).hash(&mut of_both);
    format!("to-file:{:016x}{:016x}", of_message.finish(), of_both.finish())
}

/// A bar that is drawn over itself.
fn progress(show: bool, done: usize, all: usize) {
    if !show {
        return;
    }
    let full = done * BAR / all.max(1);
    let end = if done == all { "\n" } else { "" };
    let mut screen = std::io::stderr();
    // Who cannot see it misses nothing.
    drop(write!(screen, "\r[{}{}] {done}/{all}{end}", "#".repeat(full), " ".repeat(BAR - full)));
    drop(screen.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_names_people() {
        let read = |text: &str| people(Path::new("f"), text.as_bytes()).map_err(|error| error.to_string());
        let all = read("\u{feff}a@x.example\r\n\n# no\n  B <b@x.example>\na@X.example\n").unwrap();
        assert_eq!(all, ["a@x.example", "B <b@x.example>"]);
        let error = read("a@x.example\nnobody\n").unwrap_err();
        assert!(error.contains("line 2") && error.contains("nothing was sent"), "{error}");
        assert!(read("# nobody\n").unwrap_err().contains("names nobody"));
        assert!(read(&"x\n".repeat(30)).unwrap_err().contains("and 20 more"));
    }
}
