//! HTML to text that reads well, in one pass over tokens: no tree, no recursion.
//!
//! `tokens` takes what the tokenizer finds, `tags` keeps what is open, `hidden` what is not shown,
//! `paragraph` collects words and `width` says where their lines may break. Time and memory grow with
//! the input only; nesting deeper than a named cap is flattened.

mod attributes;
mod frames;
mod hidden;
mod names;
mod paragraph;
mod style;
mod tags;
mod tokens;
mod width;

use html5gum::Tokenizer;

/// Renders HTML as text: links as `text (url)`, lists with their marks and numbers, a table row per
/// line, quotes with `> `, preformatted text as it is, hidden text and control characters left out.
/// Prose is wrapped at 78 columns, a wide character counting two; scripts written without blanks are
/// broken between characters. Ends with a newline unless it is empty.
pub fn html_to_text(html: &str) -> String {
    let mut text = String::new();
    let tokens = tokens::Tokens::new(tags::Reader::new(html.len()), &mut text);
    // Reading a string cannot fail, and the tokens are handled as they come.
    let Ok(()) = Tokenizer::new_with_emitter(html, tokens).finish();
    text
}

#[cfg(test)]
mod tests;
