//! Reading keys out of the tree: each gets its default and is shown. Only keys of the table can be read.

use super::findings::Findings;
use super::keys::{self, State};
use super::tree::{Origin, Tree};
use super::values;
use std::path::PathBuf;

/// A value that was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) text: String,
    pub(crate) origin: Origin,
}

/// A line of `config show`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) section: String,
    pub(crate) key: String,
    /// Secrets are stars.
    pub(crate) value: String,
    /// `None`: the default.
    pub(crate) origin: Option<Origin>,
}

/// Stands for every secret that is shown.
pub(crate) const STARS: &str = "********";

pub(crate) struct Reader<'a> {
    pub(crate) tree: &'a Tree,
    pub(crate) findings: Findings,
    pub(crate) shown: Vec<Shown>,
    /// Where relative paths start.
    folder: PathBuf,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(tree: &'a Tree, folder: PathBuf, findings: Findings) -> Self {
        Self { tree, findings, shown: Vec::new(), folder }
    }

    /// What is written for a key, variables replaced; nothing is shown. Empty counts as not written.
    pub(crate) fn look(&mut self, section: &str, key: &str) -> Option<Written> {
        debug_assert!(
            section == "mailer.override_header" || keys::find(section, key).is_some(),
            "[{section}] {key} is read but stands in no table; give it a row in config/keys"
        );
        let entry = self.tree.find(section, key)?;
        let origin = entry.origin.clone();
        match self.tree.expand(section, entry) {
            Ok(text) if text.is_empty() => None,
            Ok(text) => Some(Written { text, origin }),
            Err(_) => {
                let problem = "grows without end when its %(…)s are replaced; remove the loop";
                self.findings.mistake(Some(origin), section, key, problem);
                None
            }
        }
    }

    /// A key whose text is its value.
    pub(crate) fn text(&mut self, section: &str, key: &str) -> Option<Written> {
        let written = self.look(section, key);
        if let Some(w) = &written {
            self.show(section, key, &w.text, Some(w.origin.clone()));
        }
        written
    }

    /// A key that is never shown.
    pub(crate) fn secret(&mut self, section: &str, key: &str) -> Option<Written> {
        let written = self.look(section, key);
        if let Some(w) = &written {
            self.show(section, key, STARS, Some(w.origin.clone()));
        }
        written
    }

    /// A path; relative ones start at the file's folder.
    pub(crate) fn path(&mut self, section: &str, key: &str) -> Option<(PathBuf, Origin)> {
        self.text(section, key).map(|w| (self.folder.join(w.text), w.origin))
    }

    /// A path, relative or not, as an absolute one.
    pub(crate) fn absolute(&self, path: &str) -> PathBuf {
        self.folder.join(path)
    }

    /// A key with a default; what cannot be read is a mistake.
    pub(crate) fn parsed<T>(
        &mut self,
        section: &str,
        key: &str,
        default: T,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        let Some(written) = self.text(section, key) else {
            self.show_usual(section, key);
            return default;
        };
        match parse(&written.text) {
            Ok(value) => value,
            Err(problem) => {
                self.findings.mistake(Some(written.origin), section, key, problem);
                default
            }
        }
    }

    /// Shows the default that the table names.
    pub(crate) fn show_usual(&mut self, section: &str, key: &str) {
        match keys::find(section, key).map_or("", |known| known.usual.shown()) {
            "" => {}
            usual => self.show(section, key, usual, None),
        }
    }

    /// A switch of Gitea's: an odd word leaves the default, as there, but is told.
    pub(crate) fn switch(&mut self, section: &str, key: &str, default: bool) -> bool {
        let word = if default { "true" } else { "false" };
        let Some(written) = self.text(section, key) else {
            self.show_usual(section, key);
            return default;
        };
        values::switch(&written.text).unwrap_or_else(|| {
            let problem =
                format!("{:?} is neither yes nor no and counts as {word}; write true or false", written.text);
            self.findings.warn(Some(written.origin), section, key, problem);
            default
        })
    }

    pub(crate) fn show(&mut self, section: &str, key: &str, value: &str, origin: Option<Origin>) {
        let line = Shown { section: section.into(), key: key.into(), value: value.into(), origin };
        self.shown.push(line);
    }

    /// Whether a mistake was told of a key.
    pub(crate) fn is_mistaken(&self, section: &str, key: &str) -> bool {
        self.findings.mistakes.iter().any(|m| m.section == section && m.key == key)
    }

    /// Tells of every key of a section that this version does not read.
    pub(crate) fn unknown(&mut self, section: &str) {
        let (tree, ours) = (self.tree, keys::is_ours(section));
        for (key, entry) in tree.own(section) {
            let origin = Some(entry.origin.clone());
            let problem = match keys::find(section, key).map(|known| known.state) {
                Some(State::Read | State::Silent | State::Old(_)) => continue,
                Some(State::NotYet(_)) if self.is_mistaken(section, key) => continue,
                Some(State::NotYet(remedy)) => format!("is not in this version; {remedy}"),
                Some(State::Gone(remedy)) => format!("was removed from Gitea and does nothing; {remedy}"),
                None => {
                    let near = keys::nearest_key(section, key);
                    let remedy =
                        near.map_or_else(|| "remove it".to_owned(), |n| format!("did you mean {n}?"));
                    match ours {
                        true => format!("no such key; {remedy}"),
                        false => format!("not a key we know, ignored; {remedy}"),
                    }
                }
            };
            match ours {
                true => self.findings.mistake(origin, section, key, problem),
                false => self.findings.warn(origin, section, key, problem),
            }
        }
    }
}
