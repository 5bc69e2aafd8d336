//! Writes header fields: folding, encoded words, mailboxes (RFC 5322 2.2.3, RFC 2047).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use envelope::Mailbox;
use std::borrow::Cow;

/// Octets of a header line that a fold can keep (RFC 5322 2.1.1).
const FOLD: usize = 78;
/// Octets of any line.
pub(crate) const MAX_LINE: usize = 998;
/// Octets of an encoded word, and of the line it ends (RFC 2047 2).
const MAX_WORD: usize = 75;
/// `=?UTF-8?Q?` and `?=`.
const WORD_FRAME: usize = 12;

/// Appends `name: value` whose value is written already; folds before blanks. False when some line
/// stays longer than 998 octets.
pub(crate) fn put(out: &mut Vec<u8>, name: &str, value: &str) -> bool {
    out.extend_from_slice(name.as_bytes());
    out.push(b':');
    let mut column = name.len() + 1;
    if column + 1 + value.len() <= FOLD && !value.is_empty() {
        out.push(b' ');
        out.extend_from_slice(value.as_bytes());
        out.extend_from_slice(b"\r\n");
        return true;
    }
    let mut fits = true;
    let mut rest = value;
    let mut first = true;
    while !rest.is_empty() {
        let blanks = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        let word = rest.get(blanks..).unwrap_or_default();
        let end = blanks + memchr::memchr2(b' ', b'\t', word.as_bytes()).unwrap_or(word.len());
        let (token, tail) = rest.split_at(end);
        if first {
            out.push(b' ');
            column += 1;
        } else if column + token.len() > FOLD {
            out.extend_from_slice(b"\r\n");
            column = 0;
        }
        out.extend_from_slice(token.as_bytes());
        column += token.len();
        fits &= column <= MAX_LINE;
        first = false;
        rest = tail;
    }
    out.extend_from_slice(b"\r\n");
    fits
}

/// The value of an unstructured field: as it is when it can travel so, else in encoded words.
pub(crate) fn unstructured<'a>(name: &str, value: &'a str) -> Cow<'a, str> {
    if is_plain(value, (MAX_LINE - 40).saturating_sub(name.len())) {
        return Cow::Borrowed(value);
    }
    let mut out = String::with_capacity(value.len() * 2);
    encoded_words(&mut out, value, name.len() + 2);
    Cow::Owned(out)
}

/// Printable ASCII without blanks at its ends, without what looks like an encoded word, and with words
/// below `longest` octets.
fn is_plain(value: &str, longest: usize) -> bool {
    let blank = |b: Option<&u8>| matches!(b, Some(b' ' | b'\t'));
    let bytes = value.as_bytes();
    let odd = bytes.iter().fold(false, |odd, &b| odd | !(matches!(b, b' '..=b'~') | (b == b'\t')));
    let before = |at: usize| at.checked_sub(1).and_then(|at| bytes.get(at));
    !odd && !blank(bytes.first())
        && !blank(bytes.last())
        && !memchr::memchr_iter(b'?', bytes).any(|at| before(at) == Some(&b'='))
        && (bytes.len() < longest || value.split([' ', '\t']).all(|word| word.len() < longest))
}

/// The value of an address field: mailboxes by comma.
pub(crate) fn mailboxes(name: &str, list: &[Mailbox]) -> String {
    let mut out = String::with_capacity(list.len() * 40);
    for mailbox in list {
        let column = if out.is_empty() { name.len() + 2 } else { 1 };
        if !out.is_empty() {
            out.push_str(", ");
        }
        match mailbox.name.as_deref() {
            Some(name) => {
                put_name(&mut out, name, column);
                out.push_str(" <");
                out.push_str(mailbox.address.as_str());
                out.push('>');
            }
            None => out.push_str(mailbox.address.as_str()),
        }
    }
    out
}

/// A display name as it stands before `<` in a header field: atoms, a quoted string, or encoded words.
pub fn display_name(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 2);
    put_name(&mut out, name, 1);
    out
}

/// A mailbox for people: `Name <a@b>` or `a@b`, the name decoded, the domain in Unicode.
pub fn mailbox_text(mailbox: &Mailbox) -> String {
    let address = mailbox.address.display();
    match mailbox.name.as_deref() {
        None => address.into_owned(),
        Some(name) if is_phrase(name) || !name.is_ascii() && reads_alone(name) => {
            [name, " <", &address, ">"].concat()
        }
        Some(name) => [&quote(name), " <", &address, ">"].concat(),
    }
}

/// Whether a name for people needs no quotes: it is read back as it is.
fn reads_alone(name: &str) -> bool {
    !name.contains(SPECIALS) && !name.contains("=?") && !name.contains("  ") && name.trim() == name
}

const SPECIALS: [char; 13] = ['(', ')', '<', '>', '[', ']', ':', ';', '@', '\\', ',', '"', '.'];

fn put_name(out: &mut String, name: &str, column: usize) {
    let ascii = name.bytes().all(|b| (b' '..=b'~').contains(&b));
    if is_phrase(name) {
        out.push_str(name);
    } else if ascii && !name.contains("=?") && name.trim() == name && name.split(' ').all(|w| w.len() < 70) {
        out.push_str(&quote(name));
    } else {
        encoded_words(out, name, column);
    }
}

/// Atoms with single blanks between them, which need no quotes.
fn is_phrase(name: &str) -> bool {
    let mut word = 0;
    let mut before = 0;
    for &b in name.as_bytes() {
        if b == b' ' && word > 0 {
            word = 0;
        } else if is_atom(b) && word < 69 && !(before == b'=' && b == b'?') {
            word += 1;
        } else {
            return false;
        }
        before = b;
    }
    word > 0
}

fn is_atom(b: u8) -> bool {
    b.is_ascii_alphanumeric()
        || matches!(b, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'/' | b'=' | b'?' | b'^'..=b'`' | b'{'..=b'~')
}

fn quote(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    out.push('"');
    for c in name.chars() {
        if matches!(c, '\\' | '"') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// Encoded words of at most 75 octets, one blank between them; no character is split. `column` is
/// where the first one starts. Q with the characters a phrase allows, or B where that is shorter.
fn encoded_words(out: &mut String, text: &str, column: usize) {
    let q_length: usize = text.chars().map(q_cost).sum();
    let in_q = q_length <= text.len().div_ceil(3) * 4;
    let mut room = MAX_WORD.saturating_sub(WORD_FRAME + column).max(16);
    let mut rest = text;
    loop {
        let (chunk, tail) = cut(rest, room, in_q);
        put_word(out, chunk, in_q);
        rest = tail;
        if rest.is_empty() {
            return;
        }
        out.push(' ');
        room = MAX_WORD - WORD_FRAME;
    }
}

/// The longest start of `text` whose encoded form has at most `room` octets; at least one character.
fn cut(text: &str, room: usize, in_q: bool) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += if in_q { q_cost(c) } else { c.len_utf8() };
        let length = if in_q { used } else { used.div_ceil(3) * 4 };
        if length > room && at > 0 {
            return text.split_at(at);
        }
    }
    (text, "")
}

fn q_cost(c: char) -> usize {
    if is_q_plain(c) || c == ' ' { 1 } else { 3 * c.len_utf8() }
}

/// RFC 2047 5 (3): what Q may leave as it is inside a phrase.
fn is_q_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '!' | '*' | '+' | '-' | '/')
}

fn put_word(out: &mut String, chunk: &str, in_q: bool) {
    if !in_q {
        out.push_str("=?UTF-8?B?");
        STANDARD.encode_string(chunk, out);
        out.push_str("?=");
        return;
    }
    out.push_str("=?UTF-8?Q?");
    for b in chunk.bytes() {
        match b {
            b' ' => out.push('_'),
            _ if is_q_plain(char::from(b)) => out.push(char::from(b)),
            _ => put_hex(out, '=', b),
        }
    }
    out.push_str("?=");
}

/// `mark` and two upper-case hex digits.
pub(crate) fn put_hex(out: &mut String, mark: char, byte: u8) {
    out.push(mark);
    out.push(char::from(hex_digit(byte >> 4)));
    out.push(char::from(hex_digit(byte & 15)));
}

/// The upper-case hex digit of `n`, which is below 16.
pub(crate) fn hex_digit(n: u8) -> u8 {
    if n < 10 { b'0' + n } else { b'A' + n - 10 }
}

/// Whether `name` is a field name (RFC 5322 3.6.8) short enough to leave room for a value.
pub(crate) fn is_field_name(name: &str) -> bool {
    (1..=76).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_graphic() && b != b':')
}
