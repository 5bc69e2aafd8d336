//! One `<style>`: its rules, and what is left of them.

use super::Rule;
use super::selector::Selector;
use crate::scan;
use std::collections::BTreeSet;

/// `property: value`, with or without `!important`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Declaration {
    pub(crate) property: String,
    pub(crate) value: String,
    pub(crate) important: bool,
}

/// Conditions in conditions; what is deeper is left as it is.
const DEEPEST: usize = 8;
/// Rules of one sheet that are moved; those of an endless one stay.
const MOST_RULES: usize = 2_000;

/// A sheet in pieces.
#[derive(Debug)]
pub(crate) struct Sheet(Vec<Piece>);

#[derive(Debug)]
enum Piece {
    /// Goes into attributes: its number, and how it was written.
    Rule { number: usize, selector: String, block: String },
    /// Stays.
    Text(String),
}

impl Sheet {
    /// Reads a sheet; its rules that can be moved are added to those of all sheets.
    pub(crate) fn read(text: &str, rules: &mut Vec<Rule>) -> Self {
        // Rules that stand in a condition are the data's business.
        if text.contains("{%") || text.matches('{').count() + text.matches(',').count() > MOST_RULES {
            return Self(vec![Piece::Text(text.to_owned())]);
        }
        let mut pieces = Vec::new();
        for (head, block) in blocks(text) {
            let Some(block) = block else {
                pieces.push(Piece::Text(format!("{head};")));
                continue;
            };
            if head.starts_with('@') {
                pieces.push(Piece::Text(conditional(&head, &block, 0)));
                continue;
            }
            for one in split(&head, ',') {
                let selector = Selector::read(one).filter(|_| !one.contains("{{"));
                match (selector, declarations(&block)) {
                    (Some(selector), declarations) if !declarations.is_empty() => {
                        let number = rules.len();
                        rules.push(Rule { selector, declarations });
                        pieces.push(Piece::Rule { number, selector: one.to_owned(), block: block.clone() });
                    }
                    (None, _) => pieces.push(Piece::Text(format!("{one}{{{}}}", forced(&block)))),
                    (Some(_), _) => {}
                }
            }
        }
        Self(pieces)
    }

    /// What stays in the element; selectors that shared a block share it again.
    pub(crate) fn left(&self, kept: &BTreeSet<usize>) -> String {
        let mut left: Vec<(String, Option<&str>)> = Vec::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => left.push((text.clone(), None)),
                Piece::Rule { number, .. } if !kept.contains(number) => {}
                Piece::Rule { selector, block, .. } => match left.last_mut() {
                    Some((selectors, Some(shared))) if *shared == block => {
                        selectors.push_str(", ");
                        selectors.push_str(selector);
                    }
                    _ => left.push((selector.clone(), Some(block))),
                },
            }
        }
        let written = left.into_iter().map(|(text, block)| match block {
            Some(block) => format!("{text}{{{}}}", block.trim()),
            None => text,
        });
        written.collect::<Vec<_>>().join("\n")
    }
}

/// An at-rule. What it says of properties must win over the attributes that the others went into.
fn conditional(head: &str, block: &str, depth: usize) -> String {
    let word = head.split(|c: char| c.is_whitespace() || c == '(').next().unwrap_or(head);
    if depth > DEEPEST || !matches!(word, "@media" | "@supports" | "@container" | "@layer") {
        return format!("{head}{{{block}}}");
    }
    let inner = blocks(block).into_iter().map(|(head, block)| match block {
        None => format!("{head};"),
        Some(block) if head.starts_with('@') => conditional(&head, &block, depth + 1),
        Some(block) => format!("{head}{{{}}}", forced(&block)),
    });
    format!("{head}{{{}}}", inner.collect::<Vec<_>>().join(" "))
}

/// The declarations, all `!important`.
fn forced(block: &str) -> String {
    let all = declarations(block).into_iter();
    all.map(|d| format!("{}:{} !important", d.property, d.value)).collect::<Vec<_>>().join(";")
}

/// Reads `property: value; …`.
pub(crate) fn declarations(block: &str) -> Vec<Declaration> {
    let read = |text: &str| {
        let (property, value) = text.split_once(':')?;
        let (property, value) = (property.trim(), value.trim());
        let bare = value.strip_suffix("important").map(str::trim_end).and_then(|v| v.strip_suffix('!'));
        let (value, important) = bare.map_or((value, false), |bare| (bare.trim_end(), true));
        let usable = !property.is_empty() && !value.is_empty();
        let property = property.to_ascii_lowercase();
        usable.then(|| Declaration { property, value: value.to_owned(), important })
    };
    split(block, ';').into_iter().filter_map(read).collect()
}

/// Heads with their blocks; a statement such as `@import` has none. Comments are left out.
fn blocks(text: &str) -> Vec<(String, Option<String>)> {
    let text = without_comments(text);
    let (mut found, mut rest) = (Vec::new(), text.as_str());
    while let Some(at) = position(rest, |c| c == '{' || c == ';' || c == '}') {
        let head = rest.get(..at).unwrap_or("").trim().to_owned();
        let sign = rest.as_bytes().get(at).copied();
        let after = rest.get(at + 1..).unwrap_or("");
        if sign != Some(b'{') {
            // A lone brace is nobody's.
            if sign == Some(b';') && !head.is_empty() {
                found.push((head, None));
            }
            rest = after;
            continue;
        }
        let mut depth = 0_usize;
        let end = position(after, |c| {
            depth += usize::from(c == '{');
            let closes = c == '}' && depth == 0;
            depth = if c == '}' { depth.saturating_sub(1) } else { depth };
            closes
        });
        let block = after.get(..end.unwrap_or(after.len())).unwrap_or("").trim().to_owned();
        if !head.is_empty() {
            found.push((head, Some(block)));
        }
        rest = end.and_then(|end| after.get(end + 1..)).unwrap_or("");
    }
    found
}

/// The pieces between signs that stand in no text, bracket or tag; trimmed, none empty.
fn split(text: &str, sign: char) -> Vec<&str> {
    let (mut found, mut rest, mut depth) = (Vec::new(), text, 0_usize);
    loop {
        let at = position(rest, |c| {
            match c {
                '(' | '[' => depth += 1,
                ')' | ']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            c == sign && depth == 0
        });
        let (piece, after) = match at {
            Some(at) => (rest.get(..at).unwrap_or(""), rest.get(at + 1..)),
            None => (rest, None),
        };
        found.extend(Some(piece.trim()).filter(|piece| !piece.is_empty()));
        match after {
            Some(after) => rest = after,
            None => return found,
        }
    }
}

/// Where the first character stands that is wanted, outside texts and tags.
fn position(text: &str, mut wanted: impl FnMut(char) -> bool) -> Option<usize> {
    let (mut quote, mut skip_to, mut escaped) = (None, 0, false);
    for (at, c) in text.char_indices() {
        if at < skip_to {
            continue;
        }
        if c == '{' && matches!(text.as_bytes().get(at + 1), Some(b'{' | b'#')) {
            skip_to = scan::next_tag(text, at).map_or(text.len(), |tag| tag.end);
            continue;
        }
        match (quote, c) {
            _ if escaped => escaped = false,
            (_, '\\') => escaped = true,
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), c) if open == c => quote = None,
            (None, c) if wanted(c) => return Some(at),
            _ => {}
        }
    }
    None
}

fn without_comments(text: &str) -> String {
    let (mut out, mut rest) = (String::with_capacity(text.len()), text);
    while let Some((before, after)) = rest.split_once("/*") {
        out.push_str(before);
        rest = after.split_once("*/").map_or("", |(_, after)| after);
    }
    out.push_str(rest);
    // What hides a sheet from programs of the last century.
    out.replace("<!--", "").replace("-->", "")
}
