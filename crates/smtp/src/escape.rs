//! Text that a stranger chose, made safe to show.

/// Foreign text with control characters and those that turn or hide text escaped, cut at about
/// `limit` octets.
pub fn escape(text: &str, limit: usize) -> String {
    let mut out = String::with_capacity(text.len().min(limit));
    escape_into(&mut out, text, limit);
    out
}

/// [`escape`], behind what `out` holds already.
pub(crate) fn escape_into(out: &mut String, text: &str, limit: usize) {
    if text.len() <= limit && text.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
        out.push_str(text);
        return;
    }
    let begin = out.len();
    for c in text.chars() {
        if out.len() - begin >= limit {
            out.push_str("...");
            break;
        }
        let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
        if c.is_control() || turns {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
}

/// Text of at most `limit` octets: the middle is cut out, at character borders.
pub fn shorten(text: String, limit: usize) -> String {
    if text.len() <= limit {
        return text;
    }
    const GAP: &str = "\n...\n";
    let half = (limit - GAP.len()) / 2;
    let head = (0..=half).rev().find_map(|at| text.get(..at)).unwrap_or_default();
    let tail = (text.len() - half..=text.len()).find_map(|at| text.get(at..)).unwrap_or_default();
    format!("{head}{GAP}{tail}")
}

#[cfg(test)]
mod tests {
    use super::{escape, shorten};

    #[test]
    fn what_turns_hides_or_controls_is_shown_as_it_is_written() {
        let check = |text: &str, limit, want: &str| assert_eq!(escape(text, limit), want, "{text:?}");
        check("250 Ok", 20, "250 Ok");
        check("a\r\nb\u{1b}[31m\0", 80, "a\\r\\nb\\u{1b}[31m\\u{0}");
        check("abc\u{202e}cba", 80, "abc\\u{202e}cba");
        check("Zürich", 80, "Zürich");
        check("0123456789", 4, "0123...");
        check("01234", 4, "0123...");
        check("0123", 4, "0123");
    }

    #[test]
    fn the_middle_goes_and_both_ends_stay() {
        let check = |text: &str, want: &str| assert_eq!(shorten(text.to_owned(), 15), want, "{text:?}");
        check("", "");
        check("0123456789abcde", "0123456789abcde");
        check("0123456789abcdef", "01234\n...\nbcdef");
        check("ääääääääää", "ää\n...\nää");
    }
}
