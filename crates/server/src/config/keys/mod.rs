//! Every section and key there is, with kind, default and meaning: the one table behind "no such key",
//! "did you mean", `config show`, the samples and the reference in `docs/`.

mod gitea;
mod ours;
pub(crate) mod sample;

#[cfg(test)]
mod tests;

/// A section of the settings.
#[derive(Debug)]
pub(crate) struct Section {
    /// Empty for keys above the first section.
    pub(crate) name: &'static str,
    /// What it is for, in a sentence or two.
    pub(crate) about: &'static str,
    pub(crate) keys: &'static [Key],
}

/// A key of a section.
#[derive(Debug)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    pub(crate) usual: Usual,
    /// One sentence.
    pub(crate) about: &'static str,
    pub(crate) state: State,
}

/// What a value looks like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Switch,
    Count,
    Duration,
    Size,
    Text,
    /// Never shown.
    Secret,
    Path,
    /// Values separated by commas.
    List,
    /// One of a few words.
    Word,
    /// `address:port` or `unix:/path`.
    Place,
    Url,
    Address,
    /// `100/m`: so many in a second, minute, hour or day.
    Rate,
}

impl Kind {
    /// For people.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Switch => "true or false",
            Self::Count => "number",
            Self::Duration => "duration",
            Self::Size => "size",
            Self::Text => "text",
            Self::Secret => "secret",
            Self::Path => "path",
            Self::List => "list",
            Self::Word => "word",
            Self::Place => "place",
            Self::Url => "URL",
            Self::Address => "address",
            Self::Rate => "rate",
        }
    }
}

/// What holds when a key is not written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Usual {
    /// As if this had been written.
    Value(&'static str),
    /// No value stands for it; in words.
    Means(&'static str),
    /// Nothing.
    Empty,
}

impl Usual {
    /// For `config show`; nothing is not shown.
    pub(crate) fn shown(self) -> &'static str {
        match self {
            Self::Value(text) | Self::Means(text) => text,
            Self::Empty => "",
        }
    }
}

/// What this version makes of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Read,
    /// Gitea's, and of no meaning here: taken in silence.
    Silent,
    /// Gitea's old name of another key.
    Old(&'static str),
    /// Gitea removed it.
    Gone(&'static str),
    /// Promised, but not in this version: refused, with what to do instead.
    NotYet(&'static str),
}

/// All sections, in the order of the samples.
pub(crate) fn sections() -> impl Iterator<Item = &'static Section> {
    gitea::SECTIONS.iter().chain(ours::SECTIONS)
}

const RELAYS: &str = "postrider.relay.";
const DKIM: &str = "postrider.dkim.";

/// The section of the table that a section of a file follows.
pub(crate) fn section(name: &str) -> Option<&'static Section> {
    let name = match () {
        () if relay_name(name).is_some() => "postrider.relay",
        () if dkim_name(name).is_some() => "postrider.dkim",
        () => name,
    };
    sections().find(|section| section.name == name)
}

/// `NAME` of `postrider.relay.NAME`.
pub(crate) fn relay_name(section: &str) -> Option<&str> {
    section.strip_prefix(RELAYS)
}

/// `NAME` of `postrider.dkim.NAME`.
pub(crate) fn dkim_name(section: &str) -> Option<&str> {
    section.strip_prefix(DKIM)
}

/// Whether a section is one of ours.
pub(crate) fn is_ours(section: &str) -> bool {
    section == "postrider" || section.starts_with("postrider.")
}

pub(crate) fn find(section_name: &str, key: &str) -> Option<&'static Key> {
    section(section_name)?.keys.iter().find(|known| known.name == key)
}

/// What other programs call keys of `[mailer]` and of relays.
const ELSEWHERE: [(&str, &str); 12] = [
    ("SMTP_HOST", "SMTP_ADDR"),
    ("SMTP_SERVER", "SMTP_ADDR"),
    ("PORT", "SMTP_PORT"),
    ("USERNAME", "USER"),
    ("SMTP_USER", "USER"),
    ("SMTP_USERNAME", "USER"),
    ("PASSWORD", "PASSWD"),
    ("PASS", "PASSWD"),
    ("SMTP_PASSWD", "PASSWD"),
    ("SMTP_PASSWORD", "PASSWD"),
    ("MAIL_FROM", "FROM"),
    ("HOST", "URL"),
];

/// The key of a section that was probably meant.
pub(crate) fn nearest_key(section_name: &str, key: &str) -> Option<&'static str> {
    let elsewhere = ELSEWHERE.iter().find(|(word, _)| key.eq_ignore_ascii_case(word));
    if let Some((_, meant)) = elsewhere.filter(|(_, meant)| find(section_name, meant).is_some()) {
        return Some(meant);
    }
    let keys = section(section_name)?.keys.iter();
    nearest(key, keys.filter(|k| matches!(k.state, State::Read | State::NotYet(_))).map(|k| k.name))
}

/// The section that was probably meant: one that ends alike, else the nearest.
pub(crate) fn nearest_section(name: &str) -> Option<&'static str> {
    const OURS: &str = "postrider.";
    let named = |end: &str| sections().map(|s| s.name).find(|known| known.strip_prefix(OURS) == Some(end));
    let ends = sections().filter_map(|section| section.name.strip_prefix(OURS));
    match name.strip_prefix(OURS) {
        // The part that all have in common says nothing of how near two are.
        Some(end) => nearest(end, ends).and_then(named),
        None => named(name).or_else(|| nearest(name, sections().map(|s| s.name))),
    }
}

fn nearest(word: &str, known: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    known
        .map(|known| (distance(&known.to_uppercase(), &word.to_uppercase()), known))
        .filter(|(distance, known)| *distance <= known.len() / 3)
        .min()
        .map(|(_, known)| known)
}

/// Levenshtein distance.
pub(crate) fn distance(a: &str, b: &str) -> usize {
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

/// A row of the table.
const fn key(name: &'static str, kind: Kind, usual: Usual, about: &'static str) -> Key {
    Key { name, kind, usual, about, state: State::Read }
}

const fn with(state: State, key: Key) -> Key {
    Key { state, ..key }
}
