//! Sections and keys from all sources, each value with where it came from; later sources win.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

/// Where a value was written.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    File {
        path: PathBuf,
        line: usize,
    },
    /// The variable's name.
    Environment(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::Environment(name) => write!(f, "${name}"),
        }
    }
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) text: String,
    pub(crate) origin: Origin,
    /// Whether `%(KEY)s` in it stands for another key.
    pub(crate) interpolate: bool,
}

/// The sections, by name; the root section's name is empty.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tree {
    sections: BTreeMap<String, BTreeMap<String, Entry>>,
}

/// `%(KEY)s` is replaced at most so often in one value.
const DEPTH: usize = 99;
/// Octets a value may grow to by `%(KEY)s`; a chain of doublings would fill the memory.
const MAX_EXPANDED: usize = 64 << 10;

/// A value that grew over `MAX_EXPANDED`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TooLong;

impl Tree {
    /// Sets a key; an earlier value is replaced.
    pub(crate) fn set(&mut self, section: &str, key: &str, entry: Entry) {
        self.sections.entry(section.to_owned()).or_default().insert(key.to_owned(), entry);
    }

    /// Takes a key out of its section.
    pub(crate) fn remove(&mut self, section: &str, key: &str) -> Option<Entry> {
        self.sections.get_mut(section)?.remove(key)
    }

    pub(crate) fn has_section(&self, section: &str) -> bool {
        self.sections.contains_key(section)
    }

    pub(crate) fn section_names(&self) -> impl Iterator<Item = &str> {
        self.sections.keys().map(String::as_str)
    }

    /// Whether a key is written in this very section, be it empty.
    pub(crate) fn has_own(&self, section: &str, key: &str) -> bool {
        self.sections.get(section).is_some_and(|keys| keys.contains_key(key))
    }

    /// The keys written in this very section.
    pub(crate) fn own(&self, section: &str) -> impl Iterator<Item = (&str, &Entry)> {
        self.sections.get(section).into_iter().flatten().map(|(k, e)| (k.as_str(), e))
    }

    /// The key in the section, else in the sections it inherits from: `[a.b]` from `[a]`.
    pub(crate) fn find(&self, section: &str, key: &str) -> Option<&Entry> {
        let mut name = section;
        loop {
            if let Some(entry) = self.sections.get(name).and_then(|keys| keys.get(key)) {
                return Some(entry);
            }
            name = name.rsplit_once('.')?.0;
        }
    }

    /// Where the first key of a section stands in the file.
    pub(crate) fn begin_of(&self, section: &str) -> Option<&Origin> {
        let keys = self.sections.get(section).filter(|_| !section.is_empty())?;
        keys.values().map(|entry| &entry.origin).filter(|origin| matches!(origin, Origin::File { .. })).min()
    }

    /// The section that `find` finds a key in, if it has this origin.
    pub(crate) fn stands_in(&self, section: &str, key: &str, origin: &Origin) -> Option<&str> {
        let mut name = section;
        loop {
            if let Some((name, keys)) = self.sections.get_key_value(name)
                && keys.get(key).is_some_and(|entry| entry.origin == *origin)
            {
                return Some(name);
            }
            name = name.rsplit_once('.')?.0;
        }
    }

    /// The entry's text with every `%(KEY)s` replaced from its section, its parents, then the root.
    /// The first unknown key ends the replacing and stays as it is.
    pub(crate) fn expand(&self, section: &str, entry: &Entry) -> Result<String, TooLong> {
        let mut text = entry.text.clone();
        if !entry.interpolate {
            return Ok(text);
        }
        for _ in 0..DEPTH {
            let Some(name) = first_variable(&text) else { break };
            let near = self.find(section, name).filter(|found| !std::ptr::eq(*found, entry));
            let Some(found) = near.or_else(|| self.find("", name)) else { break };
            let variable = format!("%({name})s");
            let times = text.matches(&variable).count();
            if text.len() + times * found.text.len() > MAX_EXPANDED {
                return Err(TooLong);
            }
            text = text.replace(&variable, &found.text);
        }
        Ok(text)
    }
}

/// The name in the first `%(name)s`.
fn first_variable(text: &str) -> Option<&str> {
    text.split("%(").skip(1).find_map(|rest| {
        let (name, after) = rest.split_once(')')?;
        (after.starts_with('s') && !name.is_empty()).then_some(name)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(lines: &[(&str, &str, &str)]) -> Tree {
        let mut tree = Tree::default();
        for (n, (section, key, text)) in lines.iter().enumerate() {
            let origin = Origin::File { path: "app.ini".into(), line: n + 1 };
            tree.set(section, key, Entry { text: (*text).into(), origin, interpolate: true });
        }
        tree
    }

    fn check(lines: &[(&str, &str, &str)], section: &str, key: &str, expected: Option<&str>) {
        let tree = tree(lines);
        let got = tree.find(section, key).map(|e| tree.expand(section, e).expect("short"));
        assert_eq!(got.as_deref(), expected, "[{section}] {key} of {lines:?}");
    }

    #[test]
    fn a_section_inherits_what_it_lacks() {
        let lines = [("a", "K", "1"), ("a", "L", "2"), ("a.b", "K", "3"), ("", "R", "4")];
        check(&lines, "a.b", "K", Some("3"));
        check(&lines, "a.b", "L", Some("2"));
        check(&lines, "a.b.c", "L", Some("2"));
        check(&lines, "a.b", "k", None);
        check(&lines, "a", "R", None);
        assert_eq!(tree(&lines).own("a.b").map(|(k, _)| k).collect::<Vec<_>>(), ["K"]);
    }

    #[test]
    fn later_values_win() {
        check(&[("a", "K", "1"), ("a", "K", "2")], "a", "K", Some("2"));
    }

    #[test]
    fn variables_come_from_the_section_its_parents_then_the_root() {
        let lines = [
            ("", "R", "root"),
            ("", "K", "top"),
            ("a", "P", "parent"),
            ("a.b", "K", "k"),
            ("a.b", "X", "%(Y)s!"),
        ];
        let with = |text: &'static str| [&lines[..], &[("a.b", "V", text)]].concat();
        for (text, expected) in [
            ("%(K)s", "k"),
            ("%(P)s-%(R)s", "parent-root"),
            ("<%(K)s %(K)s>", "<k k>"),
            ("%(NONE)s %(K)s", "%(NONE)s %(K)s"),
            ("100%% $K %(K", "100%% $K %(K"),
            ("%(K)d %(K)s", "%(K)d k"),
            ("%()s", "%()s"),
        ] {
            check(&with(text), "a.b", "V", Some(expected));
        }
        check(&[("", "K", "x"), ("a", "K", "y%(K)s")], "a", "K", Some("yx"));
        check(&[("a", "A", "%(B)s"), ("a", "B", "%(C)s"), ("a", "C", "deep")], "a", "A", Some("deep"));
    }

    #[test]
    fn endless_and_exploding_variables_end() {
        check(&[("a", "A", "%(B)s"), ("a", "B", "%(A)s")], "a", "A", Some("%(A)s"));
        let names: Vec<_> =
            (0..64).map(|n| (format!("K{n}"), format!("%(K{})s%(K{})s", n + 1, n + 1))).collect();
        let mut lines: Vec<_> = names.iter().map(|(k, v)| ("a", k.as_str(), v.as_str())).collect();
        lines.push(("a", "K64", "x"));
        let tree = tree(&lines);
        let entry = tree.find("a", "K0").expect("there");
        assert_eq!(tree.expand("a", entry), Err(TooLong));
    }
}
