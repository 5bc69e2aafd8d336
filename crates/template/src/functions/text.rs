//! `t`, `link` and the filters `href`, `truncate`, `oneline`.

use super::{Words, given, refused};
use crate::catalogue::{self, Entry};
use crate::engine::escape;
use minijinja::value::{Kwargs, Rest};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, State, Value};
use std::sync::Arc;

/// Schemes that a link of a mail may have.
const SCHEMES: [&str; 4] = ["https", "http", "mailto", "tel"];

pub(super) fn add(env: &mut Environment<'static>, words: &Arc<Words>) {
    let words = words.clone();
    env.add_function("t", move |state: &mut State, key: String, rest: Rest<Value>, named: Kwargs| {
        translate(&words, state, &key, &rest, &named)
    });
    env.add_function("link", link);
    env.add_filter("href", href);
    env.add_filter("truncate", truncate);
    env.add_filter("oneline", oneline);
}

/// The text of a key with its values. In HTML the text is escaped, unless the key ends in `_html`; values
/// always are.
fn translate(
    words: &Words,
    state: &mut State,
    key: &str,
    positional: &Rest<Value>,
    named: &Kwargs,
) -> Result<Value, Error> {
    let entry = words.catalogues.find(&words.language, &words.default, key).ok_or_else(|| {
        let problem = format!("t(\"{key}\") has no text in {}; add it to locale/", words.default);
        Error::new(ErrorKind::UnknownFunction, problem)
    })?;
    let text = match entry {
        Entry::Plain(text) => text,
        Entry::Counted { one, other } => {
            let count: Value =
                named.get("count").map_err(|_| refused(format!("t(\"{key}\") needs count=")))?;
            if count == Value::from(1) { one } else { other }
        }
    };
    let mut values = Vec::new();
    for (place, value) in (0..).zip(positional.iter()) {
        let place: usize = place;
        values.push((place.to_string(), state.format(value.clone())?));
    }
    for name in named.args() {
        values.push((name.to_owned(), state.format(named.get(name)?)?));
    }
    named.assert_all_used()?;
    let html = matches!(state.auto_escape(), AutoEscape::Html);
    let escaped = |text: &str| if html && !key.ends_with("_html") { escape(text) } else { text.to_owned() };
    let value = |name: &str| values.iter().find(|(known, _)| known == name).map(|(_, v)| v.clone());
    let filled = catalogue::fill(text, escaped, value).map_err(|name| {
        Error::new(
            ErrorKind::MissingArgument,
            format!("t(\"{key}\") has no value for {{{name}}}; give {name}="),
        )
    })?;
    Ok(if html { Value::from_safe_string(filled) } else { filled.into() })
}

/// An anchor in HTML; `text (url)`, or the URL alone, elsewhere.
fn link(state: &mut State, url: Value, text: Rest<Value>) -> Result<Value, Error> {
    let target = href(state, url)?;
    // Not an optional argument: the engine takes one that is missing in the data for none given.
    let text = text.first();
    let shown = match text {
        Some(text) => state.format(text.clone())?,
        None => state.format(target.clone().into())?,
    };
    if matches!(state.auto_escape(), AutoEscape::Html) {
        return Ok(Value::from_safe_string(format!("<a href=\"{}\">{shown}</a>", escape(&target))));
    }
    Ok(if text.is_none() || shown == target { target } else { format!("{shown} ({target})") }.into())
}

/// The URL, when a mail may link to it.
fn href(state: &mut State, url: Value) -> Result<String, Error> {
    given(state, &url)?;
    let text = match url.as_str() {
        Some(text) => text.trim(),
        None => return Err(refused("a link must be a text such as https://example.com/")),
    };
    let scheme = text.split_once(':').map(|(scheme, _)| scheme.to_ascii_lowercase());
    let known = scheme.is_some_and(|scheme| SCHEMES.contains(&scheme.as_str()));
    match known && !text.contains(|c: char| c.is_control() || c.is_whitespace()) {
        true => Ok(text.to_owned()),
        false => Err(refused(format!(
            "{:?} is no link for a mail; write it whole, with {}",
            truncate(text, Some(60)),
            SCHEMES.join(":, ") + ":"
        ))),
    }
}

/// At most `length` characters, the last of them an ellipsis when there were more.
fn truncate(text: &str, length: Option<usize>) -> String {
    let length = length.unwrap_or(80).max(1);
    match text.char_indices().nth(length) {
        None => text.to_owned(),
        Some(_) => {
            let kept: String = text.chars().take(length - 1).collect();
            kept.trim_end().to_owned() + "…"
        }
    }
}

/// White space and line breaks become single blanks: for values that go into a subject.
fn oneline(text: &str) -> String {
    let visible: String = text
        .chars()
        .map(|c| if c.is_control() || matches!(c, '\u{2028}' | '\u{2029}') { ' ' } else { c })
        .collect();
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}
