//! A run as an operator reads it: the command line, what it printed, how it ended.

use super::exit::named;
use super::kept::Kept;
use super::run::{Ending, Run};
use std::path::Path;

/// Octets of one line.
const LINE: usize = 512;
/// Octets of each printed stream that are shown, after escaping.
const STREAM: usize = 7 * 1024;
/// The same after a success, and the command line.
const BRIEF: usize = 100;

/// `->` what we gave, `<-` what came back, `**` what happened: at most 16 KiB, 300 octets on success.
pub(super) fn of(program: &Path, arguments: &[&str], run: &Run) -> String {
    let taken = matches!(&run.ending, Ending::Ended(status) if status.success());
    let (line, stream) = if taken { (BRIEF, BRIEF / 2) } else { (LINE, STREAM) };
    let mut command = program.display().to_string();
    for word in arguments {
        let shown = if word.is_empty() { "\"\"" } else { word };
        command.push(' ');
        command.push_str(shown);
        if command.len() > line {
            break;
        }
    }
    let mut text = format!("-> {}\n", smtp::escape(&command, line));
    printed(&mut text, "stdout", &run.out, stream);
    printed(&mut text, "stderr", &run.err, stream);
    let end = match &run.ending {
        Ending::NotStarted(error) => format!("cannot be started: {error}"),
        Ending::TimedOut(limit) => format!("killed after {limit:?}"),
        Ending::Lost(error) => format!("its end is not known: {error}"),
        Ending::Ended(status) => named(*status),
    };
    text.push_str("** ");
    text.push_str(&end);
    text.push('\n');
    if !run.fed && !matches!(run.ending, Ending::NotStarted(_)) {
        text.push_str("** not the whole mail was read\n");
    }
    text
}

/// The last lines of a stream that fit.
fn printed(text: &mut String, name: &str, kept: &Kept, limit: usize) {
    let said = kept.text();
    let mut lines: Vec<String> = Vec::new();
    let mut size = 0;
    for line in said.lines().rev() {
        let line = format!("<- {name}: {}\n", smtp::escape(line, LINE.min(limit)));
        size += line.len();
        if size > limit && !lines.is_empty() {
            lines.push("** ...\n".into());
            break;
        }
        lines.push(line);
    }
    text.extend(lines.into_iter().rev());
}

/// One line of foreign text made safe to show, and cut.
pub(super) fn escape(text: &str) -> String {
    smtp::escape(text, LINE)
}
