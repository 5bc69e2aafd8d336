//! The walk through a template, as the engine will go.

use super::Rule;
use super::tag::{self, Element, StartTag, StyleAttribute};
use crate::build::named;
use crate::scan::{self, Kind, Token};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

/// Files in files.
const DEEPEST: usize = 20;
/// Ranges walked for one mail.
const MOST_RANGES: usize = 1_000;
/// Elements looked at for one mail: a file that includes many that include many ends here.
const MOST_ELEMENTS: usize = 50_000;
/// Elements in elements that selectors look at.
const MOST_OPEN: usize = 256;

/// Elements that have no end tag.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];
/// Elements that no style is put on.
const UNSEEN: [&str; 7] = ["html", "head", "meta", "title", "link", "base", "script"];
/// Elements whose content is text.
const TEXTS: [&str; 3] = ["script", "title", "textarea"];

/// A `<style>` in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: String,
    pub(crate) outer: Range<usize>,
    pub(crate) inner: Range<usize>,
}

/// An element of a file, and the rules that held each time the walk came by.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) style: StyleAttribute,
    pub(crate) visits: Vec<BTreeSet<usize>>,
}

pub(crate) struct Walk<'a> {
    files: &'a BTreeMap<String, String>,
    rules: &'a [Rule],
    /// Each block's versions, the one that counts first.
    blocks: BTreeMap<String, Vec<(String, Range<usize>)>>,
    open: Vec<Element>,
    /// Whether what stands around is not known: in a macro.
    adrift: bool,
    depth: usize,
    count: usize,
    /// Files, blocks and `super()`s walked through.
    ranges: usize,
    /// Conditions and loops around.
    conditions: usize,
    pub(crate) styles: Vec<Place>,
    pub(crate) elements: BTreeMap<(String, usize), Found>,
    pub(crate) reached: BTreeSet<String>,
    /// Rules that must stay.
    pub(crate) kept: BTreeSet<usize>,
    /// Whether an element may have classes that only the data tells.
    pub(crate) unsure: bool,
    /// Whether HTML comes in that is not in the sources: any rule may be meant for it.
    pub(crate) foreign: bool,
}

impl<'a> Walk<'a> {
    pub(crate) fn new(files: &'a BTreeMap<String, String>, rules: &'a [Rule]) -> Self {
        Self {
            files,
            rules,
            blocks: BTreeMap::new(),
            open: Vec::new(),
            adrift: false,
            depth: 0,
            count: 0,
            ranges: 0,
            conditions: 0,
            styles: Vec::new(),
            elements: BTreeMap::new(),
            reached: BTreeSet::new(),
            kept: BTreeSet::new(),
            unsure: false,
            foreign: false,
        }
    }

    /// From the outermost layout of a mail.
    pub(crate) fn root(&mut self, root: &str) {
        let mut chain = vec![root.to_owned()];
        while let Some(parent) = chain.last().and_then(|file| self.parent(file)) {
            if chain.contains(&parent) || chain.len() > DEEPEST {
                return;
            }
            chain.push(parent);
        }
        for file in &chain {
            self.reached.insert(file.clone());
            for (name, inside) in blocks(self.text(file)) {
                self.blocks.entry(name).or_default().push((file.clone(), inside));
            }
        }
        if let Some(outermost) = chain.last() {
            self.range(outermost, 0..self.text(outermost).len());
        }
    }

    fn text(&self, file: &str) -> &'a str {
        self.files.get(file).map_or("", String::as_str)
    }

    fn parent(&self, file: &str) -> Option<String> {
        let extends = scan::tags(self.text(file)).find(|tag| tag.word() == Some("extends"))?;
        named(&extends).map(ToOwned::to_owned)
    }

    fn whole(&mut self, file: &str) {
        if self.depth < DEEPEST && self.files.contains_key(file) {
            self.reached.insert(file.to_owned());
            self.depth += 1;
            self.range(file, 0..self.text(file).len());
            self.depth -= 1;
        } else {
            self.foreign = true;
        }
    }

    fn range(&mut self, file: &str, range: Range<usize>) {
        self.ranges += 1;
        // A file that includes itself twice would be walked a million times.
        if self.ranges > MOST_RANGES {
            self.foreign = true;
            return;
        }
        let source = self.text(file);
        let (mut at, mut branches) = (range.start, Vec::new());
        while at < range.end && self.count < MOST_ELEMENTS {
            let Some(offset) = source.get(at..range.end).and_then(|rest| rest.find(['<', '{'])) else {
                return;
            };
            at += offset;
            at = match tag::tag_at(source, at) {
                Some(jinja) => self.jinja(file, &jinja, &mut branches),
                None => self.markup(file, source, at),
            };
        }
    }

    /// A tag of the template; where to go on.
    fn jinja(&mut self, file: &str, tag: &scan::Tag<'_>, branches: &mut Vec<(Vec<Element>, bool)>) -> usize {
        let mut tokens = tag.tokens();
        let first = tokens.next();
        if tag.kind == Kind::Expression && first == Some(Token::Word("super")) {
            self.beyond(file, tag.start);
            return tag.end;
        }
        self.foreign |= tag.tokens().any(|token| match token {
            Token::Word(word) => matches!(word, "safe" | "link"),
            Token::Text(text) => text.ends_with("_html"),
            Token::Sign(_) => false,
        });
        if tag.kind != Kind::Statement {
            return tag.end;
        }
        let Some(Token::Word(word)) = first else { return tag.end };
        match word {
            "if" | "for" => {
                self.conditions += 1;
                branches.push((self.open.clone(), self.adrift));
            }
            "elif" | "else" => {
                if let Some((open, _)) = branches.last() {
                    self.open.clone_from(open);
                }
            }
            "endif" | "endfor" => {
                self.conditions = self.conditions.saturating_sub(1);
                drop(branches.pop());
            }
            "macro" | "call" => {
                branches.push((std::mem::take(&mut self.open), self.adrift));
                self.adrift = true;
            }
            "endmacro" | "endcall" => {
                if let Some((open, adrift)) = branches.pop() {
                    (self.open, self.adrift) = (open, adrift);
                }
            }
            "include" => named(tag).into_iter().for_each(|other| self.whole(other)),
            "import" | "from" => {
                let (open, adrift) = (std::mem::take(&mut self.open), self.adrift);
                self.adrift = true;
                named(tag).into_iter().for_each(|other| self.whole(other));
                (self.open, self.adrift) = (open, adrift);
            }
            "block" => {
                if let Some(Token::Word(name)) = tokens.next() {
                    return self.block(file, name, tag.end);
                }
            }
            _ => {}
        }
        // A file by a name that only the data knows may hold anything.
        if matches!(word, "include" | "import" | "from") && named(tag).is_none() {
            self.unsure = true;
        }
        tag.end
    }

    /// The version of a block that counts; then on behind the block.
    fn block(&mut self, file: &str, name: &str, inside: usize) -> usize {
        let versions = self.blocks.get(name).cloned().unwrap_or_default();
        let own = versions.iter().find(|(of, range)| of == file && range.start == inside);
        let Some((_, own)) = own.cloned() else { return inside };
        // Only the outermost file says where a block stands; further down it is one of its versions.
        if let Some((first, range)) = versions.first().filter(|_| self.depth < DEEPEST) {
            self.depth += 1;
            self.range(first, range.clone());
            self.depth -= 1;
        }
        own.end
    }

    /// `super()`: the next version of the block that the place is in.
    fn beyond(&mut self, file: &str, at: usize) {
        let version = self.blocks.values().find_map(|versions| {
            let place = versions.iter().position(|(of, range)| of == file && range.contains(&at))?;
            versions.get(place + 1).cloned()
        });
        if let Some((file, range)) = version.filter(|_| self.depth < DEEPEST) {
            self.depth += 1;
            self.range(&file, range);
            self.depth -= 1;
        }
    }

    /// A `<`, or a brace that is text; where to go on.
    fn markup(&mut self, file: &str, source: &str, at: usize) -> usize {
        let rest = source.get(at..).unwrap_or("");
        if rest.starts_with("<!--") {
            return rest.find("-->").map_or(source.len(), |end| at + end + 3);
        }
        if let Some(name) = rest.strip_prefix("</") {
            let end =
                name.find(|c: char| !(c.is_ascii_alphanumeric() || "-:_".contains(c))).unwrap_or(name.len());
            let name = name.get(..end).unwrap_or("").to_ascii_lowercase();
            if let Some(place) = self.open.iter().rposition(|element| element.name == name) {
                self.open.truncate(place);
            }
            return at + 2 + end;
        }
        let Some(start) = tag::read(source, at) else { return at + 1 };
        if start.element.name == "style" {
            return self.style(file, source, at, &start);
        }
        self.visit(file, at, &start);
        if TEXTS.contains(&start.element.name.as_str()) {
            return end_of_text(source, start.end, &start.element.name).1;
        }
        let end = start.end;
        if !start.closed && self.open.len() < MOST_OPEN && !VOID.contains(&start.element.name.as_str()) {
            self.open.push(start.element);
        }
        end
    }

    fn style(&mut self, file: &str, source: &str, at: usize, start: &StartTag) -> usize {
        let (inner_end, end) = end_of_text(source, start.end, "style");
        // For some media or by its author's wish it is left as it is.
        let apart = ["media", "data-keep"];
        let apart = start.element.attributes.iter().any(|(name, _)| apart.contains(&name.as_str()));
        // What is there for some readers only must not be put on all elements.
        if !apart && self.conditions == 0 {
            let place = Place { file: file.to_owned(), outer: at..end, inner: start.end..inner_end };
            self.styles.push(place);
        }
        end
    }

    fn visit(&mut self, file: &str, at: usize, start: &StartTag) {
        self.count += 1;
        // What is not walked any more may need any rule.
        self.foreign |= self.count == MOST_ELEMENTS;
        self.unsure |= start.element.unsure;
        let mut held = BTreeSet::new();
        for (number, rule) in self.rules.iter().enumerate() {
            if rule.selector.matches(&start.element, &self.open) {
                held.insert(number);
            } else if self.adrift && rule.selector.looks_around() && rule.selector.last.fits(&start.element) {
                self.kept.insert(number);
            }
        }
        if UNSEEN.contains(&start.element.name.as_str()) || start.style == StyleAttribute::Unsure {
            self.kept.extend(held);
            return;
        }
        let found = self.elements.entry((file.to_owned(), at));
        let fresh = || Found { style: start.style.clone(), visits: Vec::new() };
        found.or_insert_with(fresh).visits.push(held);
    }
}

/// The inside of every block of a file.
fn blocks(source: &str) -> Vec<(String, Range<usize>)> {
    let (mut found, mut open) = (Vec::new(), Vec::new());
    for tag in scan::tags(source).filter(|tag| tag.kind == Kind::Statement) {
        match (tag.word(), tag.tokens().nth(1)) {
            (Some("block"), Some(Token::Word(name))) => open.push((name, tag.end)),
            (Some("endblock"), _) => {
                found.extend(open.pop().map(|(name, start)| (name.to_owned(), start..tag.start)));
            }
            _ => {}
        }
    }
    found
}

/// Where the text of an element ends, and its end tag.
fn end_of_text(source: &str, from: usize, name: &str) -> (usize, usize) {
    let mut at = from;
    while let Some(offset) = source.get(at..).and_then(|rest| rest.find("</")) {
        let close = at + offset;
        let end_tag = source.get(close + 2..close + 2 + name.len());
        if end_tag.is_some_and(|found| found.eq_ignore_ascii_case(name)) {
            let end =
                source.get(close..).and_then(|rest| rest.find('>')).map_or(source.len(), |n| close + n + 1);
            return (close, end);
        }
        at = close + 2;
    }
    (source.len(), source.len())
}
