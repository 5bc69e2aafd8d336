//! What each tag does to the page: breaks, marks, links.

use super::attributes::{Attributes, MAX_VALUE};
use super::frames::{Frames, Kind};
use super::hidden::Hidden;
use super::names::{is_line, is_paragraph, is_void};
use super::paragraph::{Gap, Paragraphs};

struct Link {
    url: String,
    text: String,
}

pub(super) struct Reader {
    page: Paragraphs,
    frames: Frames,
    hidden: Hidden,
    link: Option<Link>,
    pre: usize,
    pre_begins: bool,
    attributes: Attributes,
}

impl Reader {
    pub(super) fn new(size: usize) -> Self {
        Self {
            page: Paragraphs::new(size),
            frames: Frames::default(),
            hidden: Hidden::default(),
            link: None,
            pre: 0,
            pre_begins: false,
            attributes: Attributes::default(),
        }
    }

    /// An attribute of the start tag that comes next.
    pub(super) fn attribute(&mut self, name: &[u8], value: &[u8]) {
        self.attributes.add(name, value);
    }

    /// A start tag is complete.
    pub(super) fn start(&mut self, name: &str, self_closing: bool) {
        let hides = self.attributes.hides();
        // In HTML the solidus means nothing; in SVG it ends the element.
        let ended = is_void(name) || self_closing && name == "svg";
        if ended {
            if self.hidden.is_shown() && !hides {
                self.void(name);
            }
        } else if self.hidden.enter(name, hides, self.attributes.seen) {
            self.element(name);
        }
        self.attributes.clear();
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
            "ol" => self.open_list(Kind::Numbers, self.attributes.start.unwrap_or(1)),
            "li" => self.open_entry(),
            "blockquote" => {
                self.page.hard_break(Gap::Blank);
                if self.push(Kind::Quote, 0) {
                    self.page.prefix.push_str("> ");
                }
            }
            "table" => {
                self.page.hard_break(Gap::Blank);
                self.push(Kind::Table, 0);
            }
            "tr" => {
                self.page.end_row();
                if let Some(table) = self.frames.table() {
                    table.count = 0;
                }
            }
            "td" | "th" => {
                let further = self.frames.table().is_some_and(|table| {
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
        if !self.page.has_words() && self.frames.is_table() {
            return;
        }
        if is_paragraph(name) {
            self.page.soft_break(Gap::Blank);
        } else if is_line(name) {
            self.page.soft_break(Gap::Line);
        }
    }

    pub(super) fn end(&mut self, name: &str) {
        self.attributes.clear();
        if !self.hidden.leave(name) {
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

    /// A piece of text; a word may go on in the next one.
    pub(super) fn text(&mut self, text: &[u8]) {
        if self.hidden.is_shown() {
            match std::str::from_utf8(text) {
                Ok(text) => self.words(text),
                Err(_) => self.words(&String::from_utf8_lossy(text)),
            }
        }
    }

    fn words(&mut self, text: &str) {
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
        let url = self.attributes.href.trim();
        let url = url.strip_prefix("mailto:").unwrap_or(url);
        let script = url.get(..11).is_some_and(|s| s.eq_ignore_ascii_case("javascript:"));
        if url.is_empty() || url.starts_with('#') || script {
            return;
        }
        let mut kept = String::with_capacity(url.len());
        for part in url.split_ascii_whitespace() {
            kept.push_str(if kept.is_empty() { "" } else { "%20" });
            kept.extend(part.chars().filter(|c| !c.is_control()));
        }
        self.link = Some(Link { url: kept, text: String::new() });
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
        let nested = self.frames.is_in_entry(self.frames.depth());
        self.page.hard_break(if nested { Gap::Line } else { Gap::Blank });
        self.push(kind, start);
    }

    fn open_entry(&mut self) {
        self.page.hard_break(Gap::Line);
        if self.frames.entry_is_innermost() {
            self.pop(Kind::Entry);
        }
        let mark = match self.frames.last_mut() {
            Some(list) if list.kind == Kind::Numbers => {
                let number = self.attributes.start.unwrap_or(list.count);
                list.count = number.saturating_add(1);
                format!("{number}. ")
            }
            _ => "- ".to_owned(),
        };
        if self.push(Kind::Entry, 0) {
            self.page.prefix.extend(std::iter::repeat_n(' ', mark.len()));
            self.page.mark = Some(mark);
        }
    }

    fn push(&mut self, kind: Kind, count: u32) -> bool {
        self.frames.push(kind, self.page.prefix.len(), count)
    }

    fn pop(&mut self, kind: Kind) {
        if self.frames.pop_flattened() {
            return self.page.hard_break(Gap::Line);
        }
        let Some(at) = self.frames.innermost(kind) else { return };
        let close = kind == Kind::Entry || self.frames.is_in_entry(at);
        self.page.hard_break(if close { Gap::Line } else { Gap::Blank });
        let prefix = self.frames.close(at);
        self.page.prefix.truncate(prefix);
        self.page.mark = None;
    }

    /// The whole text; what comes after it would be lost.
    pub(super) fn finish(&mut self) -> String {
        self.close_link();
        self.page.finish()
    }
}
