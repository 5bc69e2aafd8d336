//! Subject and body of one file: parted by the first line of three or more dashes.

/// The two halves, and how many lines stand before the body.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Halves<'a> {
    /// `None`: there is no such line, or nothing above it.
    pub(crate) subject: Option<&'a str>,
    pub(crate) body: &'a str,
    pub(crate) lines_before: usize,
}

/// Parts a source where `^-{3,}\s*$` first matches (spec of the reference): the line may end in blanks,
/// and blank lines that follow belong to it. Without one all is body.
pub(crate) fn split(text: &str) -> Halves<'_> {
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        let end = at + line.len();
        if is_rule(line) {
            let (above, below) = (text.get(..at).unwrap_or(""), text.get(end..).unwrap_or(""));
            let body = after_blank_lines(below);
            let before = text.len() - body.len();
            let lines_before = text.get(..before).unwrap_or("").matches('\n').count();
            let subject = Some(above).filter(|s| !s.trim().is_empty());
            return Halves { subject, body, lines_before };
        }
        at = end;
    }
    Halves { subject: None, body: text, lines_before: 0 }
}

fn is_rule(line: &str) -> bool {
    let dashes = line.trim_ascii_end();
    dashes.len() >= 3 && dashes.bytes().all(|b| b == b'-')
}

fn after_blank_lines(mut text: &str) -> &str {
    while let Some((line, rest)) = text.split_once('\n') {
        if !line.trim_ascii().is_empty() {
            break;
        }
        text = rest;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_parts() {
        for (text, subject, body, lines_before) in [
            ("Hi\n---\nbody\n", Some("Hi\n"), "body\n", 2),
            ("Hi\r\n---- \t\r\nbody", Some("Hi\r\n"), "body", 2),
            ("Hi\n---\n\n  \n  body", Some("Hi\n"), "  body", 4),
            ("a\nb\n-----\nx\n---\ny", Some("a\nb\n"), "x\n---\ny", 3),
            ("Hi\n--\nbody", None, "Hi\n--\nbody", 0),
            ("Hi\n --- \nbody", None, "Hi\n --- \nbody", 0),
            ("Hi\n---x\nbody", None, "Hi\n---x\nbody", 0),
            ("---\nbody", None, "body", 1),
            ("\n \n---\nbody", None, "body", 3),
            ("Hi\n---", Some("Hi\n"), "", 1),
            ("", None, "", 0),
        ] {
            assert_eq!(split(text), Halves { subject, body, lines_before }, "{text:?}");
        }
    }
}
