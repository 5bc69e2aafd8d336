//! 8-bit parts of a raw message turned into quoted-printable or base64 (RFC 6152 3, RFC 2045 6).

use super::{RawMail, scan};
use crate::encoding::Transfer;
use crate::error::Faults;

/// Multiparts and messages in one another, and parts in all, that are looked into.
const MAX_DEPTH: usize = 16;
const MAX_PARTS: usize = 1000;

/// The mail with every 8-bit part encoded, so that a relay without 8BITMIME can take it. As it was when
/// nothing is 8-bit, when it is signed (DKIM, ARC, multipart/signed), or when its structure cannot be
/// read; `eight_bit` then still says so.
pub fn to_seven_bit(mut mail: RawMail) -> RawMail {
    if !mail.eight_bit {
        return mail;
    }
    let mut parts = 0;
    let entity = Entity { head: &mail.header, body: &mail.body };
    if let Some((header, body)) = entity.encoded(Place::Top, 0, &mut parts) {
        (mail.header, mail.body) = (header.into(), body.into());
        mail.eight_bit = false;
    }
    mail
}

/// Where an entity stands, which says what a missing Content-Type means and who owns its last line end.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Top,
    Part,
    /// In multipart/digest.
    Digest,
}

/// A header block with its blank line, and what follows.
struct Entity<'a> {
    head: &'a [u8],
    body: &'a [u8],
}

const SIGNED: [&str; 4] = ["DKIM-Signature", "DomainKey-Signature", "ARC-Message-Signature", "ARC-Seal"];

impl<'a> Entity<'a> {
    fn of(part: &'a [u8]) -> Self {
        let (_, body) = scan::split(part);
        let (head, body) = part.split_at(body);
        Self { head, body }
    }

    /// Header and body in seven bits; `None` when that cannot be.
    fn encoded(&self, place: Place, depth: usize, parts: &mut usize) -> Option<(Vec<u8>, Vec<u8>)> {
        *parts += 1;
        if depth > MAX_DEPTH || *parts > MAX_PARTS || !self.head.is_ascii() && place != Place::Top {
            return None;
        }
        let mut faults = Faults::default();
        let block = self.head.strip_suffix(b"\r\n").unwrap_or(self.head);
        let fields = scan::fields(block, &mut faults);
        if !faults.is_empty() || fields.iter().any(|f| SIGNED.iter().any(|name| f.is(name))) {
            return None;
        }
        let value = |name: &str| {
            let field = fields.iter().find(|f| f.is(name))?;
            Some(String::from_utf8_lossy(field.value).replace("\r\n", "").trim().to_owned())
        };
        let content_type = value("Content-Type");
        let given = value("Content-Transfer-Encoding").unwrap_or_default().to_ascii_lowercase();
        if !matches!(given.as_str(), "" | "7bit" | "8bit" | "binary") {
            return None;
        }
        let implied = if place == Place::Digest { "message/rfc822" } else { "text/plain" };
        let (kind, boundary) = read_type(content_type.as_deref().unwrap_or(implied));
        let (transfer, body) = match kind.split_once('/')? {
            ("multipart", "signed" | "encrypted") => return None,
            ("multipart", sub) => {
                let inner = if sub == "digest" { Place::Digest } else { Place::Part };
                (Transfer::SevenBit, multipart(self.body, &boundary?, inner, depth, parts)?)
            }
            ("message", "rfc822") => {
                let (head, body) = Entity::of(self.body).encoded(Place::Part, depth + 1, parts)?;
                (Transfer::SevenBit, [head, body].concat())
            }
            ("message", _) => return None,
            ("text", _) => leaf(Transfer::of(self.body), self.body, place),
            _ => leaf(Transfer::Base64, self.body, place),
        };
        let mut head = Vec::with_capacity(self.head.len() + 128);
        for field in fields.iter().filter(|f| !f.is("Content-Transfer-Encoding")) {
            head.extend_from_slice(field.whole);
        }
        if place == Place::Top && value("MIME-Version").is_none() {
            head.extend_from_slice(b"MIME-Version: 1.0\r\n");
        }
        if content_type.is_none() && place != Place::Digest {
            let charset = if std::str::from_utf8(self.body).is_ok() { "utf-8" } else { "unknown-8bit" };
            head.extend_from_slice(format!("Content-Type: text/plain; charset={charset}\r\n").as_bytes());
        }
        head.extend_from_slice(format!("Content-Transfer-Encoding: {}\r\n\r\n", transfer.name()).as_bytes());
        Some((head, body))
    }
}

/// A part without parts. In a multipart the line end before the delimiter is the delimiter's.
fn leaf(transfer: Transfer, body: &[u8], place: Place) -> (Transfer, Vec<u8>) {
    let mut out = Vec::with_capacity(body.len() + body.len() / 2 + 80);
    match transfer {
        // The octets as they are: line ends stay what they were.
        Transfer::Base64 => crate::encoding::base64_lines(&mut out, body),
        _ => transfer.write(&mut out, body),
    }
    let owns_end = match transfer {
        Transfer::Base64 => place == Place::Top,
        _ => body.ends_with(b"\r\n"),
    };
    if !owns_end && out.ends_with(b"\r\n") {
        out.truncate(out.len() - 2);
    }
    (transfer, out)
}

/// The parts of a multipart, the 8-bit ones encoded; a preamble or epilogue that is 8-bit is left out.
fn multipart(body: &[u8], boundary: &str, place: Place, depth: usize, parts: &mut usize) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(body.len() + body.len() / 4);
    let (mut start, mut at) = (0, 0);
    let (mut inside, mut closed) = (false, false);
    for line in body.split_inclusive(|&b| b == b'\n') {
        let end = at + line.len();
        if let Some(last) = delimiter(line, boundary).filter(|_| !closed) {
            let part = body.get(start..at)?;
            put_part(&mut out, part, inside, place, depth, parts)?;
            out.extend_from_slice(line);
            (inside, closed, start) = (!last, last, end);
        }
        at = end;
    }
    if !closed && start == 0 {
        return None;
    }
    put_part(&mut out, body.get(start..)?, inside, place, depth, parts)?;
    Some(out)
}

fn put_part(
    out: &mut Vec<u8>,
    part: &[u8],
    inside: bool,
    place: Place,
    depth: usize,
    parts: &mut usize,
) -> Option<()> {
    if part.is_ascii() {
        out.extend_from_slice(part);
    } else if inside {
        let (content, end) = match part.strip_suffix(b"\r\n") {
            Some(content) => (content, &b"\r\n"[..]),
            None => (part, &b""[..]),
        };
        let (head, body) = Entity::of(content).encoded(place, depth + 1, parts)?;
        out.extend_from_slice(&head);
        out.extend_from_slice(&body);
        out.extend_from_slice(end);
    }
    Some(())
}

/// Whether a line is the delimiter: `Some(true)` the closing one.
fn delimiter(line: &[u8], boundary: &str) -> Option<bool> {
    let rest = line.strip_prefix(b"--")?.strip_prefix(boundary.as_bytes())?;
    let (last, rest) = match rest.strip_prefix(b"--") {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    rest.trim_ascii().is_empty().then_some(last)
}

/// `type/subtype` in lower case, and the boundary.
fn read_type(value: &str) -> (String, Option<String>) {
    let (kind, mut rest) = value.split_once(';').unwrap_or((value, ""));
    let kind = kind.trim().to_ascii_lowercase();
    while let Some((name, tail)) = rest.split_once('=') {
        let tail = tail.trim_start();
        let (value, after) = match tail.strip_prefix('"') {
            Some(quoted) => {
                let (mut value, mut escaped) = (String::new(), false);
                let mut chars = quoted.char_indices();
                let end = chars.find(|&(_, c)| match c {
                    '"' if !escaped => true,
                    '\\' if !escaped => {
                        escaped = true;
                        false
                    }
                    c => {
                        escaped = false;
                        value.push(c);
                        false
                    }
                });
                let after = end.and_then(|(at, _)| quoted.get(at + 1..)).unwrap_or_default();
                (value, after)
            }
            None => {
                let end = tail.find([';', ' ', '\t']).unwrap_or(tail.len());
                let (value, after) = tail.split_at(end);
                (value.to_owned(), after)
            }
        };
        if name.trim().eq_ignore_ascii_case("boundary") {
            return (kind, Some(value).filter(|b| (1..=200).contains(&b.len())));
        }
        rest = after.trim_start().strip_prefix(';').unwrap_or_default();
    }
    (kind, None)
}
