//! Content transfer encodings: quoted-printable and base64 (RFC 2045 6.7, 6.8).

use crate::header::hex_digit;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::borrow::Cow;

/// Octets of a quoted-printable line before its soft break.
const QP_LINE: usize = 75;
/// Octets that fill one base64 line of 76.
const BASE64_CHUNK: usize = 57;

/// Whether base64 is shorter than quoted-printable for this text.
pub(crate) fn prefers_base64(text: &[u8]) -> bool {
    let escapes = text.iter().filter(|&&b| !is_plain(b) && b != b'\n' && b != b'\r').count();
    escapes * 6 > text.len()
}

/// Appends `text` in quoted-printable. LF, CR and CRLF all become CRLF; the result ends with CRLF
/// or is empty.
pub(crate) fn quoted_printable(out: &mut Vec<u8>, text: &[u8]) {
    let mut column = 0;
    let mut rest = text;
    while let Some(&byte) = rest.first() {
        let run = rest.iter().position(|&b| !is_plain(b)).unwrap_or(rest.len());
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

fn is_plain(b: u8) -> bool {
    (b' '..=b'~').contains(&b) && b != b'=' || b == b'\t'
}

/// Appends `content` in base64, lines of 76.
pub(crate) fn base64_lines(out: &mut Vec<u8>, content: &[u8]) {
    let mut line = String::with_capacity(80);
    out.reserve(content.len().div_ceil(BASE64_CHUNK) * 78);
    for chunk in content.chunks(BASE64_CHUNK) {
        line.clear();
        STANDARD.encode_string(chunk, &mut line);
        line.push_str("\r\n");
        out.extend_from_slice(line.as_bytes());
    }
}

/// `text` with every line end as CRLF.
pub(crate) fn with_crlf(text: &[u8]) -> Cow<'_, [u8]> {
    if memchr::memchr2(b'\r', b'\n', text).is_none() {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len() + text.len() / 32);
    let mut rest = text;
    while let Some(at) = memchr::memchr2(b'\r', b'\n', rest) {
        let (line, tail) = rest.split_at(at);
        out.extend_from_slice(line);
        out.extend_from_slice(b"\r\n");
        rest = tail.strip_prefix(b"\r\n").or_else(|| tail.get(1..)).unwrap_or_default();
    }
    out.extend_from_slice(rest);
    Cow::Owned(out)
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
    fn base64_by_content() {
        assert!(!prefers_base64(b"Plain = text"));
        assert!(prefers_base64("山田".as_bytes()));
        let mut out = Vec::new();
        base64_lines(&mut out, &[0; 58]);
        assert_eq!(out, [&[b'A'; 76][..], b"\r\nAA==\r\n"].concat());
        assert_eq!(with_crlf(b"a\nb\rc\r\nd").as_ref(), b"a\r\nb\r\nc\r\nd");
    }
}
