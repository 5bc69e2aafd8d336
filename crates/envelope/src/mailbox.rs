//! A mailbox as people write it: a display name and an address (RFC 5322 3.4).

use crate::{Address, AddressError, decode_words};
use std::borrow::Cow;

/// `Name <a@b>` or `a@b`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Decoded display name, without quotes; `None` when there is none.
    pub name: Option<Box<str>>,
    pub address: Address,
}

/// Why a text is not a mailbox or a list of them. `Display` is a sentence for the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailboxError {
    #[error("{0}")]
    Address(#[from] AddressError),
    #[error(
        "a group (\"name: a, b;\") is not accepted; list the addresses, and put a name with \":\" in quotes"
    )]
    Group,
    #[error("{0}")]
    Syntax(&'static str),
}

impl Mailbox {
    /// Parses exactly one mailbox.
    pub fn parse(text: &str) -> Result<Self, MailboxError> {
        let mut scan = Scan::new(text);
        let one = scan.mailbox()?;
        if scan.peek().is_some() {
            return Err(MailboxError::Syntax(
                "expected a single address, and found more; put a name with \",\" in quotes",
            ));
        }
        Ok(one)
    }

    /// Parses a comma-separated list; at least one mailbox, no empty entries. One pass, no
    /// recursion, whatever the text.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, MailboxError> {
        let mut scan = Scan::new(text);
        let mut all = vec![scan.mailbox()?];
        while scan.take(b',') {
            all.push(scan.mailbox()?);
        }
        Ok(all)
    }
}

/// Why a name or comment is refused.
const CONTROL: MailboxError = MailboxError::Syntax("it holds a control character; remove it");
const UNCLOSED_QUOTE: MailboxError = MailboxError::Syntax("a closing quote is missing; add it");
const NEEDS_QUOTES: MailboxError =
    MailboxError::Syntax("the name holds a character that needs quotes; write \"Name\" <name@domain>");
const NO_ADDRESS: MailboxError = MailboxError::Syntax("there is no address in it; write it as name@domain");

struct Scan<'a> {
    text: &'a str,
    at: usize,
    #[cfg(test)]
    steps: usize,
}

/// A display name while it grows: words joined by one blank, adjacent encoded words decoded together.
#[derive(Default)]
struct Phrase {
    decoded: String,
    plain: String,
    begun: bool,
}

impl Phrase {
    fn gap(&mut self) {
        if self.begun {
            self.plain.push(' ');
        }
        self.begun = true;
    }

    fn atom(&mut self, text: &str) {
        self.gap();
        self.plain.push_str(text);
    }

    /// A quoted word is taken literally: RFC 2047 5 forbids encoded words inside quotes.
    fn quoted(&mut self, text: &str) {
        self.gap();
        self.decoded.push_str(&decode_words(&self.plain));
        self.plain.clear();
        self.decoded.push_str(text);
    }

    fn finish(mut self) -> Result<Option<Box<str>>, MailboxError> {
        self.decoded.push_str(&decode_words(&self.plain));
        let name = self.decoded.trim();
        if name.chars().any(|c| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}')) {
            return Err(CONTROL);
        }
        Ok((!name.is_empty()).then(|| name.into()))
    }
}

impl<'a> Scan<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            #[cfg(test)]
            steps: 0,
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn bump(&mut self) {
        self.at += 1;
        #[cfg(test)]
        {
            self.steps += 1;
        }
    }

    fn take(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.bump();
        }
        found
    }

    fn since(&self, start: usize) -> &'a str {
        self.text.get(start..self.at).unwrap_or_default()
    }

    /// Reads one mailbox and what surrounds it, up to a comma or the end.
    fn mailbox(&mut self) -> Result<Mailbox, MailboxError> {
        let mut phrase = Phrase::default();
        let mut words = 0usize;
        let mut comment = None;
        loop {
            self.blanks(&mut comment)?;
            let start = self.at;
            match self.peek() {
                Some(b'<') => {
                    let address = self.angle()?;
                    let name = phrase.finish()?;
                    return self.end(name, address, comment);
                }
                Some(b'"') => {
                    let content = self.quoted()?;
                    if self.peek() == Some(b'@') {
                        break self.bare(start, words, comment);
                    }
                    phrase.quoted(&content);
                }
                Some(b) if is_word(b) => {
                    self.word();
                    if self.peek() == Some(b'@') {
                        break self.bare(start, words, comment);
                    }
                    phrase.atom(self.since(start));
                }
                Some(b':' | b';') => return Err(MailboxError::Group),
                Some(b',') | None if words == 0 => {
                    return Err(match self.text.trim() {
                        "" => AddressError::Empty.into(),
                        _ => MailboxError::Syntax("an entry of the list is empty; remove the extra comma"),
                    });
                }
                Some(b',') | None => return Err(AddressError::NoAt.into()),
                Some(b'@') => {
                    return Err(AddressError::Local("it is empty; write a name before \"@\"").into());
                }
                Some(b) if b < b' ' || b == 0x7f => return Err(CONTROL),
                Some(_) => return Err(NEEDS_QUOTES),
            }
            words += 1;
        }
    }

    /// `local@domain` without angle brackets; `start` is where its local part begins.
    fn bare(&mut self, start: usize, words: usize, comment: Option<String>) -> Result<Mailbox, MailboxError> {
        self.domain();
        let address = Address::parse(self.since(start))?;
        if words > 0 {
            return Err(MailboxError::Syntax(
                "words stand before the address; write the address in angle brackets: Name <name@domain>",
            ));
        }
        self.end(None, address, comment)
    }

    fn angle(&mut self) -> Result<Address, MailboxError> {
        self.bump();
        self.spaces();
        let start = self.at;
        match self.peek() {
            Some(b'"') => drop(self.quoted()?),
            _ => self.word(),
        }
        if self.peek() == Some(b'>') && self.at == start {
            return Err(NO_ADDRESS);
        }
        if self.peek() == Some(b'@') {
            self.domain();
        }
        let address = Address::parse(self.since(start));
        self.spaces();
        match (self.take(b'>'), address) {
            (true, Ok(address)) => Ok(address),
            (true, Err(e)) => Err(e.into()),
            (false, _) if self.peek().is_none() => {
                Err(MailboxError::Syntax("the closing \">\" is missing; add it"))
            }
            (false, _) => Err(MailboxError::Syntax(
                "between \"<\" and \">\" there must be one address, name@domain, and nothing else",
            )),
        }
    }

    fn end(
        &mut self,
        name: Option<Box<str>>,
        address: Address,
        mut comment: Option<String>,
    ) -> Result<Mailbox, MailboxError> {
        self.blanks(&mut comment)?;
        match self.peek() {
            None | Some(b',') => {}
            Some(b';' | b':') => return Err(MailboxError::Group),
            Some(b) if b < b' ' || b == 0x7f => return Err(CONTROL),
            Some(_) => {
                return Err(MailboxError::Syntax(
                    "text follows the address; separate addresses by \",\" and quote the name before \"<\"",
                ));
            }
        }
        let name = match (name, comment) {
            (None, Some(text)) => {
                let mut phrase = Phrase::default();
                phrase.atom(&text);
                phrase.finish()?
            }
            (name, _) => name,
        };
        Ok(Mailbox { name, address })
    }

    fn spaces(&mut self) {
        while let Some(b' ' | b'\t') = self.peek() {
            self.bump();
        }
    }

    /// Skips blanks and comments; the first comment with text is kept as a possible name.
    fn blanks(&mut self, kept: &mut Option<String>) -> Result<(), MailboxError> {
        loop {
            self.spaces();
            if self.peek() != Some(b'(') {
                return Ok(());
            }
            let text = self.comment()?;
            if kept.is_none() && !text.trim().is_empty() {
                *kept = Some(text.into_owned());
            }
        }
    }

    /// A comment with its nested ones: a depth is counted, nothing recurses.
    fn comment(&mut self) -> Result<Cow<'a, str>, MailboxError> {
        self.bump();
        let start = self.at;
        let (mut depth, mut escapes) = (1usize, false);
        loop {
            match self.peek() {
                Some(b'(') => depth += 1,
                Some(b')') if depth == 1 => break,
                Some(b')') => depth -= 1,
                Some(b'\\') => {
                    escapes = true;
                    self.bump();
                }
                Some(_) => {}
                None => return Err(MailboxError::Syntax("a comment's closing \")\" is missing; add it")),
            }
            self.bump();
        }
        let text = self.since(start);
        self.bump();
        Ok(if escapes { Cow::Owned(unescape(text)) } else { Cow::Borrowed(text) })
    }

    fn quoted(&mut self) -> Result<Cow<'a, str>, MailboxError> {
        self.bump();
        let start = self.at;
        let mut escapes = false;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    escapes = true;
                    self.bump();
                }
                Some(_) => {}
                None => return Err(UNCLOSED_QUOTE),
            }
            self.bump();
        }
        let text = self.since(start);
        self.bump();
        Ok(if escapes { Cow::Owned(unescape(text)) } else { Cow::Borrowed(text) })
    }

    fn word(&mut self) {
        while self.peek().is_some_and(is_word) {
            self.bump();
        }
    }

    /// `@domain` or `@[literal]`; the parts are checked by `Address`.
    fn domain(&mut self) {
        self.bump();
        if self.peek() == Some(b'[') {
            while self.peek().is_some_and(|b| b != b']' && b > b' ' && b != b',') {
                self.bump();
            }
            self.take(b']');
        } else {
            self.word();
        }
    }
}

/// Everything but blanks, controls and the specials of RFC 5322 3.2.3; a dot counts as a letter.
fn is_word(b: u8) -> bool {
    b > b' '
        && b != 0x7f
        && !matches!(b, b'(' | b')' | b'<' | b'>' | b'[' | b']' | b':' | b';' | b'@' | b'\\' | b',' | b'"')
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        match c {
            '\\' => out.extend(chars.next()),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Twice the text may cost at most twice the steps: nothing is scanned again.
    #[test]
    fn b7_115_work_grows_with_the_text_only() {
        let steps = |unit: &str, times: usize| {
            let text = unit.repeat(times);
            let mut scan = Scan::new(&text);
            while scan.mailbox().is_ok() && scan.take(b',') {}
            assert!(scan.steps <= text.len() + 2, "{unit:?}: {} steps for {}", scan.steps, text.len());
        };
        let units = [
            "(",
            ",",
            "a@b(c)",
            "a@b.c,",
            "=?utf-8?q?",
            "=?x?=",
            "[",
            "<",
            "\"",
            "\\",
            "a:",
            "((",
            "()",
            "a ",
        ];
        for unit in units {
            for times in [1, 1000, 100_000] {
                steps(unit, times);
            }
        }
    }
}
