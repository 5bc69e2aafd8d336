//! Reading keys out of the tree: each key that is read becomes known, gets its default and is shown.

use super::findings::Findings;
use super::tree::{Origin, Tree};
use super::values;
use std::collections::BTreeSet;
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
    known: BTreeSet<(String, String)>,
    /// Where relative paths start.
    folder: PathBuf,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(tree: &'a Tree, folder: PathBuf, findings: Findings) -> Self {
        Self { tree, findings, shown: Vec::new(), known: BTreeSet::new(), folder }
    }

    /// What is written for a key, variables replaced; nothing is shown. Empty counts as not written.
    pub(crate) fn look(&mut self, section: &str, key: &str) -> Option<Written> {
        self.known.insert((section.to_owned(), key.to_owned()));
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
        (default, shown): (T, &str),
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> T {
        let Some(written) = self.text(section, key) else {
            self.show(section, key, shown, None);
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

    /// A switch of Gitea's: an odd word leaves the default, as there, but is told.
    pub(crate) fn switch(&mut self, section: &str, key: &str, default: bool) -> bool {
        let word = if default { "true" } else { "false" };
        let Some(written) = self.text(section, key) else {
            self.show(section, key, word, None);
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

    /// Notes a key as known without reading it.
    pub(crate) fn know(&mut self, section: &str, keys: &[&str]) {
        self.known.extend(keys.iter().map(|key| (section.to_owned(), (*key).to_owned())));
    }

    /// Tells of every key of a section that nothing read.
    pub(crate) fn unknown(&mut self, section: &str, refuse: bool) {
        let tree = self.tree;
        for (key, entry) in tree.own(section) {
            if self.known.contains(&(section.to_owned(), key.to_owned())) {
                continue;
            }
            let near = self.nearest(section, key);
            let remedy = near.map_or_else(|| "remove it".to_owned(), |n| format!("did you mean {n}?"));
            let origin = Some(entry.origin.clone());
            match refuse {
                true => self.findings.mistake(origin, section, key, format!("no such key; {remedy}")),
                false => {
                    self.findings.warn(origin, section, key, format!("not a key we know, ignored; {remedy}"))
                }
            }
        }
    }

    fn nearest(&self, section: &str, key: &str) -> Option<&str> {
        let keys = self.known.iter().filter(|(s, _)| s == section).map(|(_, k)| k.as_str());
        keys.map(|known| (distance(&known.to_uppercase(), &key.to_uppercase()), known))
            .filter(|(distance, known)| *distance <= known.len() / 3)
            .min()
            .map(|(_, known)| known)
    }
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut before = i;
        let mut left = i + 1;
        let mut next = vec![left];
        for (y, above) in b.chars().zip(row.iter().skip(1)) {
            left = (before + usize::from(x != y)).min(left + 1).min(above + 1);
            before = *above;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("A", "", 1),
            ("", "AB", 2),
            ("LISTEN", "LISTEN", 0),
            ("LISTN", "LISTEN", 1),
            ("AB", "BA", 2),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }
}
