//! Content transfer encodings: 7bit, quoted-printable and base64 (RFC 2045 2.7, 6.7, 6.8).

use crate::header::{MAX_LINE, hex_digit};
use base64::Engine;
use base64::engine::general_purpose::PAD;
use std::borrow::Cow;
use std::sync::LazyLock;

/// The library's vector code, where it has some.
#[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
static BASE64: LazyLock<base64::engine::Simd> = LazyLock::new(|| base64::engine::Simd::standard(PAD));
#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
static BASE64: LazyLock<base64::engine::GeneralPurpose> =
    LazyLock::new(|| base64::engine::GeneralPurpose::new(&base64::alphabet::STANDARD, PAD));

/// Octets of a quoted-printable line before its soft break.
const QP_LINE: usize = 75;
/// Octets that fill one base64 line, and that line.
const BASE64_CHUNK: usize = 57;
const BASE64_LINE: usize = 76;
/// Base64 lines encoded at once.
const BASE64_LINES: usize = 32;

/// How a text travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transfer {
    SevenBit,
    QuotedPrintable,
    Base64,
}

impl Transfer {
    /// 7bit when nothing on the way may change the text, else the shorter of the two encodings.
    pub(crate) fn of(text: &[u8]) -> Self {
        let (mut odd, mut equals) = (0usize, 0usize);
        for block in text.chunks(255) {
            let (mut odd_here, mut equals_here) = (0u8, 0u8);
            for &b in block {
                let blank = (b == b'\t') | (b == b'\n') | (b == b'\r');
                odd_here += u8::from(((b < b' ') & !blank) | (b > b'~'));
                equals_here += u8::from(b == b'=');
            }
            odd += usize::from(odd_here);
            equals += usize::from(equals_here);
        }
        match odd {
            0 if has_safe_lines(text) => Self::SevenBit,
            _ if (odd + equals) * 6 > text.len() => Self::Base64,
            _ => Self::QuotedPrintable,
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::SevenBit => "7bit",
            Self::QuotedPrintable => "quoted-printable",
            Self::Base64 => "base64",
        }
    }

    /// Appends `text` so encoded, lines ended by CRLF; the result ends with CRLF or is empty.
    pub(crate) fn write(self, out: &mut Vec<u8>, text: &[u8]) {
        match self {
            Self::SevenBit => {
                push_crlf(out, text);
                if !text.is_empty() && !out.ends_with(b"\r\n") {
                    out.extend_from_slice(b"\r\n");
                }
            }
            Self::QuotedPrintable => quoted_printable(out, text),
            Self::Base64 => base64_lines(out, &with_crlf(text)),
        }
    }
}

/// Whether every line is short enough, ends without blanks, and begins neither like a delimiter of
/// ours nor with what old mail stores escape.
fn has_safe_lines(text: &[u8]) -> bool {
    let mut rest = text;
    loop {
        let (line, tail) = match memchr::memchr(b'\n', rest) {
            Some(at) => rest.split_at(at),
            None => (rest, &b""[..]),
        };
        let line = line.strip_suffix(b"\r").filter(|_| !tail.is_empty()).unwrap_or(line);
        let safe = line.len() <= MAX_LINE
            && !matches!(line.last(), Some(b' ' | b'\t'))
            && !line.starts_with(b"From ")
            && !line.starts_with(b"--=_")
            && memchr::memchr(b'\r', line).is_none();
        if !safe {
            return false;
        }
        match tail.get(1..) {
            Some(next) => rest = next,
            None => return true,
        }
    }
}

/// Appends `text` in quoted-printable. LF, CR and CRLF all become CRLF; the result ends with CRLF
/// or is empty.
fn quoted_printable(out: &mut Vec<u8>, text: &[u8]) {
    let mut column = 0;
    let mut rest = text;
    while let Some(&byte) = rest.first() {
        // What is looked at is what is taken: a line without end is read once.
        let room = (QP_LINE - column).max(1);
        let run = rest.iter().take(room).take_while(|&&b| is_plain(b)).count();
        if run > 0 {
            // A "From " at a line's start is changed by old mail stores, so its F is escaped.
            if column == 0 && rest.starts_with(b"From ") {
                out.extend_from_slice(b"=46");
                column = 3;
                rest = rest.get(1..).unwrap_or_default();
                continue;
            }
            let (taken, tail) = rest.split_at(run.min(QP_LINE - column));
            out.extend_from_slice(taken);
            column += taken.len();
            rest = tail;
            if column == QP_LINE && rest.first().is_some_and(|&b| b != b'\n' && b != b'\r') {
                out.extend_from_slice(b"=\r\n");
                column = 0;
            }
            continue;
        }
        rest = rest.get(1..).unwrap_or_default();
        if byte == b'\n' || byte == b'\r' {
            if byte == b'\r' {
                rest = rest.strip_prefix(b"\n").unwrap_or(rest);
            }
            escape_last_blank(out, &mut column);
            out.extend_from_slice(b"\r\n");
            column = 0;
            continue;
        }
        if column + 3 > QP_LINE {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        out.extend_from_slice(&[b'=', hex_digit(byte >> 4), hex_digit(byte & 15)]);
        column += 3;
    }
    escape_last_blank(out, &mut column);
    if column > 0 {
        out.extend_from_slice(b"\r\n");
    }
}

/// A blank before a line end would be lost on the way (RFC 2045 6.7 (3)).
fn escape_last_blank(out: &mut Vec<u8>, column: &mut usize) {
    if *column == 0 {
        return;
    }
    let escape: &[u8] = match out.last() {
        Some(b' ') => b"=20",
        Some(b'\t') => b"=09",
        _ => return,
    };
    out.truncate(out.len() - 1);
    if *column + 2 > QP_LINE {
        out.extend_from_slice(b"=\r\n");
        *column = 0;
    }
    out.extend_from_slice(escape);
    *column += 3;
}

/// Whether quoted-printable leaves the octet as it is.
fn is_plain(b: u8) -> bool {
    PLAIN.get(usize::from(b)).is_some_and(|&plain| plain)
}

const PLAIN: [bool; 256] = {
    let mut table = [false; 256];
    let mut rest = table.as_mut_slice();
    let mut b = 0;
    while let [first, tail @ ..] = rest {
        *first = b >= 0x20 && b < 0x7f && b != b'=' as usize || b == b'\t' as usize;
        b += 1;
        rest = tail;
    }
    table
};

/// Appends `content` in base64, lines of 76.
pub(crate) fn base64_lines(out: &mut Vec<u8>, content: &[u8]) {
    out.reserve(content.len().div_ceil(BASE64_CHUNK) * (BASE64_LINE + 2));
    let mut encoded = [0; BASE64_LINE * BASE64_LINES];
    for chunk in content.chunks(BASE64_CHUNK * BASE64_LINES) {
        // The buffer holds what the chunk becomes.
        let length = BASE64.encode_slice(chunk, &mut encoded).unwrap_or_default();
        for line in encoded.get(..length).unwrap_or_default().chunks(BASE64_LINE) {
            out.extend_from_slice(line);
            out.extend_from_slice(b"\r\n");
        }
    }
}

/// `text` with every line end as CRLF.
pub(crate) fn with_crlf(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\r', b'\n', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len() + text.len() / 32);
    push_crlf(&mut out, text);
    Cow::Owned(out)
}

fn push_crlf(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
        let (line, tail) = rest.split_at(at);
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
        rest = tail.strip_prefix(b"\r\n").or_else(|| tail.get(1..)).unwrap_or_default();
    }
    out.extend_from_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_printable_lines() {
        let check = |text: &str, want: &str| {
            let mut out = Vec::new();
            quoted_printable(&mut out, text.as_bytes());
            assert_eq!(String::from_utf8(out).unwrap(), want, "{text:?}");
        };
        let a75 = "a".repeat(75);
        check("", "");
        check("a = ü", "a =3D =C3=BC\r\n");
        check("a \nb\t\r\nc\rd ", "a=20\r\nb=09\r\nc\r\nd=20\r\n");
        check("From x\nxFrom y", "=46rom x\r\nxFrom y\r\n");
        check(&format!("{a75}\n"), &format!("{a75}\r\n"));
        check(&format!("{a75}b"), &format!("{a75}=\r\nb\r\n"));
        check(&format!("{}ü", "a".repeat(73)), &format!("{}=\r\n=C3=BC\r\n", "a".repeat(73)));
        check(&format!("{} \n", "a".repeat(74)), &format!("{}=\r\n=20\r\n", "a".repeat(74)));
        check(&format!("{a75} \n"), &format!("{a75}=\r\n=20\r\n"));
    }

    #[test]
    fn a_line_without_end_takes_no_longer_than_many() {
        let mut out = Vec::new();
        quoted_printable(&mut out, &vec![b'a'; 4_000_000]);
        assert_eq!(out.len(), 4_000_000 + 4_000_000_usize.div_ceil(QP_LINE) * 3 - 1);
    }

    #[test]
    fn transfer_by_content() {
        let check = |text: &str, want: Transfer| {
            assert_eq!(Transfer::of(text.as_bytes()), want, "{text:?}");
            let mut out = Vec::new();
            want.write(&mut out, text.as_bytes());
            assert!(out.is_empty() == text.is_empty() && (out.is_empty() || out.ends_with(b"\r\n")));
        };
        let (fits, long) = ("a".repeat(998), "a".repeat(999));
        check("", Transfer::SevenBit);
        check("Plain = text\nFrom\r\n\n.\n-- \r=", Transfer::QuotedPrintable);
        check("Plain = text\nFrom\r\n\n.\n--\ttab=", Transfer::SevenBit);
        check(&format!("{fits}\r\n{fits}\n{fits}"), Transfer::SevenBit);
        check(&format!("x\n{long}\nx"), Transfer::QuotedPrintable);
        check("x\nFrom here", Transfer::QuotedPrintable);
        check("x\n--=_a", Transfer::QuotedPrintable);
        check("blank \r\n", Transfer::QuotedPrintable);
        check("tab\t", Transfer::QuotedPrintable);
        check("bare\rcr", Transfer::QuotedPrintable);
        check("at the end\r", Transfer::QuotedPrintable);
        check("a NUL \0 in it, and some text", Transfer::QuotedPrintable);
        check("größer als von der Werkstatt erwartet", Transfer::QuotedPrintable);
        check("山田", Transfer::Base64);
    }

    #[test]
    fn base64_by_lines() {
        let mut out = Vec::new();
        base64_lines(&mut out, &[0; 58]);
        assert_eq!(out, [&[b'A'; 76][..], b"\r\nAA==\r\n"].concat());
        assert_eq!(with_crlf(b"a\nb\rc\r\nd").as_ref(), b"a\r\nb\r\nc\r\nd");
    }
}
