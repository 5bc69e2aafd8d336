//! Where the tags of a template stand, and what they name: enough to check names and to tell HTML from tags.

/// A tag: `{{ … }}`, `{% … %}` or `{# … #}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tag<'a> {
    pub(crate) kind: Kind,
    /// Octets of the source, delimiters and all.
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// What stands between the delimiters, without the signs of white space control.
    pub(crate) inside: &'a str,
    /// Where that starts.
    pub(crate) inside_at: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Expression,
    Statement,
    Comment,
    /// `{% raw %}` up to its `{% endraw %}`.
    Raw,
}

/// A piece of a tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Token<'a> {
    Word(&'a str),
    /// A literal, without its quotes.
    Text(&'a str),
    Sign(char),
}

/// The next tag at or after `from`.
pub(crate) fn next_tag(source: &str, from: usize) -> Option<Tag<'_>> {
    let mut at = from;
    loop {
        let brace = at + source.get(at..)?.find('{')?;
        let kind = match source.as_bytes().get(brace + 1) {
            Some(b'{') => Kind::Expression,
            Some(b'%') => Kind::Statement,
            Some(b'#') => Kind::Comment,
            _ => {
                at = brace + 1;
                continue;
            }
        };
        let inner = brace + 2;
        let close = match kind {
            Kind::Comment => source.get(inner..)?.find("#}").map(|n| inner + n),
            Kind::Expression => close(source, inner, "}}"),
            Kind::Statement | Kind::Raw => close(source, inner, "%}"),
        };
        // An unclosed tag is for the compiler to complain of.
        let close = close.unwrap_or(source.len());
        let end = (close + 2).min(source.len());
        let inside = source.get(inner..close)?;
        let from = inside.trim_start_matches(['-', '+']);
        let inside_at = inner + (inside.len() - from.len());
        let tag = Tag { kind, start: brace, end, inside: from.trim_end_matches(['-', '+']), inside_at };
        return Some(if kind == Kind::Statement && tag.word() == Some("raw") {
            raw(source, tag)
        } else {
            tag
        });
    }
}

/// All tags.
pub(crate) fn tags(source: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let tag = next_tag(source, at)?;
        at = tag.end;
        Some(tag)
    })
}

/// The line of an octet, counted from 1.
pub(crate) fn line_of(source: &str, at: usize) -> usize {
    1 + source.get(..at).unwrap_or(source).matches('\n').count()
}

fn raw<'a>(source: &'a str, opening: Tag<'a>) -> Tag<'a> {
    let mut at = opening.end;
    while let Some(offset) = source.get(at..).and_then(|rest| rest.find("{%")) {
        let start = at + offset;
        let end = close(source, start + 2, "%}").unwrap_or(source.len());
        let inside = source.get(start + 2..end).unwrap_or("").trim_matches(['-', '+']);
        let end = (end + 2).min(source.len());
        if inside.trim() == "endraw" {
            let inside = source.get(opening.end..start).unwrap_or("");
            return Tag { kind: Kind::Raw, end, inside, ..opening };
        }
        at = start + 2;
    }
    Tag { kind: Kind::Raw, end: source.len(), inside: source.get(opening.end..).unwrap_or(""), ..opening }
}

/// Where the closing delimiter stands, outside texts and brackets.
fn close(source: &str, from: usize, delimiter: &str) -> Option<usize> {
    let (mut open, mut skip_to) = (0_usize, from);
    for (offset, c) in source.get(from..)?.char_indices() {
        let at = from + offset;
        if at < skip_to {
            continue;
        }
        if open == 0 && source.get(at..)?.starts_with(delimiter) {
            return Some(at);
        }
        match c {
            '"' | '\'' => skip_to = text_end(source, at + 1, c).unwrap_or(source.len()),
            '{' | '[' | '(' => open += 1,
            '}' | ']' | ')' => open = open.saturating_sub(1),
            _ => {}
        }
    }
    None
}

/// Past the closing quote of a text that starts at `from`.
fn text_end(source: &str, from: usize, quote: char) -> Option<usize> {
    let mut escaped = false;
    for (offset, c) in source.get(from..)?.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(from + offset + c.len_utf8()),
            _ => {}
        }
    }
    None
}

impl<'a> Tag<'a> {
    /// The first word: `if`, `block`.
    pub(crate) fn word(&self) -> Option<&'a str> {
        match self.tokens().next() {
            Some(Token::Word(word)) => Some(word),
            Some(Token::Text(_) | Token::Sign(_)) | None => None,
        }
    }

    pub(crate) fn tokens(&self) -> impl Iterator<Item = Token<'a>> + use<'a> {
        let (text, mut at) = (if self.kind == Kind::Comment { "" } else { self.inside }, 0);
        std::iter::from_fn(move || {
            let rest = text.get(at..)?;
            at += rest.len() - rest.trim_start().len();
            let rest = text.get(at..)?;
            let c = rest.chars().next()?;
            if c == '"' || c == '\'' {
                let end = text_end(text, at + 1, c).unwrap_or(text.len() + 1);
                let inside = text.get(at + 1..end - 1)?;
                at = end;
                return Some(Token::Text(inside));
            }
            if c.is_alphanumeric() || c == '_' {
                let length = rest.find(|c: char| !(c.is_alphanumeric() || c == '_')).unwrap_or(rest.len());
                at += length;
                return rest.get(..length).map(Token::Word);
            }
            at += c.len_utf8();
            Some(Token::Sign(c))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_found_where_the_engine_finds_them() {
        for (source, expected) in [
            ("a {{ b }} c", vec!["{{ b }}"]),
            ("{{ \"}}\" }}x", vec!["{{ \"}}\" }}"]),
            ("{{ {'a': {'b': 1}} }}", vec!["{{ {'a': {'b': 1}} }}"]),
            ("{%- if '%}' -%}x{% endif %}", vec!["{%- if '%}' -%}", "{% endif %}"]),
            ("{# {{ a }} #}{{ b }}", vec!["{# {{ a }} #}", "{{ b }}"]),
            ("{% raw %}{{ a }}{% endraw %}{{ b }}", vec!["{% raw %}{{ a }}{% endraw %}", "{{ b }}"]),
            ("a { b } {c{{ d", vec!["{{ d"]),
            ("p { color: red } @media { a { b } }", vec![]),
            ("{{ 'a\\'}}' }}b", vec!["{{ 'a\\'}}' }}"]),
        ] {
            let found: Vec<_> = tags(source).map(|t| source.get(t.start..t.end).unwrap()).collect();
            assert_eq!(found, expected, "{source}");
        }
    }

    #[test]
    fn tokens_of_a_tag() {
        let tag = next_tag("{% include \"a/b.html\" %}", 0).unwrap();
        assert_eq!(tag.word(), Some("include"));
        assert_eq!(tag.tokens().nth(1), Some(Token::Text("a/b.html")));
        let tag = next_tag("{{ t('k', n=1) }}", 0).unwrap();
        let all: Vec<_> = tag.tokens().take(3).collect();
        assert_eq!(all, [Token::Word("t"), Token::Sign('('), Token::Text("k")]);
        assert_eq!(next_tag("{{ 'open", 0).unwrap().tokens().count(), 1);
    }
}
