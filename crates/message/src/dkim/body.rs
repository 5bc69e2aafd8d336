//! The body's hash, over pieces of any size (RFC 6376 3.4.4).

use aws_lc_rs::digest::{Context, SHA256};

/// Octets gathered before the hash takes them.
const BUFFER: usize = 4096;
/// Octets looked at together.
const BLOCK: usize = 8192;

/// SHA-256 of a body in relaxed canonical form: runs of blanks count as one, blanks before a line end
/// and empty lines at the end do not count. Nothing is kept but a small buffer.
#[derive(Clone)]
pub struct BodyHash {
    hash: Context,
    buffer: Vec<u8>,
    /// Whether blanks are reduced: relaxed, not simple.
    relaxed: bool,
    /// Blanks were seen that count only if more of the line comes.
    blank: bool,
    /// A CR was seen whose LF must come.
    cr: bool,
    /// Line ends that count only if more text comes.
    line_ends: usize,
    /// Whether anything counted yet.
    any_text: bool,
}

impl Default for BodyHash {
    fn default() -> Self {
        Self::new(true)
    }
}

impl BodyHash {
    pub(super) fn new(relaxed: bool) -> Self {
        Self {
            hash: Context::new(&SHA256),
            buffer: Vec::with_capacity(BUFFER),
            relaxed,
            blank: false,
            cr: false,
            line_ends: 0,
            any_text: false,
        }
    }

    /// Takes the next piece of the body.
    pub fn update(&mut self, piece: &[u8]) {
        let mut rest = piece;
        while !rest.is_empty() {
            let block = rest.get(..BLOCK).unwrap_or(rest);
            let end = memchr::memrchr(b'\n', block).map_or(block.len(), |at| at + 1);
            let (block, tail) = rest.split_at(end);
            rest = tail;
            if self.is_canonical(block) {
                self.verbatim(block);
                continue;
            }
            for line in block.split_inclusive(|&b| b == b'\n') {
                if self.is_canonical(line) {
                    self.verbatim(line);
                } else {
                    self.line(line);
                }
            }
        }
    }

    /// Whether these are whole lines whose canonical form is what they are.
    fn is_canonical(&self, lines: &[u8]) -> bool {
        let relaxed = u8::from(self.relaxed);
        let is = |a: u8, b: u8| u8::from(a == b);
        let pairs = lines.iter().zip(lines.get(1..).unwrap_or_default());
        let changed = pairs.fold(0, |bad, (&a, &b)| {
            let blank = is(b, b'\t') | is(a, b' ') & (is(b, b' ') | is(b, b'\r'));
            bad | blank & relaxed | is(a, b'\r') ^ is(b, b'\n')
        });
        let first = lines.first().map_or(1, |&b| is(b, b'\n') | is(b, b'\t') & relaxed);
        changed | first == 0 && lines.ends_with(b"\r\n") && !self.blank && !self.cr
    }

    /// Takes canonical lines; they are hashed where they lie.
    fn verbatim(&mut self, lines: &[u8]) {
        let mut text = lines;
        let mut ends = 0;
        while let Some(before) = text.strip_suffix(b"\r\n") {
            text = before;
            ends += 1;
        }
        if !text.is_empty() {
            self.text(text);
        }
        self.line_ends += ends;
    }

    /// A line, or a part of one, octet by octet.
    fn line(&mut self, line: &[u8]) {
        let mut rest = line;
        while let Some((&byte, tail)) = rest.split_first() {
            if std::mem::take(&mut self.cr) && byte != b'\n' {
                self.text(b"\r");
            }
            match byte {
                b'\r' => self.cr = true,
                b'\n' => self.end_line(),
                b' ' | b'\t' if self.relaxed => self.blank = true,
                _ => {
                    let blanks = self.relaxed;
                    let special = |b: &u8| matches!(b, b'\r' | b'\n') || blanks && matches!(b, b' ' | b'\t');
                    let end = rest.iter().position(special).unwrap_or(rest.len());
                    let (run, after) = rest.split_at(end);
                    self.text(run);
                    rest = after;
                    continue;
                }
            }
            rest = tail;
        }
    }

    fn end_line(&mut self) {
        self.blank = false;
        self.line_ends += 1;
    }

    fn text(&mut self, run: &[u8]) {
        for _ in 0..std::mem::take(&mut self.line_ends) {
            self.push(b"\r\n");
        }
        if std::mem::take(&mut self.blank) {
            self.push(b" ");
        }
        self.push(run);
        self.any_text = true;
    }

    fn push(&mut self, bytes: &[u8]) {
        if self.buffer.len() + bytes.len() > BUFFER {
            self.hash.update(&self.buffer);
            self.buffer.clear();
        }
        if bytes.len() > BUFFER / 8 {
            self.hash.update(&self.buffer);
            self.buffer.clear();
            self.hash.update(bytes);
        } else {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The hash of all pieces.
    pub fn finish(mut self) -> [u8; 32] {
        if std::mem::take(&mut self.cr) {
            self.text(b"\r");
        }
        // The last line of text ends with one line end; in simple form an empty body is one too.
        if self.any_text || !self.relaxed {
            self.push(b"\r\n");
        }
        self.hash.update(&self.buffer);
        let mut out = [0; 32];
        for (to, from) in out.iter_mut().zip(self.hash.finish().as_ref()) {
            *to = *from;
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::digest::digest;

    #[test]
    fn canonical_bodies() {
        let check = |relaxed: bool, body: &str, want: &str| {
            let want = digest(&SHA256, want.as_bytes());
            for size in [1, 2, 3, 7, body.len().max(1)] {
                let mut hash = BodyHash::new(relaxed);
                body.as_bytes().chunks(size).for_each(|piece| hash.update(piece));
                assert_eq!(hash.finish(), want.as_ref(), "{body:?} by {size}");
            }
        };
        check(true, "", "");
        check(true, "a\r\nb c\r\n\r\n d\r\n\r\n", "a\r\nb c\r\n\r\n d\r\n");
        check(true, "a\r\nb  c\r\nd\te\r\nf\r\n g \r\n", "a\r\nb c\r\nd e\r\nf\r\n g\r\n");
        check(true, "a\nb \nc\r\r\n", "a\r\nb\r\nc\r\r\n");
        check(true, "\r\n \t\r\n", "");
        check(true, " C \r\nD \t E\r\n\r\n\r\n", " C\r\nD E\r\n");
        check(true, "a\r\n\r\nb", "a\r\n\r\nb\r\n");
        check(true, "a\rb\r", "a\rb\r\r\n");
        check(true, "a\r\n \r\n\tb\r\n", "a\r\n\r\n b\r\n");
        check(false, "", "\r\n");
        check(false, "\r\n\r\n", "\r\n");
        check(false, " C \r\nD \t E\r\n\r\n\r\n", " C \r\nD \t E\r\n");
        let long = format!("{}\r\n", "x".repeat(10_000));
        check(true, &long, &long);
    }
}
