//! Writes header fields: folding, encoded words, mailboxes (RFC 5322 2.2.3, RFC 2047).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use envelope::Mailbox;

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
pub(crate) fn unstructured(name: &str, value: &str) -> String {
    let plain = value.bytes().all(|b| (b' '..=b'~').contains(&b) || b == b'\t')
        && !value.contains("=?")
        && !value.starts_with([' ', '\t'])
        && !value.ends_with([' ', '\t'])
        && value.split([' ', '\t']).all(|word| name.len() + word.len() < MAX_LINE - 40);
    if plain {
        return value.to_owned();
    }
    let mut out = String::with_capacity(value.len() * 2);
    encoded_words(&mut out, value, name.len() + 2);
    out
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
        Some(name) if is_phrase(name) || !name.is_ascii() && !name.contains(SPECIALS) => {
            format!("{name} <{address}>")
        }
        Some(name) => format!("{} <{address}>", quote(name)),
    }
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
    !name.contains("=?")
        && name.split(' ').all(|word| {
            !word.is_empty()
                && word.len() < 70
                && word.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&b))
        })
}

fn quote(name: &str) -> String {
    format!("\"{}\"", name.replace('\\', "\\\\").replace('"', "\\\""))
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
    for c in chunk.chars() {
        match c {
            ' ' => out.push('_'),
            _ if is_q_plain(c) => out.push(c),
            _ => c.encode_utf8(&mut [0; 4]).bytes().for_each(|b| put_hex(out, '=', b)),
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
