//! Language tags (RFC 5646), as far as choosing a variant needs them.

use std::fmt;

/// A language tag in lower case: `de`, `de-at`, `zh-hant`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Language(String);

impl Language {
    /// Reads `de`, `de-AT` or `de_AT`; `None`: that is no language tag.
    pub fn parse(text: &str) -> Option<Self> {
        let tag = text.trim().replace('_', "-").to_ascii_lowercase();
        let mut parts = tag.split('-');
        let first = parts.next()?;
        let fits = |part: &str, shortest: usize, longest: usize| {
            (shortest..=longest).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        let language = fits(first, 2, 3) && first.bytes().all(|b| b.is_ascii_alphabetic());
        (language && tag.len() <= MAX_TAG && parts.all(|part| fits(part, 1, 8))).then_some(Self(tag))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// As RFC 5646 2.1.1 writes it: `de-AT`, `zh-Hant`.
    pub fn display(&self) -> String {
        let written = |(place, part): (usize, &str)| match (place, part.len()) {
            (0, _) => part.to_owned(),
            (_, 2) => part.to_ascii_uppercase(),
            (_, 4) => {
                let (first, rest) = part.split_at_checked(1).unwrap_or((part, ""));
                first.to_ascii_uppercase() + rest
            }
            _ => part.to_owned(),
        };
        self.0.split('-').enumerate().map(written).collect::<Vec<_>>().join("-")
    }

    /// Itself, then each time with one subtag less (RFC 4647 3.4): de-at, de.
    pub(crate) fn chain(&self) -> impl Iterator<Item = Self> + '_ {
        let mut next = Some(self.0.as_str());
        std::iter::from_fn(move || {
            let tag = next?;
            next = tag.rsplit_once('-').map(|(shorter, _)| shorter);
            Some(Self(tag.to_owned()))
        })
    }
}

impl Default for Language {
    /// English.
    fn default() -> Self {
        Self("en".to_owned())
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.display())
    }
}

const MAX_TAG: usize = 35;
