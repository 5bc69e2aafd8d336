//! A command line split into words as a POSIX shell and Gitea do. Nothing is expanded, and `#` is a letter.

use std::iter::Peekable;
use std::str::Chars;

/// An open quote, or a backslash at the end.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Unclosed;

/// The words; text in quotes belongs to the word it touches.
pub(crate) fn split(text: &str) -> Result<Vec<String>, Unclosed> {
    let (mut words, mut letters) = (Vec::new(), text.chars().peekable());
    loop {
        while letters.next_if(|c| is_space(*c)).is_some() {}
        if letters.peek().is_none() {
            return Ok(words);
        }
        words.push(word(&mut letters)?);
    }
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n')
}

fn word(letters: &mut Peekable<Chars<'_>>) -> Result<String, Unclosed> {
    let mut word = String::new();
    while let Some(c) = letters.next_if(|c| !is_space(*c)) {
        match c {
            '\'' => loop {
                match letters.next().ok_or(Unclosed)? {
                    '\'' => break,
                    c => word.push(c),
                }
            },
            '"' => in_double_quotes(letters, &mut word)?,
            // A backslash before a line end joins the lines.
            '\\' => word.extend(Some(letters.next().ok_or(Unclosed)?).filter(|c| *c != '\n')),
            c => word.push(c),
        }
    }
    Ok(word)
}

fn in_double_quotes(letters: &mut Peekable<Chars<'_>>, word: &mut String) -> Result<(), Unclosed> {
    loop {
        match letters.next().ok_or(Unclosed)? {
            '"' => return Ok(()),
            '\\' => match letters.next().ok_or(Unclosed)? {
                '\n' => {}
                c @ ('$' | '`' | '"' | '\\') => word.push(c),
                c => word.extend(['\\', c]),
            },
            c => word.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words() {
        for (text, expected) in [
            ("", &[][..]),
            ("  \t\n ", &[]),
            ("a  b\tc", &["a", "b", "c"]),
            ("-o \"a b\" 'c d' e\\ f", &["-o", "a b", "c d", "e f"]),
            ("a'b'\"c\"d", &["abcd"]),
            ("'' \"\"", &["", ""]),
            ("$HOME *.x #y a#b", &["$HOME", "*.x", "#y", "a#b"]),
            (r#""\$ \` \" \\ \x""#, &[r#"$ ` " \ \x"#]),
            (r"'\x' \x \\", &[r"\x", "x", "\\"]),
            ("a\\\nb \"c\\\nd\"", &["ab", "cd"]),
        ] {
            assert_eq!(
                split(text).as_deref(),
                Ok(expected.iter().map(|w| (*w).to_owned()).collect::<Vec<_>>()).as_deref(),
                "{text}"
            );
        }
        for text in ["'a", "\"a", "a\\", "\"a\\", "a 'b c"] {
            assert_eq!(split(text), Err(Unclosed), "{text}");
        }
    }
}
