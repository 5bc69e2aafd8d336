//! Octets not yet used, and the command lines in them.

use crate::limits;

/// What stands at the front of the input.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Line {
    /// A line without its CRLF.
    Whole(Vec<u8>),
    /// A line that ends in a bare LF.
    BareLf,
    /// A line over the limit, now over.
    TooLong,
    /// More than anyone sends by mistake; or a TLS hello.
    Hostile,
    /// No whole line yet.
    Partial,
}

#[derive(Debug, Default)]
pub(super) struct Lines {
    buffer: Vec<u8>,
    /// Start of the first octet not used.
    start: usize,
    /// Octets before this hold no LF.
    scanned: usize,
    /// Octets dropped of a line that is too long.
    skipped: usize,
}

impl Lines {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.buffer.drain(..self.start);
        self.scanned = self.scanned.saturating_sub(self.start);
        self.start = 0;
        self.buffer.extend_from_slice(bytes);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.start == self.buffer.len()
    }

    /// All that is there, for a body.
    pub(super) fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    /// Marks octets of `rest` as used.
    pub(super) fn used(&mut self, octets: usize) {
        self.start = self.buffer.len().min(self.start + octets);
        self.scanned = self.scanned.max(self.start);
    }

    /// The next line. `exchange`: within AUTH, where lines may be longer.
    pub(super) fn next(&mut self, exchange: bool) -> Line {
        // A TLS record begins with 22 (RFC 8446 5.1); no command does.
        if self.skipped == 0 && self.rest().first() == Some(&22) {
            return Line::Hostile;
        }
        let unseen = self.buffer.get(self.scanned..).unwrap_or_default();
        let found = memchr::memchr(b'\n', unseen).map(|at| self.scanned + at);
        let end = found.map_or(self.buffer.len(), |at| at + 1);
        let line = self.buffer.get(self.start..end).unwrap_or_default();
        let auth = exchange || line.get(..5).is_some_and(|verb| verb.eq_ignore_ascii_case(b"AUTH "));
        let limit = if auth { limits::AUTH_LINE } else { limits::COMMAND_LINE };
        let too_long = self.skipped > 0 || line.len() > limit;
        let answer = match (found, too_long) {
            (None, false) => {
                self.scanned = self.buffer.len();
                return Line::Partial;
            }
            (None, true) => Line::Partial,
            (Some(_), true) => Line::TooLong,
            (Some(_), false) => match line {
                [whole @ .., b'\r', b'\n'] => Line::Whole(whole.to_vec()),
                _ => Line::BareLf,
            },
        };
        self.skipped = if answer == Line::Partial { self.skipped + line.len() } else { 0 };
        (self.start, self.scanned) = (end, end);
        if self.skipped > limits::SKIPPED { Line::Hostile } else { answer }
    }
}
