//! The sender's side: a dot before every line that starts with one, without copying the text.

/// Cuts chunks so that written one after the other they are dot-stuffed: a leading dot is the last
/// octet of one slice and again the first of the next. Text without leading dots is one slice.
///
/// Input has CRLF line ends ([`super::LineEnds`]).
#[derive(Debug, Clone)]
pub struct Stuffer {
    line_start: bool,
    ended: Ended,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ended {
    /// At the start, or after CRLF.
    Line,
    Cr,
    Text,
}

impl Default for Stuffer {
    fn default() -> Self {
        Self { line_start: true, ended: Ended::Line }
    }
}

impl Stuffer {
    /// The slices of the next chunk.
    pub fn stuff<'a>(&mut self, chunk: &'a [u8]) -> Slices<'a> {
        let line_start = self.line_start;
        self.ended = match chunk {
            [] => self.ended,
            [b'\n'] if self.ended == Ended::Cr => Ended::Line,
            [.., b'\r', b'\n'] => Ended::Line,
            [.., b'\r'] => Ended::Cr,
            _ => Ended::Text,
        };
        self.line_start = chunk.last().map_or(line_start, |last| *last == b'\n');
        Slices { rest: chunk, line_start }
    }

    /// What ends the message: the dot line, after a CRLF if the text lacks one.
    pub fn end(&self) -> &'static [u8] {
        match self.ended {
            Ended::Line => super::END,
            Ended::Cr => b"\n.\r\n",
            Ended::Text => b"\r\n.\r\n",
        }
    }
}

/// Slices of one chunk, in order.
#[derive(Debug, Clone)]
pub struct Slices<'a> {
    rest: &'a [u8],
    line_start: bool,
}

impl<'a> Iterator for Slices<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        if self.line_start && self.rest.first() == Some(&b'.') {
            self.line_start = false;
            return self.rest.get(..1);
        }
        self.line_start = false;
        let (head, tail) = match memchr::memmem::find(self.rest, b"\n.") {
            Some(at) => (self.rest.get(..at + 2)?, self.rest.get(at + 1..)?),
            None => (self.rest, &[][..]),
        };
        self.rest = tail;
        Some(head)
    }
}
