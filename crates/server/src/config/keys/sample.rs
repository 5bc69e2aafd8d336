//! The table as text: a whole sample in either dialect, and the reference for people.

use super::{Key, Kind, Section, State, Usual, sections};
use crate::config::Dialect;
use std::fmt::Write;

/// What a sample must say to work, by section and key, in Gitea's dialect and in ours.
const NEEDED: [(Dialect, &str, &str, &str); 6] = [
    (Dialect::Gitea, "mailer", "ENABLED", "true"),
    (Dialect::Gitea, "mailer", "FROM", "\"Forge\" <forge@example.com>"),
    (Dialect::Gitea, "mailer", "PROTOCOL", "smtp+starttls"),
    (Dialect::Gitea, "mailer", "SMTP_ADDR", "mail.example.com"),
    (Dialect::Toml, "mailer", "FROM", "\"Forge\" <forge@example.com>"),
    (Dialect::Toml, "postrider.relay", "URL", "smtp+starttls://mail.example.com:587"),
];

const WIDTH: usize = 100;

/// Every key this version reads, each with its meaning and, commented out, its default.
pub(crate) fn sample(dialect: Dialect) -> String {
    let (mark, kind) = match dialect {
        Dialect::Gitea => (';', "an app.ini of Gitea's, as far as postrider reads it"),
        Dialect::Toml => ('#', "postrider.toml"),
    };
    let mut text = format!(
        "{mark} Every key of {kind}.\n{mark} A line that begins with \"{mark}\" and a key shows the default; \
         docs/settings.md says more.\n{mark} Written by \"postrider config sample\".\n"
    );
    for section in sections() {
        // Gitea's `[queue.mail]` repeats `[queue]`.
        let keys: Vec<&Key> = section.keys.iter().filter(|key| key.state == State::Read).collect();
        if section.name == "queue.mail" || keys.is_empty() && !section.keys.is_empty() {
            continue;
        }
        heading(&mut text, mark, section);
        for key in keys {
            entry(&mut text, mark, dialect, section, key);
        }
    }
    text
}

fn heading(text: &mut String, mark: char, section: &Section) {
    text.push('\n');
    comment(text, mark, section.about);
    if !section.name.is_empty() {
        // Writing to a String never fails.
        let _ok = writeln!(text, "[{}]", section.name);
    }
    text.push('\n');
}

fn entry(text: &mut String, mark: char, dialect: Dialect, section: &Section, key: &Key) {
    comment(text, mark, key.about);
    if let Usual::Means(words) = key.usual {
        comment(text, mark, &format!("Default: {words}."));
    }
    let needed = NEEDED.iter().find(|(d, s, k, _)| (*d, *s, *k) == (dialect, section.name, key.name));
    let (before, value) = match (needed, key.usual) {
        (Some((.., value)), _) => (String::new(), *value),
        (None, Usual::Value(value)) => (mark.to_string(), value),
        (None, Usual::Means(_) | Usual::Empty) => (mark.to_string(), ""),
    };
    let value = match dialect {
        Dialect::Gitea => value.to_owned(),
        Dialect::Toml => toml_value(key.kind, value),
    };
    let _ok = writeln!(text, "{}", format!("{before}{} = {value}", key.name).trim_end());
}

/// A value as TOML writes one of its kind.
pub(crate) fn toml_value(kind: Kind, value: &str) -> String {
    let plain = match kind {
        Kind::Switch => value == "true" || value == "false",
        Kind::Count => value.parse::<u32>().is_ok_and(|number| number.to_string() == value),
        _ => false,
    };
    if plain { value.to_owned() } else { toml::Value::String(value.to_owned()).to_string() }
}

fn comment(text: &mut String, mark: char, sentence: &str) {
    let mut line = mark.to_string();
    for word in sentence.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            text.push_str(&line);
            text.push('\n');
            line = mark.to_string();
        }
        line.push(' ');
        line.push_str(word);
    }
    text.push_str(&line);
    text.push('\n');
}

const INTRODUCTION: &str = "\
# Settings

Written by `postrider config sample --format markdown` from the table that the program itself reads keys by. Whole samples: [app.ini](app.ini) and
[postrider.toml](postrider.toml). What differs from Gitea: [gitea.md](gitea.md).

One tree, from three sources; a later one wins: the file, the environment, flags of the command line.

- A file named `*.ini` is read in Gitea's dialect, `*.toml` as TOML with the same sections and keys; another name is read as TOML, with a
  warning. `postrider config check` tells every mistake at once, `postrider config show` every value with where it comes from.
- `GITEA__SECTION__KEY=value` sets a key as Gitea's container does, `POSTRIDER__SECTION__KEY=value` too, where `[postrider.http]` may be written
  `HTTP`. With `__FILE` at the end the variable names a file that holds the value. A `.` in a section is written `_0X2E_`.
- In our own sections an unknown key or an impossible value stops the start. In Gitea's sections an unknown key gets one warning, an odd switch
  counts as its default, with a warning; what would send mail to the wrong place, or not at all, stops the start there too.
- A duration is `90s`, `5m`, `1h30m` or `30d`; a size `65536`, `512K`, `32M` (of 1024) or `50MB` (of 1000); a rate `100/m`; a place `127.0.0.1:8025`
  or `unix:/path`; switches are `true` and `false`, and go-ini's other words for them. Relative paths start at the file's folder.
- Secrets are shown nowhere. They may come from a file (`PASSWD_FILE`, `__FILE`) or a command (`PASSWD_COMMAND`).
";

/// All keys in tables, for `docs/settings.md`.
pub(crate) fn reference() -> String {
    let mut text = INTRODUCTION.to_owned();
    for section in sections().filter(|section| section.name != "queue.mail") {
        let title = if section.name.is_empty() { "The root" } else { &format!("`[{}]`", section.name) };
        let _ok = write!(text, "\n## {title}\n\n{}\n", cell(section.about));
        if section.keys.is_empty() {
            continue;
        }
        text.push_str("\n| key | value | default | meaning |\n|---|---|---|---|\n");
        for key in section.keys {
            let (before, after) = note(key);
            let usual = match key.usual {
                Usual::Value(value) => format!("`{value}`"),
                Usual::Means(words) => cell(words),
                Usual::Empty => "–".to_owned(),
            };
            let (word, about) = (key.kind.word(), cell(key.about));
            let about = format!("{before}{about}{after}");
            let _ok = writeln!(text, "| `{}` | {word} | {usual} | {} |", key.name, about.trim());
        }
    }
    text
}

/// What stands before and behind a key's meaning.
fn note(key: &Key) -> (String, String) {
    match key.state {
        State::Read => Default::default(),
        State::Silent => (String::new(), " Taken in silence.".to_owned()),
        State::Old(new) => (format!("Old, write `{new}`. "), " One warning.".to_owned()),
        State::Gone(remedy) => (String::new(), format!(" Removed from Gitea: {remedy}.")),
        State::NotYet(remedy) => (format!("**Not in this version**, refused: {remedy}. "), String::new()),
    }
}

/// Text that Markdown takes as text.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "\\<").replace("{{", "\\{{")
}
