//! The subject: one plain line.

/// Characters of a subject, as the reference cuts it.
const LONGEST: usize = 256;

/// White space collapsed, ends trimmed, cut to 256 characters; `None`: nothing is left.
pub(crate) fn one_line(text: &str) -> Option<String> {
    let mut line = String::with_capacity(text.len().min(LONGEST * 4));
    for word in text.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    if let Some((end, _)) = line.char_indices().nth(LONGEST) {
        line.truncate(end);
        line.truncate(line.trim_end().len());
    }
    (!line.is_empty()).then_some(line)
}

/// What may not come into a subject by a value: it could end the line, or is not to be seen.
pub(crate) fn breaks(value: &str) -> bool {
    value.chars().any(|c| c.is_control() && c != '\t' || matches!(c, '\u{2028}' | '\u{2029}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_is_one_line() {
        assert_eq!(one_line("  a\n\t b \r\n"), Some("a b".into()));
        assert_eq!(one_line(" \n "), None);
        assert_eq!(one_line(&"ä".repeat(300)), Some("ä".repeat(256)));
        assert_eq!(one_line(&format!("{} b", "a".repeat(255))), Some("a".repeat(255)));
        assert!(breaks("a\r\nBcc: b") && breaks("\u{0}") && breaks("\u{85}") && breaks("\u{2028}"));
        assert!(!breaks("a\tb äöü 🙂"));
    }
}
