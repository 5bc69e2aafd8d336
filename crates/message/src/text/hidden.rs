//! Which of the open elements are not shown.

use super::names::{ends_paragraph, is_silent};
use super::style::Seen;

/// An element whose inside is left out, or shown again; closed by its own end tag.
struct Span {
    name: String,
    depth: usize,
}

#[derive(Default)]
pub(super) struct Hidden {
    hidden: Option<Span>,
    no_size: Option<Span>,
    sized: Option<Span>,
}

impl Hidden {
    /// Whether text is shown here.
    pub(super) fn is_shown(&self) -> bool {
        self.hidden.is_none() && (self.no_size.is_none() || self.sized.is_some())
    }

    fn spans(&mut self) -> [&mut Option<Span>; 3] {
        [&mut self.hidden, &mut self.no_size, &mut self.sized]
    }

    /// A start tag: false when the element is hidden, by itself or by what it is in.
    pub(super) fn enter(&mut self, name: &str, hides: bool, seen: Option<Seen>) -> bool {
        if self.hidden.as_ref().is_some_and(|h| h.name == "p" && ends_paragraph(name)) {
            self.hidden = None;
        }
        for span in self.spans().into_iter().flatten() {
            span.depth += usize::from(span.name == name);
        }
        if self.hidden.is_some() {
            return false;
        }
        let span = || Some(Span { name: name.to_owned(), depth: 1 });
        if hides || is_silent(name) {
            self.hidden = span();
            return false;
        }
        match seen {
            Some(Seen::NoSize) if self.no_size.is_none() => self.no_size = span(),
            Some(Seen::Sized) if self.no_size.is_some() && self.sized.is_none() => self.sized = span(),
            _ => {}
        }
        true
    }

    /// An end tag: false when it closes something hidden.
    pub(super) fn leave(&mut self, name: &str) -> bool {
        let shown = self.hidden.is_none();
        for slot in self.spans() {
            if let Some(span) = slot.as_mut().filter(|s| s.name == name) {
                span.depth -= 1;
                if span.depth == 0 {
                    *slot = None;
                }
            }
        }
        shown
    }
}
