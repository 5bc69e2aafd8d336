//! What a source is, by its name.

use crate::language::Language;

/// The job of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Name {
    /// A mail, or a part of one.
    Mail { id: String, language: Option<Language>, part: Part },
    /// Not a mail by itself: others extend or include it.
    Piece,
    /// Translations.
    Catalogue { language: Language, toml: bool },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Part {
    Html,
    Text,
    /// Sample data.
    Sample,
}

/// Folders, at any depth, whose files are no mails; so is every folder and file that starts with `_`.
const PIECES: [&str; 2] = ["layouts", "partials"];
const CATALOGUES: &str = "locale/";
const LONGEST: usize = 200;

impl Name {
    /// # Errors
    /// Why no source may have that name.
    pub(crate) fn read(path: &str) -> Result<Self, String> {
        let segments: Vec<&str> = path.split('/').collect();
        let odd = |c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c));
        let bad = |s: &&str| s.is_empty() || s.starts_with('.') || s.contains("..") || s.contains(odd);
        if path.len() > LONGEST || segments.iter().any(bad) {
            return Err(format!(
                "no template may have this name; use letters, digits, - and _, at most {LONGEST} characters"
            ));
        }
        let (stem, ending) = path.rsplit_once('.').unwrap_or((path, ""));
        if let Some(tag) = stem.strip_prefix(CATALOGUES) {
            return catalogue(tag, ending);
        }
        let part = match ending {
            "html" => Part::Html,
            "txt" => Part::Text,
            "json" => Part::Sample,
            "mjml" => return Err("MJML is not in this version; render it to HTML and keep that here".into()),
            _ => return Err("unknown ending; there are .html, .txt and .json, and locale/*.toml".into()),
        };
        if segments.iter().any(|s| s.starts_with('_') || PIECES.contains(s)) {
            return Ok(Self::Piece);
        }
        let (id, language) = match stem.rsplit_once('.') {
            None => (stem, None),
            Some((id, tag)) => match Language::parse(tag) {
                Some(language) => (id, Some(language)),
                None => return Err(format!("{tag:?} is no language tag such as de or de-AT")),
            },
        };
        match id.contains('.') {
            true => Err("dots stand before language and ending only: id.de.html".into()),
            false => Ok(Self::Mail { id: id.to_owned(), language, part }),
        }
    }
}

fn catalogue(tag: &str, ending: &str) -> Result<Name, String> {
    let language = Language::parse(tag).ok_or_else(|| format!("{tag:?} is no language tag such as de"))?;
    match ending {
        "toml" | "json" => Ok(Name::Catalogue { language, toml: ending == "toml" }),
        _ => Err("translations are .toml or .json".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        let said = match Name::read(path) {
            Ok(Name::Mail { id, language, part }) => {
                format!("{id} {} {part:?}", language.map_or("-".into(), |l| l.to_string()))
            }
            Ok(Name::Piece) => "piece".into(),
            Ok(Name::Catalogue { language, .. }) => format!("catalogue {language}"),
            Err(_) => "refused".into(),
        };
        assert_eq!(said, expected, "{path}");
    }

    #[test]
    fn names_tell_the_job() {
        check("welcome.html", "welcome - Html");
        check("issue/default.de.html", "issue/default de Html");
        check("issue/default.de-at.txt", "issue/default de-AT Text");
        check("issue/default.json", "issue/default - Sample");
        check("_layouts/mail.html", "piece");
        check("shop/_head.html", "piece");
        check("partials/button.html", "piece");
        check("locale/de.toml", "catalogue de");
        check("locale/pt_BR.json", "catalogue pt-BR");
        for bad in
            ["../x.html", "/etc/passwd", "a//b.html", "a.b.html", "a.exe", ".x.html", "a/..html", "x\0.html"]
        {
            check(bad, "refused");
        }
        check("a.mjml", "refused");
    }
}
