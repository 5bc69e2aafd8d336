//! Lines and fields of a raw header (RFC 5322 2.2).

use crate::error::Faults;
use crate::header::{MAX_LINE, is_field_name};

/// Fields of one header.
const MAX_FIELDS: usize = 2000;

/// One field as it came.
pub(super) struct Field<'a> {
    pub(super) name: &'a str,
    /// Without the line end, folds still in it.
    pub(super) value: &'a [u8],
    /// Name, value and line ends.
    pub(super) whole: &'a [u8],
}

impl Field<'_> {
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name)
    }

    /// What must not leave: hidden recipients, hop-by-hop fields, our own options.
    pub(super) fn is_dropped(&self) -> bool {
        DROPPED.iter().any(|name| self.is(name)) || self.option_name().is_some()
    }

    /// The name behind `X-Postrider-`.
    pub(super) fn option_name(&self) -> Option<&str> {
        let (start, rest) = self.name.split_at_checked(OPTION.len())?;
        start.eq_ignore_ascii_case(OPTION).then_some(rest)
    }
}

const DROPPED: [&str; 4] = ["Bcc", "Resent-Bcc", "Return-Path", "Content-Length"];
const OPTION: &str = "X-Postrider-";
/// Fields that may stand once (RFC 5322 3.6).
const ONCE: [&str; 8] = ["From", "Date", "Subject", "Message-ID", "Sender", "To", "Cc", "Reply-To"];

/// Whether some CR or LF stands alone.
pub(super) fn has_bare_line_end(raw: &[u8]) -> bool {
    let mut rest = raw;
    while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
        match rest.get(at..).and_then(|tail| tail.strip_prefix(b"\r\n")) {
            Some(tail) => rest = tail,
            None => return true,
        }
    }
    false
}

/// Where the header ends (without the blank line) and where the body begins.
pub(super) fn split(raw: &[u8]) -> (usize, usize) {
    if raw.starts_with(b"\r\n") {
        return (0, 2);
    }
    match memchr::memmem::find(raw, b"\r\n\r\n") {
        Some(at) => (at + 2, at + 4),
        None => (raw.len(), raw.len()),
    }
}

pub(super) fn has_long_line(text: &[u8]) -> bool {
    let mut start = 0;
    for at in memchr::memchr_iter(b'\n', text) {
        // The line end itself is not counted (RFC 5322 2.1.1).
        if at - start > MAX_LINE + 1 {
            return true;
        }
        start = at + 1;
    }
    text.len() - start > MAX_LINE
}

/// The fields of a header block whose lines end with CRLF.
pub(super) fn fields<'a>(head: &'a [u8], faults: &mut Faults) -> Vec<Field<'a>> {
    let mut all = Vec::with_capacity(32);
    let mut rest = head;
    while !rest.is_empty() && faults.is_empty() {
        let (whole, tail) = rest.split_at(field_end(rest));
        rest = tail;
        let colon = memchr::memchr(b':', whole).unwrap_or(whole.len());
        let (name, value) = whole.split_at(colon);
        let name = std::str::from_utf8(name).unwrap_or_default();
        if !is_field_name(name) || value.is_empty() {
            faults.add("raw", "a header line is not \"Name: value\"; put a blank line before the body");
        } else if memchr::memchr(0, value).is_some() || std::str::from_utf8(value).is_err() {
            faults.add(format!("headers.{name}"), "it holds a NUL or is not UTF-8; encode it (RFC 2047)");
        } else if all.len() >= MAX_FIELDS {
            faults.add("raw", "there are more than 2000 header fields; send fewer");
        }
        let value = value.strip_prefix(b":").unwrap_or(value);
        all.push(Field { name, value: value.strip_suffix(b"\r\n").unwrap_or(value), whole });
    }
    all
}

/// Behind the line end that no blank follows.
fn field_end(rest: &[u8]) -> usize {
    memchr::memchr_iter(b'\n', rest)
        .map(|at| at + 1)
        .find(|&end| !matches!(rest.get(end), Some(b' ' | b'\t')))
        .unwrap_or(rest.len())
}

pub(super) fn check_counts(fields: &[Field<'_>], from_given: bool, faults: &mut Faults) {
    for name in ONCE {
        match fields.iter().filter(|f| f.is(name)).count() {
            0 if name == "From" && !from_given => {
                faults.add("headers.From", "the message has no From field; add one");
            }
            0 | 1 => {}
            _ => faults.add(format!("headers.{name}"), "the field stands more than once; keep one of them"),
        }
    }
}
