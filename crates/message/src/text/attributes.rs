//! The attributes of a start tag that change what is read.

use super::style::{self, Seen};

/// Octets of a value that is shown: a link longer than this is not.
pub(super) const MAX_VALUE: usize = 4096;

#[derive(Default)]
pub(super) struct Attributes {
    pub(super) href: String,
    pub(super) alt: String,
    /// `start` of a list or `value` of an entry.
    pub(super) start: Option<u32>,
    pub(super) hidden: bool,
    pub(super) seen: Option<Seen>,
}

impl Attributes {
    /// The first attribute of a name counts, as in browsers.
    pub(super) fn add(&mut self, name: &[u8], value: &[u8]) {
        let Ok(value) = std::str::from_utf8(value) else { return };
        match name {
            b"hidden" => self.hidden = true,
            b"style" => self.seen = self.seen.or_else(|| Some(style::read(value))),
            _ if value.len() > MAX_VALUE => {}
            b"href" if self.href.is_empty() => self.href.push_str(value),
            b"alt" if self.alt.is_empty() => self.alt.push_str(value),
            b"start" | b"value" => self.start = self.start.or_else(|| value.trim().parse().ok()),
            _ => {}
        }
    }

    pub(super) fn clear(&mut self) {
        self.href.clear();
        self.alt.clear();
        (self.start, self.hidden, self.seen) = (None, false, None);
    }

    pub(super) fn hides(&self) -> bool {
        self.hidden || self.seen == Some(Seen::Hidden)
    }
}
