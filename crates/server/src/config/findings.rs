//! What is wrong with the settings: all of it at once, each with its place.

use super::tree::{Origin, Tree};
use std::collections::BTreeSet;
use std::fmt;

/// One thing wrong, or doubtful.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// Where it was written, or where its section begins; `None`: there is no such place.
    pub(crate) origin: Option<Origin>,
    pub(crate) section: String,
    /// Empty when the section as a whole is meant.
    pub(crate) key: String,
    /// What is wrong and what to do.
    pub(crate) problem: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            write!(f, "{origin}: ")?;
        }
        match (self.section.as_str(), self.key.as_str()) {
            ("", "") => {}
            ("", key) => write!(f, "{key}: ")?,
            (section, "") => write!(f, "[{section}]: ")?,
            (section, key) => write!(f, "[{section}] {key}: ")?,
        }
        f.write_str(&self.problem)
    }
}

/// Mistakes stop the start, warnings do not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    pub(crate) mistakes: Vec<Finding>,
    pub(crate) warnings: Vec<Finding>,
}

impl Findings {
    pub(crate) fn mistake(
        &mut self,
        origin: Option<Origin>,
        section: &str,
        key: &str,
        problem: impl Into<String>,
    ) {
        self.mistakes.push(finding(origin, section, key, problem.into()));
    }

    /// Names the section where each key stands, not one that inherits it, or where the section of a missing
    /// key begins, and tells each once, in the order of the file; what has no place comes last.
    pub(crate) fn sort(&mut self, tree: &Tree) {
        for list in [&mut self.mistakes, &mut self.warnings] {
            for found in list.iter_mut() {
                if found.origin.is_none() {
                    found.origin = tree.begin_of(&found.section).cloned();
                }
                let origin = found.origin.as_ref();
                if let Some(section) = origin.and_then(|o| tree.stands_in(&found.section, &found.key, o)) {
                    found.section = section.to_owned();
                }
            }
            list.sort_by_key(|f| (f.origin.is_none(), f.origin.clone()));
            let mut told = BTreeSet::new();
            list.retain(|f| told.insert(f.to_string()));
        }
    }

    pub(crate) fn warn(
        &mut self,
        origin: Option<Origin>,
        section: &str,
        key: &str,
        problem: impl Into<String>,
    ) {
        self.warnings.push(finding(origin, section, key, problem.into()));
    }
}

fn finding(origin: Option<Origin>, section: &str, key: &str, problem: String) -> Finding {
    Finding { origin, section: section.to_owned(), key: key.to_owned(), problem }
}

impl fmt::Display for Findings {
    /// The mistakes, one a line.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let lines: Vec<String> = self.mistakes.iter().map(ToString::to_string).collect();
        f.write_str(&lines.join("\n"))
    }
}
