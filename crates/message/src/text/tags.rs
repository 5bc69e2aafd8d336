//! What is open while tokens go by: lists, quotes, tables, links, hidden elements.

use super::paragraph::{Gap, Paragraphs};
use super::style::{self, Seen};
use std::borrow::Cow;

/// Lists, items, quotes and tables that may stand in one another; deeper ones are flattened.
const MAX_DEPTH: usize = 32;
/// Octets kept of an attribute's value: a link longer than this is not shown.
const MAX_VALUE: usize = 4096;
/// Octets kept of a tag's name; longer names mean nothing to us.
const MAX_NAME: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Bullets,
    Numbers,
    Entry,
    Quote,
    Table,
}

struct Frame {
    kind: Kind,
    /// Length of the prefix to go back to.
    prefix: usize,
    /// The next number of a list, the cells so far of a table's row.
    count: u32,
}

struct Link {
    url: String,
    text: String,
}

/// An element whose inside is left out, or shown again; closed by its own end tag.
struct Span {
    name: String,
    depth: usize,
}

#[derive(Default)]
struct Attributes {
    href: String,
    alt: String,
    start: String,
    hidden: bool,
    seen: Option<Seen>,
}

#[derive(Clone, Copy, PartialEq)]
enum Which {
    Href,
    Alt,
    Start,
    Style,
    Other,
}

pub(super) struct Reader {
    page: Paragraphs,
    frames: Vec<Frame>,
    flattened: usize,
    link: Option<Link>,
    pre: usize,
    pre_begins: bool,
    hidden: Option<Span>,
    no_size: Option<Span>,
    sized: Option<Span>,
    name: String,
    which: Which,
    attributes: Attributes,
}

impl Reader {
    pub(super) fn new(size: usize) -> Self {
        Self {
            page: Paragraphs::new(size),
            frames: Vec::new(),
            flattened: 0,
            link: None,
            pre: 0,
            pre_begins: false,
            hidden: None,
            no_size: None,
            sized: None,
            name: String::new(),
            which: Which::Other,
            attributes: Attributes::default(),
        }
    }

    pub(super) fn open(&mut self, name: &[u8]) {
        self.name.clear();
        if name.len() <= MAX_NAME {
            self.name.push_str(std::str::from_utf8(name).unwrap_or_default());
        }
        self.attributes = Attributes::default();
        self.which = Which::Other;
    }

    pub(super) fn attribute(&mut self, name: &[u8]) {
        self.which = match name {
            b"href" => Which::Href,
            b"alt" => Which::Alt,
            b"start" | b"value" => Which::Start,
            b"style" => Which::Style,
            b"hidden" => {
                self.attributes.hidden = true;
                Which::Other
            }
            _ => Which::Other,
        };
    }

    pub(super) fn value(&mut self, value: &[u8]) {
        let Ok(value) = std::str::from_utf8(value) else { return };
        if self.which == Which::Style {
            self.attributes.seen = Some(style::read(value));
        }
        if value.len() > MAX_VALUE {
            return;
        }
        match self.which {
            Which::Href => self.attributes.href.push_str(value),
            Which::Alt => self.attributes.alt.push_str(value),
            Which::Start => self.attributes.start.push_str(value),
            Which::Style | Which::Other => {}
        }
    }

    fn is_shown(&self) -> bool {
        self.hidden.is_none() && (self.no_size.is_none() || self.sized.is_some())
    }

    /// A start tag is complete.
    pub(super) fn start(&mut self) {
        let name = std::mem::take(&mut self.name);
        if is_void(&name) {
            if self.is_shown() && !self.attributes.hidden && self.attributes.seen != Some(Seen::Hidden) {
                self.void(&name);
            }
        } else if self.enter(&name) {
            self.element(&name);
        }
        self.name = name;
    }

    /// Counts the element in what hides or shows text; false when it is hidden.
    fn enter(&mut self, name: &str) -> bool {
        if self.hidden.as_ref().is_some_and(|h| h.name == "p" && ends_paragraph(name)) {
            self.hidden = None;
        }
        for span in [&mut self.hidden, &mut self.no_size, &mut self.sized].into_iter().flatten() {
            span.depth += usize::from(span.name == name);
        }
        if self.hidden.is_some() {
            return false;
        }
        let seen = self.attributes.seen.unwrap_or(Seen::Unsaid);
        let span = || Some(Span { name: name.to_owned(), depth: 1 });
        if self.attributes.hidden || seen == Seen::Hidden || is_silent(name) {
            self.hidden = span();
            return false;
        }
        match seen {
            Seen::NoSize if self.no_size.is_none() => self.no_size = span(),
            Seen::Sized if self.no_size.is_some() && self.sized.is_none() => self.sized = span(),
            _ => {}
        }
        true
    }

    fn leave(&mut self, name: &str) -> bool {
        let shown = self.hidden.is_none();
        for slot in [&mut self.hidden, &mut self.no_size, &mut self.sized] {
            if let Some(span) = slot.as_mut().filter(|s| s.name == name) {
                span.depth -= 1;
                if span.depth == 0 {
                    *slot = None;
                }
            }
        }
        shown
    }

    fn void(&mut self, name: &str) {
        match name {
            "br" if self.pre > 0 => self.page.verbatim("\n"),
            "br" => self.page.line_end(),
            "hr" => {
                self.page.hard_break(Gap::Blank);
                self.page.text("---");
                self.page.hard_break(Gap::Blank);
            }
            "img" => {
                let alt = std::mem::take(&mut self.attributes.alt);
                self.words(&alt);
            }
            _ => {}
        }
    }

    fn element(&mut self, name: &str) {
        match name {
            "a" => self.open_link(),
            "ul" | "menu" => self.open_list(Kind::Bullets, 1),
            "ol" => {
                let start = self.attributes.start.trim().parse().unwrap_or(1);
                self.open_list(Kind::Numbers, start);
            }
            "li" => self.open_entry(),
            "blockquote" => {
                self.page.hard_break(Gap::Blank);
                self.push(Kind::Quote, 0);
                self.indent("> ");
            }
            "table" => {
                self.page.hard_break(Gap::Blank);
                self.push(Kind::Table, 0);
            }
            "tr" => {
                self.page.end_row();
                if let Some(table) = self.table() {
                    table.count = 0;
                }
            }
            "td" | "th" => {
                let further = self.table().is_some_and(|table| {
                    table.count = table.count.saturating_add(1);
                    table.count > 1
                });
                if further {
                    self.page.next_cell();
                }
            }
            "pre" => {
                self.page.hard_break(Gap::Blank);
                self.pre += 1;
                self.pre_begins = true;
            }
            "h1" | "h2" => self.page.hard_break(Gap::Blank),
            _ => self.page_break(name),
        }
    }

    fn page_break(&mut self, name: &str) {
        // A cell that begins with a block makes no gap of its own.
        if !self.page.has_words() && self.frames.last().is_some_and(|f| f.kind == Kind::Table) {
            return;
        }
        match name {
            "p" | "h3" | "h4" | "h5" | "h6" | "dl" | "figure" | "fieldset" => {
                self.page.soft_break(Gap::Blank)
            }
            _ if is_line(name) => self.page.soft_break(Gap::Line),
            _ => {}
        }
    }

    pub(super) fn end(&mut self, name: &[u8]) {
        let Ok(name) = std::str::from_utf8(name) else { return };
        if !self.leave(name) {
            return;
        }
        match name {
            "a" => self.close_link(),
            "ul" | "menu" => self.pop(Kind::Bullets),
            "ol" => self.pop(Kind::Numbers),
            "li" => self.pop(Kind::Entry),
            "blockquote" => self.pop(Kind::Quote),
            "table" => self.pop(Kind::Table),
            "tr" => self.page.end_row(),
            "pre" => {
                self.page.hard_break(Gap::Blank);
                self.pre = self.pre.saturating_sub(1);
            }
            "h1" | "h2" => {
                self.page.underline = Some(if name == "h1" { '=' } else { '-' });
                self.page.hard_break(Gap::Blank);
                self.page.underline = None;
            }
            _ => self.page_break(name),
        }
    }

    pub(super) fn text(&mut self, text: &[u8]) {
        if self.is_shown() {
            self.words(&String::from_utf8_lossy(text));
        }
    }

    fn words(&mut self, text: &str) {
        let text = &*printable(text);
        if let Some(link) = self.link.as_mut().filter(|l| l.text.len() < MAX_VALUE) {
            link.text.push_str(text);
        }
        if self.pre > 0 {
            let begins = std::mem::take(&mut self.pre_begins);
            let text = if begins { text.strip_prefix('\n').unwrap_or(text) } else { text };
            if !text.is_empty() {
                self.page.verbatim(text);
            }
        } else {
            self.page.text(text);
        }
    }

    fn open_link(&mut self) {
        self.close_link();
        let url = std::mem::take(&mut self.attributes.href);
        let url = url.trim();
        let url = url.strip_prefix("mailto:").unwrap_or(url);
        let script = url.get(..11).is_some_and(|s| s.eq_ignore_ascii_case("javascript:"));
        if url.is_empty() || url.starts_with('#') || script {
            return;
        }
        let url = printable(url).split_ascii_whitespace().collect::<Vec<_>>().join("%20");
        self.link = Some(Link { url, text: String::new() });
    }

    /// The address behind a link's text, unless the text is the address.
    fn close_link(&mut self) {
        let Some(link) = self.link.take() else { return };
        let text = link.text.trim();
        if text == link.url {
            return;
        }
        let shown = if text.is_empty() { link.url } else { format!("({})", link.url) };
        if self.pre > 0 {
            return self.page.verbatim(&format!(" {shown}"));
        }
        self.page.space();
        self.page.text(&shown);
    }

    fn open_list(&mut self, kind: Kind, start: u32) {
        let nested = self.frames.iter().any(|f| f.kind == Kind::Entry);
        self.page.hard_break(if nested { Gap::Line } else { Gap::Blank });
        self.push(kind, start);
    }

    fn open_entry(&mut self) {
        self.page.hard_break(Gap::Line);
        let list = |f: &Frame| matches!(f.kind, Kind::Bullets | Kind::Numbers);
        let last =
            self.frames.iter().rposition(|f| list(f) || f.kind == Kind::Entry || f.kind == Kind::Table);
        if last.and_then(|i| self.frames.get(i)).is_some_and(|f| f.kind == Kind::Entry) {
            self.pop(Kind::Entry);
        }
        let mark = match self.frames.last_mut() {
            Some(list) if list.kind == Kind::Numbers => {
                if let Ok(number) = self.attributes.start.trim().parse() {
                    list.count = number;
                }
                list.count = list.count.saturating_add(1);
                format!("{}. ", list.count - 1)
            }
            _ => "- ".to_owned(),
        };
        if self.push(Kind::Entry, 0) {
            let blanks = " ".repeat(mark.len());
            self.indent(&blanks);
            self.page.mark = Some(mark);
        }
    }

    fn table(&mut self) -> Option<&mut Frame> {
        self.frames.iter_mut().rev().find(|f| f.kind == Kind::Table)
    }

    fn indent(&mut self, text: &str) {
        if self.flattened == 0 {
            self.page.prefix.push_str(text);
        }
    }

    /// False when the element is nested too deep and is flattened.
    fn push(&mut self, kind: Kind, count: u32) -> bool {
        if self.frames.len() >= MAX_DEPTH {
            self.flattened += 1;
            return false;
        }
        self.frames.push(Frame { kind, prefix: self.page.prefix.len(), count });
        true
    }

    fn pop(&mut self, kind: Kind) {
        if self.flattened > 0 {
            self.flattened -= 1;
            return self.page.hard_break(Gap::Line);
        }
        let Some(at) = self.frames.iter().rposition(|f| f.kind == kind) else { return };
        let nested = self.frames.iter().take(at).any(|f| f.kind == Kind::Entry);
        self.page.hard_break(if kind == Kind::Entry || nested { Gap::Line } else { Gap::Blank });
        if let Some(frame) = self.frames.get(at) {
            self.page.prefix.truncate(frame.prefix);
        }
        self.page.mark = None;
        self.frames.truncate(at);
    }

    pub(super) fn finish(mut self) -> String {
        self.close_link();
        self.page.finish()
    }
}

/// Without control characters, which steer terminals.
fn printable(text: &str) -> Cow<'_, str> {
    let steers = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t' | '\x0c');
    if text.chars().any(steers) { text.replace(steers, "").into() } else { text.into() }
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "br" | "hr"
            | "img"
            | "input"
            | "meta"
            | "link"
            | "area"
            | "base"
            | "col"
            | "embed"
            | "source"
            | "track"
            | "wbr"
    )
}

fn is_silent(name: &str) -> bool {
    matches!(
        name,
        "style" | "script" | "title" | "template" | "noframes" | "iframe" | "object" | "svg" | "select"
    )
}

fn is_line(name: &str) -> bool {
    matches!(
        name,
        "div"
            | "section"
            | "article"
            | "header"
            | "footer"
            | "main"
            | "nav"
            | "aside"
            | "address"
            | "center"
            | "form"
            | "dt"
            | "dd"
            | "caption"
            | "figcaption"
            | "details"
            | "summary"
            | "tbody"
            | "thead"
            | "tfoot"
            | "option"
    )
}

/// Start tags that end an open paragraph (HTML 13.1.2.4).
fn ends_paragraph(name: &str) -> bool {
    matches!(name, "p" | "div" | "table" | "ul" | "ol" | "pre" | "blockquote" | "h1" | "h2" | "h3")
        || is_line(name)
}
