//! Collects the words of one paragraph, wraps it and puts it behind its prefix.

use super::width::{columns, piece};

/// Columns of a line of prose.
const WIDTH: usize = 78;
/// Columns that stay for words however deep the prefix is.
const LEAST: usize = 20;

/// What stands between two paragraphs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Gap {
    None,
    Line,
    Blank,
}

pub(super) struct Paragraphs {
    out: String,
    words: String,
    /// A blank is due before the next word.
    space: bool,
    /// The paragraph is verbatim, or a table row: never wrapped.
    pub(super) fixed: bool,
    /// What stands before this paragraph, and what will stand behind it.
    gap: Gap,
    pending: Gap,
    /// What every line begins with: quote marks and indentation.
    pub(super) prefix: String,
    /// The mark that replaces the end of the prefix on the next line written: `- ` or `1. `.
    pub(super) mark: Option<String>,
    last_prefix: String,
    /// Underlines the paragraph: a heading.
    pub(super) underline: Option<char>,
}

impl Paragraphs {
    pub(super) fn new(size: usize) -> Self {
        Self {
            out: String::with_capacity(size / 2 + 64),
            words: String::with_capacity(256),
            space: false,
            fixed: false,
            gap: Gap::None,
            pending: Gap::None,
            prefix: String::new(),
            mark: None,
            last_prefix: String::new(),
            underline: None,
        }
    }

    pub(super) fn has_words(&self) -> bool {
        !self.words.is_empty()
    }

    pub(super) fn has_gap(&self) -> bool {
        self.pending != Gap::None
    }

    /// Ends the paragraph once more text comes; a table cell may still take the break back.
    pub(super) fn soft_break(&mut self, gap: Gap) {
        self.pending = self.pending.max(gap);
        self.space = false;
    }

    /// Ends the paragraph now, since what its lines begin with is about to change.
    pub(super) fn hard_break(&mut self, gap: Gap) {
        self.soft_break(gap);
        self.flush();
    }

    /// The next cell of a row goes on in the same line.
    pub(super) fn next_cell(&mut self) {
        if self.has_words() {
            self.pending = Gap::None;
            self.fixed = true;
            self.words.truncate(self.words.trim_end_matches([' ', '\n', '|']).len());
            self.words.push_str(" | ");
            self.space = false;
        }
    }

    /// Rows stand close together, whatever their cells ended with.
    pub(super) fn end_row(&mut self) {
        if self.fixed {
            self.pending = Gap::None;
        }
        self.hard_break(Gap::Line);
    }

    /// Text with its runs of blanks as one; control characters are left out, since they steer
    /// terminals.
    pub(super) fn text(&mut self, text: &str) {
        let mut rest = text;
        while !rest.is_empty() {
            let end = rest.bytes().position(|b| class(b) != Class::Word).unwrap_or(rest.len());
            if end > 0 {
                let (word, tail) = rest.split_at_checked(end).unwrap_or((rest, ""));
                self.word(word);
                rest = tail;
                continue;
            }
            let mut chars = rest.chars();
            match chars.next() {
                Some(c) if c.is_ascii_whitespace() || c == '\u{a0}' => self.space = true,
                Some(c) if c.is_control() => {}
                Some(c) => self.word(c.encode_utf8(&mut [0; 4])),
                None => {}
            }
            rest = chars.as_str();
        }
    }

    /// A word or the next piece of one.
    fn word(&mut self, word: &str) {
        self.begin();
        if self.space && !self.words.is_empty() && !self.words.ends_with([' ', '\n']) {
            self.words.push(' ');
        }
        self.words.push_str(word);
        self.space = false;
    }

    pub(super) fn space(&mut self) {
        self.space = true;
    }

    pub(super) fn verbatim(&mut self, text: &str) {
        self.begin();
        self.fixed = true;
        if text.bytes().all(|b| class(b) != Class::Other) {
            return self.words.push_str(text);
        }
        let steers = |c: &char| c.is_control() && !matches!(c, '\n' | '\t');
        self.words.extend(text.chars().filter(|c| !steers(c)));
    }

    pub(super) fn line_end(&mut self) {
        if self.has_words() && !self.has_gap() {
            self.words.push('\n');
        }
        self.space = false;
    }

    fn begin(&mut self) {
        if self.has_gap() {
            self.flush();
        }
    }

    /// Writes the paragraph, if it has words.
    fn flush(&mut self) {
        let words = std::mem::take(&mut self.words);
        let fixed = std::mem::take(&mut self.fixed);
        let underline = self.underline.take();
        let shown = words.trim_end_matches([' ', '\n', '|', '\r']);
        let shown = if shown.is_empty() { words.trim_matches([' ', '\n', '\r']) } else { shown };
        if !shown.is_empty() {
            self.separate();
            let mut widest = 0;
            for line in shown.split('\n') {
                let line = line.strip_suffix('\r').unwrap_or(line);
                widest = widest.max(if fixed { self.line(line) } else { self.wrap(line) });
            }
            if let Some(mark) = underline {
                let bar: String = std::iter::repeat_n(mark, widest.min(WIDTH)).collect();
                self.line(&bar);
            }
            self.gap = Gap::Line;
        }
        self.gap = self.gap.max(std::mem::replace(&mut self.pending, Gap::None));
        self.words = words;
        self.words.clear();
        self.space = false;
    }

    /// The empty line before a paragraph, with the quote marks both neighbours share.
    fn separate(&mut self) {
        if self.gap == Gap::Blank && !self.out.is_empty() {
            let shared: usize =
                self.prefix.bytes().zip(self.last_prefix.bytes()).take_while(|(a, b)| a == b).count();
            let quotes = self.prefix.get(..shared).unwrap_or_default().trim_end();
            self.out.push_str(quotes);
            self.out.push('\n');
        }
        self.gap = Gap::None;
        self.last_prefix.clone_from(&self.prefix);
    }

    fn put_prefix(&mut self, empty_line: bool) {
        if let Some(mark) = self.mark.take() {
            let kept = self.prefix.len().saturating_sub(mark.len());
            self.out.push_str(self.prefix.get(..kept).unwrap_or_default());
            self.out.push_str(&mark);
        } else if empty_line {
            self.out.push_str(self.prefix.trim_end());
        } else {
            self.out.push_str(&self.prefix);
        }
    }

    /// One line as it is; its width.
    fn line(&mut self, text: &str) -> usize {
        self.put_prefix(text.is_empty());
        self.out.push_str(text);
        self.out.push('\n');
        columns(text)
    }

    /// Breaks at blanks, and beside wide characters, so that lines stay within 78 columns; the widest
    /// line's width.
    fn wrap(&mut self, text: &str) -> usize {
        let room = WIDTH.saturating_sub(self.prefix.len()).max(LEAST);
        if text.len() <= room || text.len() <= room * 4 && columns(text) <= room {
            return self.line(text.trim());
        }
        let (mut used, mut widest) = (0, 0);
        for word in text.split(' ').filter(|w| !w.is_empty()) {
            let mut blank = 1;
            let mut rest = word;
            while !rest.is_empty() {
                let (piece, tail, width) = piece(rest);
                if used > 0 && used + blank + width <= room {
                    self.out.push_str(if blank == 1 { " " } else { "" });
                    used += blank;
                } else {
                    self.out.push_str(if used > 0 { "\n" } else { "" });
                    self.put_prefix(false);
                    used = 0;
                }
                self.out.push_str(piece);
                used += width;
                widest = widest.max(used);
                (blank, rest) = (0, tail);
            }
        }
        self.out.push('\n');
        widest
    }

    /// The whole text; the page is empty afterwards.
    pub(super) fn finish(&mut self) -> String {
        self.flush();
        std::mem::take(&mut self.out)
    }
}

/// What a byte of running text is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Word,
    Blank,
    /// A control character, or the start of one in UTF-8, or of the no-break space.
    Other,
}

const fn class(byte: u8) -> Class {
    match byte {
        b' ' | b'\t' | b'\n' | b'\r' | b'\x0c' => Class::Blank,
        0..b' ' | 0x7f | 0xc2 => Class::Other,
        _ => Class::Word,
    }
}
