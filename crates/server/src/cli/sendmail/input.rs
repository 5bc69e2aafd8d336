//! The mail on stdin: where it ends, where its header ends, whom its header names.

use crate::exit::Failure;
use std::io::{self, BufRead};

/// Reads a mail of at most `most` octets, to the end or, unless `dots`, to a line with a single dot.
pub(crate) fn read(input: impl BufRead, dots: bool, most: u64) -> Result<Vec<u8>, Failure> {
    let mut input = input.take(most.saturating_add(1));
    let mut mail = Vec::new();
    loop {
        let start = mail.len();
        // A mail broken off by an error of reading is none.
        if input.read_until(b'\n', &mut mail)? == 0 {
            break;
        }
        if !dots && matches!(mail.get(start..), Some(b"." | b".\n" | b".\r\n")) {
            mail.truncate(start);
            break;
        }
    }
    match mail.len() as u64 > most {
        true => Err(Failure::BadMessage(format!("sendmail: the mail is longer than {most} octets"))),
        false => Ok(with_header(mail)),
    }
}

/// Without the line that mailboxes put in front; with an empty line where the header ends, also when
/// the caller wrote none.
fn with_header(mail: Vec<u8>) -> Vec<u8> {
    let start = if mail.starts_with(b"From ") { line(&mail).len() } else { 0 };
    let mail = mail.get(start..).unwrap_or_default();
    let mut end = 0;
    for (place, line) in lines(mail).enumerate() {
        let folded = place > 0 && (line.starts_with(b" ") || line.starts_with(b"\t"));
        if matches!(line, b"\n" | b"\r\n" | b"\r") {
            return mail.to_vec();
        }
        if !folded && !is_field(line) {
            break;
        }
        end += line.len();
    }
    let (header, body) = mail.split_at_checked(end).unwrap_or((mail, b""));
    let open = !header.is_empty() && !header.ends_with(b"\n");
    [header, if open { b"\n\n" } else { b"\n" }, body].concat()
}

/// `Name:` (RFC 5322 3.6.8).
fn is_field(line: &[u8]) -> bool {
    let Some(end) = line.iter().position(|b| *b == b':') else { return false };
    let name = line.get(..end).unwrap_or_default().trim_ascii_end();
    !name.is_empty() && name.iter().all(u8::is_ascii_graphic)
}

fn line(text: &[u8]) -> &[u8] {
    lines(text).next().unwrap_or_default()
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|b| *b == b'\n')
}

/// The recipients that the header names: of its `Resent-` fields if there are some, else of To, Cc and Bcc.
pub(crate) fn recipients(mail: &[u8]) -> Vec<String> {
    let (mut usual, mut resent) = (Vec::new(), Vec::new());
    for field in fields(mail) {
        let Some((name, value)) = field.split_once(':') else { continue };
        match name.trim_end().to_ascii_lowercase().as_str() {
            "to" | "cc" | "bcc" => usual.push(value.trim().to_owned()),
            "resent-to" | "resent-cc" | "resent-bcc" => resent.push(value.trim().to_owned()),
            _ => {}
        }
    }
    let mut found = if resent.is_empty() { usual } else { resent };
    found.retain(|value| !value.is_empty());
    found
}

/// The header's fields, unfolded.
fn fields(mail: &[u8]) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for line in lines(mail) {
        let text = String::from_utf8_lossy(line);
        let text = text.trim_end_matches(['\r', '\n']);
        match all.last_mut() {
            _ if text.is_empty() => break,
            Some(last) if text.starts_with([' ', '\t']) => last.push_str(text),
            Some(_) | None => all.push(text.to_owned()),
        }
    }
    all
}

/// The mail on our own stdin.
pub(crate) fn stdin(dots: bool, most: u64) -> Result<Vec<u8>, Failure> {
    read(io::stdin().lock(), dots, most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[track_caller]
    fn check(input: &str, dots: bool, expected: &str) {
        let mail = read(input.as_bytes(), dots, 1_000).unwrap();
        assert_eq!(String::from_utf8(mail).unwrap(), expected, "{input:?}");
    }

    #[test]
    fn b10_150_a_dot_ends_the_mail_unless_told_otherwise() {
        check("A: b\n\nx\n.\ny\n", false, "A: b\n\nx\n");
        check("A: b\r\n\r\nx\r\n.\r\ny\r\n", false, "A: b\r\n\r\nx\r\n");
        check("A: b\n\nx\n.", false, "A: b\n\nx\n");
        check("A: b\n\nx\n.\ny\n", true, "A: b\n\nx\n.\ny\n");
        check("A: b\n\n..\n.x\n", false, "A: b\n\n..\n.x\n");
        check("A: b\n\nno end", false, "A: b\n\nno end");
    }

    #[test]
    fn a_mail_without_header_gets_an_empty_one() {
        check("hello\nyou: there\n", false, "\nhello\nyou: there\n");
        check("A: b\n c\nhello you\n", false, "A: b\n c\n\nhello you\n");
        check("A: b", false, "A: b\n\n");
        check("", false, "\n");
        check("From ada Mon Nov 23\nA: b\n\nx\n", false, "A: b\n\nx\n");
        check("\nbody: x\n", false, "\nbody: x\n");
    }

    #[test]
    fn b10_150_recipients_come_from_the_header() {
        let check = |mail: &str, expected: &[&str]| {
            assert_eq!(recipients(mail.as_bytes()), expected, "{mail:?}");
        };
        check("To: a@b,\n c@d\nCC: e@f\nbcc : g@h\n\nTo: body@x\n", &["a@b, c@d", "e@f", "g@h"]);
        check("To: a@b\r\nResent-To: c@d\r\nResent-Bcc: e@f\r\n\r\n", &["c@d", "e@f"]);
        check("Subject: x\n\n", &[]);
        check("To:\n\n", &[]);
    }

    #[test]
    fn b10_152_a_mail_without_end_is_refused() {
        assert!(read(io::BufReader::new(io::repeat(b'x')), true, 1_000).is_err());
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::ErrorKind::ConnectionReset.into())
            }
        }
        let broken = b"To: a@b\n\nhalf".as_slice().chain(Broken);
        assert!(read(io::BufReader::new(broken), true, 1_000).is_err());
    }
}
