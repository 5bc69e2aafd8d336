//! HTML to text that reads well, in one pass over tokens: no tree, no recursion.
//!
//! `tags` keeps what is open, `paragraph` collects words, `style` finds what is hidden. Time and
//! memory grow with the input only; nesting deeper than a named cap is flattened.

mod paragraph;
mod style;
mod tags;

use html5gum::emitters::callback::{CallbackEmitter, CallbackEvent};
use html5gum::{Span, Tokenizer};
use std::convert::Infallible;

/// Renders HTML as text: links as `text (url)`, lists with their marks and numbers, a table row per
/// line, quotes with `> `, preformatted text as it is, hidden text left out. Prose is wrapped at 78
/// columns. Ends with a newline unless it is empty.
pub fn html_to_text(html: &str) -> String {
    let mut reader = tags::Reader::new(html.len());
    let on_event = |event: CallbackEvent<'_>, _: Span<()>| -> Option<Infallible> {
        match event {
            CallbackEvent::OpenStartTag { name } => reader.open(name),
            CallbackEvent::AttributeName { name } => reader.attribute(name),
            CallbackEvent::AttributeValue { value } => reader.value(value),
            CallbackEvent::CloseStartTag { .. } => reader.start(),
            CallbackEvent::EndTag { name } => reader.end(name),
            CallbackEvent::String { value } => reader.text(value),
            CallbackEvent::Comment { .. } | CallbackEvent::Doctype { .. } | CallbackEvent::Error(_) => {}
        }
        None
    };
    let mut emitter = CallbackEmitter::new(on_event);
    emitter.naively_switch_states(true);
    // Reading a string cannot fail, and the tokens are handled as they come.
    let Ok(()) = Tokenizer::new_with_emitter(html, emitter).finish();
    reader.finish()
}

#[cfg(test)]
mod tests;
