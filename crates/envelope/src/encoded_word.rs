//! Reads encoded words (RFC 2047) in text of a header field.

use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use std::borrow::Cow;

/// Mailers leave padding out, so both forms are read.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Decodes every encoded word in `text`; blanks between two of them vanish (RFC 2047 6.2). Words of
/// an unknown charset and broken ones stay as they are. One pass. The result may hold any
/// character, control characters too: check it after decoding.
pub fn decode_words(text: &str) -> Cow<'_, str> {
    if !text.contains("=?") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut run = Run::default();
    let mut rest = text;
    while let Some(start) = rest.find("=?") {
        let (before, from) = rest.split_at(start);
        let Some((word, after)) = cut(from) else {
            run.flush(&mut out);
            out.push_str(before);
            let (mark, further) = from.split_at(2);
            out.push_str(mark);
            rest = further;
            continue;
        };
        if !(run.open && before.bytes().all(|b| b == b' ' || b == b'\t')) {
            run.flush(&mut out);
            out.push_str(before);
        }
        run.add(word, &mut out);
        rest = after;
    }
    run.flush(&mut out);
    out.push_str(rest);
    Cow::Owned(out)
}

#[derive(Clone, Copy, PartialEq)]
enum Charset {
    Utf8,
    Latin1,
}

struct Word {
    charset: Charset,
    octets: Vec<u8>,
}

/// Adjacent words of UTF-8: joined before decoding, since senders split characters between words.
#[derive(Default)]
struct Run {
    open: bool,
    octets: Vec<u8>,
}

impl Run {
    fn add(&mut self, word: Word, out: &mut String) {
        match word.charset {
            Charset::Utf8 => self.octets.extend_from_slice(&word.octets),
            Charset::Latin1 => {
                self.flush(out);
                out.extend(word.octets.iter().map(|&b| char::from(b)));
            }
        }
        self.open = true;
    }

    fn flush(&mut self, out: &mut String) {
        out.push_str(&String::from_utf8_lossy(&self.octets));
        self.octets.clear();
        self.open = false;
    }
}

/// Longest encoded word that is read; longer than RFC 2047's 75 because senders exceed it.
const MAX_WORD: usize = 1000;

/// Cuts `=?charset?q|b?text?=` off the front.
fn cut(from: &str) -> Option<(Word, &str)> {
    let mut end = from.len().min(MAX_WORD);
    while !from.is_char_boundary(end) {
        end -= 1;
    }
    let window = from.get(2..end)?;
    let (charset, tail) = window.split_once('?')?;
    let (encoding, tail) = tail.split_once('?')?;
    let (text, _) = tail.split_once("?=")?;
    if !text.is_ascii() || text.bytes().any(|b| b == b' ' || b == b'?') {
        return None;
    }
    let charset = match charset.split('*').next()?.to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" | "us-ascii" | "ascii" => Charset::Utf8,
        "iso-8859-1" | "latin1" => Charset::Latin1,
        _ => return None,
    };
    let octets = match encoding {
        "q" | "Q" => decode_q(text)?,
        "b" | "B" => BASE64.decode(text).ok()?,
        _ => return None,
    };
    let used = 2 + window.len() - tail.len() + text.len() + 2;
    Some((Word { charset, octets }, from.get(used..)?))
}

fn decode_q(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(b) = bytes.next() {
        out.push(match b {
            b'_' => b' ',
            b'=' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                (high * 16 + low) as u8
            }
            _ => b,
        });
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::decode_words;

    #[test]
    fn words_are_decoded_and_joined() {
        let check = |text: &str, want: &str| assert_eq!(decode_words(text), want, "{text:?}");
        check("plain", "plain");
        check("=?utf-8?q?J=C3=BCrgen?=", "Jürgen");
        check("=?UTF-8?B?SsO8cmdlbg?= X", "Jürgen X");
        check("a =?utf-8?q?b?= =?utf-8?q?c_d?= e", "a bc d e");
        check("=?utf-8?q?J=C3?= =?utf-8?q?=BCrgen?=", "Jürgen");
        check("=?iso-8859-1?Q?J=FCrgen?= =?utf-8?q?!?=", "Jürgen!");
        check("=?koi8-r?q?=C1?=", "=?koi8-r?q?=C1?=");
        check("=?utf-8?q?=G1?=", "=?utf-8?q?=G1?=");
        check("=?utf-8?q?a", "=?utf-8?q?a");
        check("=?", "=?");
        check("=?é?é?=", "=?é?é?=");
        check("=?utf-8?q??= x", " x");
    }
}
