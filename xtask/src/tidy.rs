//! Rules on the sources that no compiler checks.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::run::{read, root};

#[cfg(test)]
mod tests;

/// A file longer than this has two jobs.
const MOST_LINES: usize = 600;

/// Words that mark unfinished work. Split so that this file does not find itself.
const UNFINISHED: [&str; 3] = [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Paths that exist on one machine only.
const MACHINE: [&str; 2] = [concat!("/ro", "ot/"), concat!("/wo", "rk/")];

/// Ways to wait for time instead of for the event.
const SLEEPS: [&str; 2] = [concat!("thread::", "sleep"), concat!("time::", "sleep")];

const IGNORED_TEST: &str = concat!("#[ign", "ore");

/// What is read as text: anything else under version control is a fixture.
const TEXTS: [&str; 7] = [".rs", ".md", ".toml", ".yml", ".sh", ".html", ".css"];

pub(crate) fn run() -> Result<()> {
    let root = root();
    let paths = listed(&root)?;
    let mut found = forgotten(&paths, |path| std::fs::read_to_string(root.join(path)).unwrap_or_default());
    for path in paths.iter().filter(|path| TEXTS.iter().any(|end| path.ends_with(end))) {
        // a file deleted but not yet committed is still listed
        if let Ok(text) = std::fs::read_to_string(root.join(path)) {
            found.extend(complaints(path, &text));
        }
    }
    if found.is_empty() {
        return Ok(());
    }
    bail!("tidy:\n  {}", found.join("\n  "));
}

/// Files under version control and new ones not ignored.
fn listed(root: &Path) -> Result<Vec<String>> {
    let mut git = std::process::Command::new("git");
    git.current_dir(root).args([
        "-c",
        "safe.directory=*",
        "ls-files",
        "--cached",
        "--others",
        "--exclude-standard",
        "--deduplicate",
    ]);
    Ok(read(&mut git).context("cannot list the files")?.lines().map(str::to_owned).collect())
}

/// What is wrong with one file.
fn complaints(path: &str, text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let rust = path.ends_with(".rs");
    let lines = text.lines().count();
    if rust && lines > MOST_LINES {
        found.push(format!("{path}: {lines} lines, at most {MOST_LINES}"));
    }
    if rust && !text.starts_with("//!") && !path.contains("/fixtures/") {
        found.push(format!("{path}:1: no `//!` line that names the file's job"));
    }
    let mut before = "";
    for (number, line) in text.lines().enumerate() {
        let mut complain = |what: String| found.push(format!("{path}:{}: {what}", number + 1));
        if line.ends_with([' ', '\t']) {
            complain("white space at the end".to_owned());
        }
        for word in UNFINISHED.iter().filter(|word| has_word(line, word)) {
            complain(format!("{word}: finish it or open an issue"));
        }
        for place in MACHINE.iter().filter(|place| line.contains(*place)) {
            complain(format!("{place} is a path of one machine"));
        }
        if rust {
            code_line(path, before, line, &mut complain);
        }
        before = line;
    }
    found
}

fn code_line(path: &str, before: &str, line: &str, complain: &mut impl FnMut(String)) {
    let code = line.trim_start();
    // a statement of its own drops its value; an `assert!` was meant
    let statement = before.is_empty() || before.ends_with([';', '{', '}']) || before.starts_with("//");
    if code.starts_with("matches!(") && code.ends_with(';') && statement {
        complain("bare matches! checks nothing".to_owned());
    }
    if code.starts_with(IGNORED_TEST) {
        complain("an ignored test is no test".to_owned());
    }
    if is_test(path) && SLEEPS.iter().any(|sleep| code.contains(sleep)) {
        complain("a test waits for the event or drives a clock, it does not sleep".to_owned());
    }
}

fn is_test(path: &str) -> bool {
    path.contains("/tests/") || path.ends_with("/tests.rs")
}

/// Whether `word` stands in the line with no letter, digit or underscore around it.
fn has_word(line: &str, word: &str) -> bool {
    let joins = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let (before, rest) = line.split_at_checked(at).unwrap_or(("", ""));
        let after = rest.strip_prefix(word).unwrap_or("");
        !before.ends_with(joins) && !after.starts_with(joins)
    })
}

/// Files of an integration test (`crates/x/tests/it/y.rs`) that no `mod` of their `main.rs` names.
fn forgotten(paths: &[String], read: impl Fn(&str) -> String) -> Vec<String> {
    let mut found = Vec::new();
    for main in paths.iter().filter(|path| path.contains("/tests/") && path.ends_with("/main.rs")) {
        let folder = main.strip_suffix("main.rs").unwrap_or(main);
        let text = read(main);
        for path in paths {
            let Some(file) = path.strip_prefix(folder).and_then(|rest| rest.strip_suffix(".rs")) else {
                continue;
            };
            let module = file.strip_suffix("/mod").unwrap_or(file);
            if module == "main" || module.contains('/') {
                continue;
            }
            let named = |line: &str| {
                let line = line.trim().trim_start_matches("pub(crate) ");
                line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) == Some(module)
            };
            if !text.lines().any(named) {
                found.push(format!("{path}: no `mod {module};` in {main}"));
            }
        }
    }
    found
}
