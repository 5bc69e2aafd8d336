//! Replies off the wire and onto it (RFC 5321 4.2), fed by any split of the bytes.

use crate::{Violation, limits};
use envelope::Reply;

/// Reads replies out of a byte stream.
///
/// What it takes beyond the grammar: a line may end in a bare LF; the text, and the blank before it,
/// may be missing; text may be any octets (bytes that are not UTF-8 become U+FFFD). What it refuses:
/// a code outside 200 to 599, another separator than blank or hyphen, differing codes within one
/// reply, and anything over the limits. After an error the stream has no meaning any more: close it.
#[derive(Debug, Default)]
pub struct ReplyParser {
    buffer: Vec<u8>,
    /// Start of the first octet not yet parsed.
    start: usize,
    /// Octets before this hold no LF that was not parsed.
    scanned: usize,
    octets: usize,
    code: Option<u16>,
    lines: Vec<Box<str>>,
}

impl ReplyParser {
    /// Takes bytes as they came. Call [`next_reply`](Self::next_reply) until it has no more before
    /// pushing again: that is what bounds the memory.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.scanned = self.scanned.saturating_sub(self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole reply, `None` when more bytes are needed.
    pub fn next_reply(&mut self) -> Result<Option<Reply>, Violation> {
        while let Some(line) = self.next_line()? {
            let (code, last, text) = split_line(&line)?;
            if self.code.is_some_and(|first| first != code) {
                return Err(Violation::MixedCodes);
            }
            self.code = Some(code);
            self.octets += line.len();
            self.lines.push(text);
            if last {
                self.octets = 0;
                self.code = None;
                return Ok(Some(Reply { code, lines: std::mem::take(&mut self.lines) }));
            }
            if self.lines.len() >= limits::REPLY_LINES || self.octets > limits::REPLY_OCTETS {
                return Err(Violation::ReplyTooLong);
            }
        }
        Ok(None)
    }

    /// Whether no octet is held: neither a whole reply nor the beginning of one.
    pub fn is_empty(&self) -> bool {
        self.start == self.buffer.len() && self.code.is_none()
    }

    /// The octets not yet read as a reply.
    pub(crate) fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or_default()
    }

    fn next_line(&mut self) -> Result<Option<Vec<u8>>, Violation> {
        let unseen = self.buffer.get(self.scanned..).unwrap_or_default();
        let found = memchr::memchr(b'\n', unseen).map(|at| self.scanned + at);
        let length = found.map_or(self.buffer.len(), |at| at + 1) - self.start;
        if length > limits::REPLY_LINE {
            return Err(Violation::LineTooLong);
        }
        let Some(end) = found else {
            self.scanned = self.buffer.len();
            return Ok(None);
        };
        let line = self.buffer.get(self.start..end).unwrap_or_default();
        let line = line.strip_suffix(b"\r").unwrap_or(line).to_vec();
        self.start = end + 1;
        self.scanned = self.start;
        Ok(Some(line))
    }
}

/// Code, whether it is the last line, and the text.
fn split_line(line: &[u8]) -> Result<(u16, bool, Box<str>), Violation> {
    let (digits, rest) = line.split_at_checked(3).ok_or(Violation::NotAReply)?;
    let code = digits.iter().try_fold(0u16, |sum, digit| {
        digit.is_ascii_digit().then(|| sum * 10 + u16::from(digit - b'0')).ok_or(Violation::NotAReply)
    })?;
    if !(200..600).contains(&code) {
        return Err(Violation::CodeOutOfRange(code));
    }
    let (last, text) = match rest.split_first() {
        None => (true, rest),
        Some((b' ', text)) => (true, text),
        Some((b'-', text)) => (false, text),
        Some(_) => return Err(Violation::NotAReply),
    };
    Ok((code, last, String::from_utf8_lossy(text).into()))
}

/// Appends a reply as it travels. Control characters in a line become blanks, so that no text can
/// end a line of ours.
pub fn write_reply(reply: &Reply, out: &mut Vec<u8>) {
    let last = reply.lines.len().saturating_sub(1);
    let empty: [Box<str>; 1] = ["".into()];
    let lines = if reply.lines.is_empty() { &empty[..] } else { &reply.lines };
    for (n, line) in lines.iter().enumerate() {
        let separator = if n == last { ' ' } else { '-' };
        out.extend_from_slice(format!("{}{separator}", reply.code).as_bytes());
        out.extend(line.bytes().map(|b| if b < b' ' || b == 0x7f { b' ' } else { b }));
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests;
