//! A Gitea file as the `postrider.toml` that means the same: `config import`.

use super::findings::Findings;
use super::keys::{self, Key, Kind, State, sample};
use super::tree::Tree;
use super::{Dialect, Outcome, Surroundings, Unreadable, contents, deprecated, gitea, written};
use std::fmt::Write;
use std::path::Path;

const OVERRIDES: &str = "mailer.override_header";

/// What `config import` gives.
#[derive(Debug)]
pub(crate) struct Imported {
    /// The new file; secrets are in it as they were.
    pub(crate) text: String,
    /// What is wrong with the old one, and what of it did not come along.
    pub(crate) findings: Findings,
}

/// Reads the file alone, without the environment.
pub(crate) fn import(path: &Path, around: &Surroundings) -> Result<Imported, Unreadable> {
    let (bytes, folder) = contents(path)?;
    Ok(import_text(&bytes, path, &folder, around))
}

pub(super) fn import_text(bytes: &[u8], path: &Path, folder: &Path, around: &Surroundings) -> Imported {
    let around = Surroundings { variables: Vec::new(), run_commands: false, ..around.clone() };
    let Outcome { findings, .. } = gitea(bytes, path, folder.to_owned(), &around);
    // What is wrong was told just now.
    let mut told = Findings::default();
    let mut tree = written(bytes, path, Dialect::Gitea, &mut told);
    deprecated::adopt(&mut tree, &mut told);
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut text = format!("# Made from {} by \"postrider config import\".\n", name.escape_debug());
    for section in keys::sections() {
        table(&mut text, &tree, section.name, folder);
        let named =
            |name: &&str| keys::section(name).is_some_and(|of| of.name == section.name && *name != of.name);
        for name in tree.section_names().filter(named) {
            table(&mut text, &tree, name, folder);
        }
    }
    Imported { text, findings }
}

/// The keys of a section that are read, in the table's order; header fields in the file's.
fn table(text: &mut String, tree: &Tree, section: &str, folder: &Path) {
    let mut lines = String::new();
    if section == OVERRIDES {
        for (name, _) in tree.own(section) {
            line(&mut lines, name, Kind::List, &value(tree, section, name));
        }
    }
    for key in keys::section(section).into_iter().flat_map(|section| section.keys) {
        let is_kept = matches!(key.state, State::Read | State::NotYet(_));
        if is_kept && tree.has_own(section, key.name) {
            let value = whole_path(key, value(tree, section, key.name), folder);
            line(&mut lines, key.name, key.kind, &value);
        }
    }
    if lines.is_empty() {
        return;
    }
    text.push('\n');
    if !section.is_empty() {
        let name: Vec<String> = section.split('.').map(quoted).collect();
        // Writing to a String never fails.
        let _ok = writeln!(text, "[{}]", name.join("."));
    }
    text.push_str(&lines);
}

fn line(text: &mut String, name: &str, kind: Kind, value: &str) {
    let _ok = writeln!(text, "{} = {}", quoted(name), sample::toml_value(kind, value));
}

/// A name as TOML takes one: bare where it can be.
fn quoted(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    match !name.is_empty() && name.chars().all(bare) {
        true => name.to_owned(),
        false => toml::Value::String(name.to_owned()).to_string(),
    }
}

/// TOML knows no `%(KEY)s`, so they are replaced now. A value that grows too long was told.
fn value(tree: &Tree, section: &str, key: &str) -> String {
    tree.find(section, key).and_then(|entry| tree.expand(section, entry).ok()).unwrap_or_default()
}

/// Relative paths start at the file's folder, and the new file may come to lie elsewhere.
fn whole_path(key: &Key, value: String, folder: &Path) -> String {
    let join = |path: &str| folder.join(path).to_string_lossy().into_owned();
    match (key.kind, key.name) {
        _ if value.is_empty() => value,
        (_, "SENDMAIL_PATH" | "SMTP_ADDR") if !value.contains(['/', '\\']) => value,
        (Kind::Path, _) | (_, "SMTP_ADDR") => join(&value),
        (Kind::Place, _) => match value.strip_prefix("unix:") {
            Some(path) => format!("unix:{}", join(path)),
            None => value,
        },
        _ => value,
    }
}
