//! The format of `scripts/*.smtp`.
//!
//! `#` what it is about, first the scenario's name · `@ real` the servers that play it too, in the
//! daemon's end-to-end tests · `@` a setting (before the first line) · `S:` the server says · `C:` the client must
//! have said · `>` the driver does · `!` what the client must have asked of the driver · `=` the next recipient's
//! result · `C?` how what it must have said begins · `~` words of the last trouble. `---` ends a scenario.

use std::path::Path;

/// One line of a scenario, or several of the server's that come at once.
#[derive(Debug)]
pub(crate) enum Line<'a> {
    Real(&'a str),
    Setting(&'a str),
    Says(Vec<&'a str>),
    Said(&'a str),
    Begins(&'a str),
    Act(&'a str),
    Asked(&'a str),
    Result(&'a str),
    Trouble(&'a str),
}

/// One dialogue, with the file it is in.
#[derive(Debug)]
pub(crate) struct Scenario {
    pub(crate) file: String,
    pub(crate) text: String,
}

impl Scenario {
    pub(crate) fn heading(&self) -> &str {
        self.text.lines().find_map(|line| line.strip_prefix("# ")).unwrap_or("without a name")
    }

    /// Those that play it too.
    pub(crate) fn servers(&self) -> Vec<&str> {
        let named = |(_, line)| match line {
            Line::Real(servers) => Some(servers),
            _ => None,
        };
        self.lines().into_iter().find_map(named).map_or(vec![], |servers| servers.split(' ').collect())
    }

    /// Each with its number within the scenario.
    pub(crate) fn lines(&self) -> Vec<(usize, Line<'_>)> {
        let mut all: Vec<(usize, Line<'_>)> = Vec::new();
        for (n, line) in self.text.lines().enumerate() {
            let Some((mark, rest)) = line.split_at_checked(2) else {
                assert!(line.is_empty(), "{}: {line:?}", self.file);
                continue;
            };
            let rest = rest.trim();
            let line = match (mark, all.last_mut()) {
                ("# ", _) => continue,
                ("S:", Some((_, Line::Says(replies)))) => {
                    replies.push(rest);
                    continue;
                }
                ("S:", _) => Line::Says(vec![rest]),
                ("C:", _) => Line::Said(rest),
                ("C?", _) => Line::Begins(rest),
                ("@ ", _) => match rest.strip_prefix("real ") {
                    Some(servers) => Line::Real(servers),
                    None => Line::Setting(rest),
                },
                ("> ", _) => Line::Act(rest),
                ("! ", _) => Line::Asked(rest),
                ("= ", _) => Line::Result(rest),
                ("~ ", _) => Line::Trouble(rest),
                _ => panic!("{}: {line:?} in {}", self.file, self.heading()),
            };
            all.push((n + 1, line));
        }
        all
    }
}

/// All there are, in the order of the files' names.
pub(crate) fn scenarios() -> Vec<Scenario> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../smtp/tests/it/scripts");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let mut all = Vec::new();
    for path in files {
        let file = path.file_name().unwrap().to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        all.extend(text.split("\n---\n").map(|text| Scenario { file: file.clone(), text: text.to_owned() }));
    }
    all
}
