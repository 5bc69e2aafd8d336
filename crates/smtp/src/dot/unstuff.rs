//! The receiver's side: finds the end of data, drops the added dots, refuses bare CR and LF.

use super::BareLineEnd;

/// What one call of [`Unstuffer::feed`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fed {
    /// Octets taken from the input; what follows belongs to the next command.
    pub consumed: usize,
    /// Whether the dot line was read.
    pub done: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    LineStart,
    Text,
    Cr,
    /// After a dot at the start of a line.
    Dot,
    /// After a dot at the start of a line and a CR.
    DotCr,
    Done,
    Broken,
}

/// Reads DATA. Only CRLF ends a line, only `CRLF . CRLF` ends the data (RFC 5321 4.1.1.4); the start
/// counts as a line start.
#[derive(Debug, Clone)]
pub struct Unstuffer {
    at: At,
}

impl Default for Unstuffer {
    fn default() -> Self {
        Self { at: At::LineStart }
    }
}

impl Unstuffer {
    /// Takes input up to the end of data and appends the text to `out`.
    ///
    /// A bare CR or LF is an error that stays: where this message ends cannot be told safely, so
    /// answer and close.
    pub fn feed(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Fed, BareLineEnd> {
        let mut rest = input;
        while let (Some((&byte, tail)), false) = (rest.split_first(), self.at == At::Done) {
            if self.at == At::Text {
                let run = memchr::memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
                if let Some((text, after)) = rest.split_at_checked(run).filter(|(text, _)| !text.is_empty()) {
                    out.extend_from_slice(text);
                    rest = after;
                    continue;
                }
            }
            rest = tail;
            self.step(byte, out)?;
        }
        Ok(Fed { consumed: input.len() - rest.len(), done: self.at == At::Done })
    }

    fn step(&mut self, byte: u8, out: &mut Vec<u8>) -> Result<(), BareLineEnd> {
        self.at = match (self.at, byte) {
            (At::Cr, b'\n') => {
                out.extend_from_slice(b"\r\n");
                At::LineStart
            }
            (At::DotCr, b'\n') => At::Done,
            (At::Cr | At::DotCr | At::Broken, _) | (_, b'\n') => {
                self.at = At::Broken;
                return Err(BareLineEnd);
            }
            (At::LineStart, b'.') => At::Dot,
            (At::Dot, b'\r') => At::DotCr,
            (_, b'\r') => At::Cr,
            (_, byte) => {
                out.push(byte);
                At::Text
            }
        };
        Ok(())
    }
}
