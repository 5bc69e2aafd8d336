//! Start tags in the source, with what is known of their attributes.

use crate::scan;
use std::ops::Range;

/// What the source tells of an element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Element {
    pub(crate) name: String,
    pub(crate) classes: Vec<String>,
    /// Those that are there whatever the data; values without tags.
    pub(crate) attributes: Vec<(String, String)>,
    /// Whether the data has a say in its attributes.
    pub(crate) unsure: bool,
}

/// A start tag.
#[derive(Debug)]
pub(crate) struct StartTag {
    pub(crate) element: Element,
    pub(crate) end: usize,
    pub(crate) closed: bool,
    pub(crate) style: StyleAttribute,
}

/// Where declarations go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StyleAttribute {
    /// There is none: a new one after the name, which ends here.
    None(usize),
    /// Its value, between quotes.
    Value(Range<usize>),
    /// In a condition, or without quotes: nothing is changed.
    Unsure,
}

/// Reads the start tag at `<`.
pub(crate) fn read(source: &str, at: usize) -> Option<StartTag> {
    let name_at = at + 1;
    let rest = source.get(name_at..)?;
    rest.chars().next().filter(char::is_ascii_alphabetic)?;
    let length = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-:_".contains(c))).unwrap_or(rest.len());
    let name = rest.get(..length)?.to_ascii_lowercase();
    let mut tag = StartTag {
        element: Element { name, ..Element::default() },
        end: source.len(),
        closed: false,
        style: StyleAttribute::None(name_at + length),
    };
    let (mut at, mut conditions) = (name_at + length, 0_usize);
    while let Some(c) = source.get(at..).and_then(|rest| rest.chars().next()) {
        if c == '>' {
            tag.end = at + 1;
            return Some(tag);
        }
        if let Some(jinja) = tag_at(source, at) {
            tag.element.unsure = true;
            match jinja.word() {
                Some("if" | "for") => conditions += 1,
                Some("endif" | "endfor") => conditions = conditions.saturating_sub(1),
                _ => {}
            }
            at = jinja.end;
        } else if c == '/' || c.is_whitespace() {
            tag.closed = c == '/';
            at += c.len_utf8();
        } else {
            at = attribute(source, at, conditions > 0, &mut tag);
        }
    }
    Some(tag)
}

/// A tag of the template that starts right here.
pub(crate) fn tag_at(source: &str, at: usize) -> Option<scan::Tag<'_>> {
    let starts = matches!(source.as_bytes().get(at..at + 2), Some(b"{{" | b"{%" | b"{#"));
    starts.then(|| scan::next_tag(source, at)).flatten()
}

/// Reads one attribute and tells where it ends.
fn attribute(source: &str, at: usize, conditional: bool, tag: &mut StartTag) -> usize {
    let name_end = find(source, at, |c| c.is_whitespace() || "=>/".contains(c));
    let name = source.get(at..name_end).unwrap_or("").to_ascii_lowercase();
    let rest = source.get(name_end..).unwrap_or("");
    let Some(value) = rest.trim_start().strip_prefix('=').map(str::trim_start) else {
        if !conditional {
            tag.element.attributes.push((name, String::new()));
        }
        // An odd sign must not stop us.
        return name_end.max(at + 1);
    };
    let value_at = source.len() - value.len();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''));
    let (range, end) = match quote {
        Some(quote) => {
            let close = find(source, value_at + 1, |c| c == quote);
            (value_at + 1..close, (close + 1).min(source.len()))
        }
        None => {
            let close = find(source, value_at, |c| c.is_whitespace() || c == '>');
            (value_at..close, close)
        }
    };
    let text = source.get(range.clone()).unwrap_or("");
    let has_tags = text.contains("{{") || text.contains("{%");
    tag.element.unsure |= has_tags && matches!(name.as_str(), "class" | "id");
    if name == "style" {
        tag.style = match conditional || quote.is_none() {
            true => StyleAttribute::Unsure,
            false => StyleAttribute::Value(range),
        };
    } else if name == "class" && !conditional {
        tag.element.classes.extend(sure_classes(text));
    }
    if !conditional && !has_tags {
        tag.element.attributes.push((name, text.to_owned()));
    }
    end
}

/// Classes that stand there whatever the data: those before a condition that no tag is part of.
fn sure_classes(text: &str) -> Vec<String> {
    let sure = text.split("{%").next().unwrap_or("");
    let cut = text.len() > sure.len();
    let (mut plain, mut at) = (String::new(), 0);
    for tag in scan::tags(sure) {
        plain.push_str(sure.get(at..tag.start).unwrap_or(""));
        plain.push('\u{1}');
        at = tag.end;
    }
    plain.push_str(sure.get(at..).unwrap_or(""));
    if cut {
        plain.push('\u{1}');
    }
    plain.split_whitespace().filter(|class| !class.contains('\u{1}')).map(ToOwned::to_owned).collect()
}

/// Where the first wanted character stands, outside the template's tags; else the end.
pub(crate) fn find(source: &str, from: usize, wanted: impl Fn(char) -> bool) -> usize {
    let mut at = from;
    while let Some(c) = source.get(at..).and_then(|rest| rest.chars().next()) {
        if let Some(tag) = tag_at(source, at) {
            at = tag.end;
        } else if wanted(c) {
            return at;
        } else {
            at += c.len_utf8();
        }
    }
    source.len()
}
