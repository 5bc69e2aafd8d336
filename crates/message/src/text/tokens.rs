//! What the tokenizer finds, gathered into tags and handed to the reader as it comes.

use super::tags::Reader;
use html5gum::{Emitter, Error, State, naive_next_state};
use std::convert::Infallible;

/// Octets kept of a tag's and of an attribute's name; longer names mean nothing to us.
const MAX_NAME: usize = 32;

pub(super) struct Tokens<'a> {
    reader: Reader,
    out: &'a mut String,
    tag: Vec<u8>,
    /// The last start tag, which says what ends a script or a style.
    last_start: Vec<u8>,
    is_end: bool,
    self_closing: bool,
    attribute: Vec<u8>,
    value: Vec<u8>,
}

impl<'a> Tokens<'a> {
    /// The text is put into `out` when the HTML ends.
    pub(super) fn new(reader: Reader, out: &'a mut String) -> Self {
        Self {
            reader,
            out,
            tag: Vec::new(),
            last_start: Vec::new(),
            is_end: false,
            self_closing: false,
            attribute: Vec::new(),
            value: Vec::new(),
        }
    }

    fn init_tag(&mut self, is_end: bool) {
        self.tag.clear();
        self.is_end = is_end;
        self.self_closing = false;
    }

    fn end_attribute(&mut self) {
        if !self.attribute.is_empty() && !self.is_end {
            self.reader.attribute(&self.attribute, &self.value);
        }
        self.attribute.clear();
        self.value.clear();
    }
}

/// Appends `piece` as long as the whole stays short; one octet more marks what was too long.
fn push_name(name: &mut Vec<u8>, piece: &[u8]) {
    let room = (MAX_NAME + 1).saturating_sub(name.len());
    name.extend_from_slice(piece.get(..room).unwrap_or(piece));
}

impl Emitter for Tokens<'_> {
    type Token = Infallible;

    fn should_emit_errors(&mut self) -> bool {
        false
    }

    fn emit_error(&mut self, _: Error) {}

    fn pop_token(&mut self) -> Option<Infallible> {
        None
    }

    fn emit_eof(&mut self) {
        *self.out = self.reader.finish();
    }

    fn emit_string(&mut self, text: &[u8]) {
        self.reader.text(text);
    }

    fn set_last_start_tag(&mut self, name: Option<&[u8]>) {
        self.last_start.clear();
        self.last_start.extend_from_slice(name.unwrap_or_default());
    }

    fn init_start_tag(&mut self) {
        self.init_tag(false);
    }

    fn init_end_tag(&mut self) {
        self.init_tag(true);
    }

    fn push_tag_name(&mut self, name: &[u8]) {
        push_name(&mut self.tag, name);
    }

    fn set_self_closing(&mut self) {
        self.self_closing = true;
    }

    fn init_attribute(&mut self) {
        self.end_attribute();
    }

    fn push_attribute_name(&mut self, name: &[u8]) {
        push_name(&mut self.attribute, name);
    }

    fn push_attribute_value(&mut self, value: &[u8]) {
        self.value.extend_from_slice(value);
    }

    fn emit_current_tag(&mut self) -> Option<State> {
        self.end_attribute();
        let name = std::str::from_utf8(&self.tag).unwrap_or_default();
        if self.is_end {
            self.reader.end(name);
            self.last_start.clear();
            return None;
        }
        self.reader.start(name, self.self_closing);
        std::mem::swap(&mut self.last_start, &mut self.tag);
        naive_next_state(&self.last_start)
    }

    fn current_is_appropriate_end_tag_token(&mut self) -> bool {
        self.is_end && !self.last_start.is_empty() && self.last_start == self.tag
    }

    fn init_comment(&mut self) {}
    fn push_comment(&mut self, _: &[u8]) {}
    fn emit_current_comment(&mut self) {}
    fn init_doctype(&mut self) {}
    fn push_doctype_name(&mut self, _: &[u8]) {}
    fn set_force_quirks(&mut self) {}
    fn set_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn set_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_public_identifier(&mut self, _: &[u8]) {}
    fn push_doctype_system_identifier(&mut self, _: &[u8]) {}
    fn emit_current_doctype(&mut self) {}
}
