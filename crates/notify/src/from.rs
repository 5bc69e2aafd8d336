//! The display name of mails that somebody's doing caused (`FROM_DISPLAY_NAME_FORMAT`).

/// A pattern of text and `{{ .DisplayName }}`, `{{ .AppName }}`, `{{ .Domain }}`, as the reference's
/// settings write it; `{{ display_name }}` and so on is the same.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FromFormat(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    DisplayName,
    AppName,
    Domain,
}

/// Why a pattern is none.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}; write text with {{{{ .DisplayName }}}}, {{{{ .AppName }}}} and {{{{ .Domain }}}}")]
pub struct FromFormatError(String);

impl Default for FromFormat {
    fn default() -> Self {
        Self(vec![Piece::DisplayName])
    }
}

impl FromFormat {
    /// Reads a pattern. `{{-` and `-}}` take the blanks beside them away.
    ///
    /// # Errors
    /// A tag is not closed or names something else.
    pub fn parse(text: &str) -> Result<Self, FromFormatError> {
        let (mut pieces, mut rest, mut trim) = (Vec::new(), text, false);
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((tag, behind)) = after.split_once("}}") else {
                return Err(FromFormatError(format!("{{{{{after} is not closed")));
            };
            let left = tag.strip_prefix('-').filter(|t| t.starts_with(char::is_whitespace));
            let before = if trim { before.trim_start() } else { before };
            let before = if left.is_some() { before.trim_end() } else { before };
            let tag = left.unwrap_or(tag);
            let right = tag.strip_suffix('-').filter(|t| t.ends_with(char::is_whitespace));
            pieces.push(Piece::Text(before.to_owned()));
            pieces.push(variable(right.unwrap_or(tag).trim())?);
            (rest, trim) = (behind, right.is_some());
        }
        pieces.push(Piece::Text(if trim { rest.trim_start() } else { rest }.to_owned()));
        pieces.retain(|piece| !matches!(piece, Piece::Text(text) if text.is_empty()));
        Ok(Self(pieces))
    }

    /// The name on a mail; white space collapsed, `display_name` alone when nothing is left.
    pub fn fill(&self, display_name: &str, app_name: &str, domain: &str) -> String {
        let text = |piece: &Piece| match piece {
            Piece::Text(text) => text.clone(),
            Piece::DisplayName => display_name.to_owned(),
            Piece::AppName => app_name.to_owned(),
            Piece::Domain => domain.to_owned(),
        };
        let filled: String = self.0.iter().map(text).collect();
        let line = one_line(&filled);
        if line.is_empty() { one_line(display_name) } else { line }
    }
}

fn variable(tag: &str) -> Result<Piece, FromFormatError> {
    match tag.strip_prefix('.').unwrap_or(tag) {
        "DisplayName" | "display_name" => Ok(Piece::DisplayName),
        "AppName" | "app_name" => Ok(Piece::AppName),
        "Domain" | "domain" => Ok(Piece::Domain),
        other => Err(FromFormatError(format!("{other:?} is not known here"))),
    }
}

/// White space and control characters become single blanks.
pub(crate) fn one_line(text: &str) -> String {
    let blank = |c: char| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c };
    let plain: String = text.chars().map(blank).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_filled_in() {
        let check = |pattern: &str, name: &str, want: &str| {
            let format = FromFormat::parse(pattern).unwrap();
            assert_eq!(format.fill(name, "Forge", "git.example"), want, "{pattern}");
        };
        let plain = "{{ .DisplayName }}";
        for name in ["test", "Hi Its <Mee>", "Æsir", "new😀user"] {
            check(plain, name, name);
        }
        let long = "{{ .DisplayName }} (by {{ .AppName }} on [{{ .Domain }}])";
        check(long, "Mister X", "Mister X (by Forge on [git.example])");
        check("{{.DisplayName}} via {{app_name}}", "Ada", "Ada via Forge");
        check("{{ display_name -}} , {{- .Domain }}", "Ada", "Ada,git.example");
        check("", "Ada", "Ada");
        check("no-reply", "Ada", "no-reply");
        check(plain, "Ada\r\nBcc: x@y.z", "Ada Bcc: x@y.z");
        assert_eq!(FromFormat::default(), FromFormat::parse(plain).unwrap());
    }

    #[test]
    fn what_is_no_pattern_is_told() {
        for (pattern, word) in [
            ("{{ .Name }}", "Name"),
            ("{{ .DisplayName", "closed"),
            ("{{ printf \"x\" }}", "printf"),
            ("{{}}", "\"\""),
        ] {
            let error = FromFormat::parse(pattern).unwrap_err().to_string();
            assert!(error.contains(word) && error.contains("{{ .DisplayName }}"), "{error}");
        }
    }
}
