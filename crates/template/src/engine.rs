//! The engine behind the templates: its limits, what it prints how, and what its errors mean.

use crate::functions::{self, Refused, Words, refused};
use crate::subject;
use crate::{RenderError, TemplateError};
use minijinja::syntax::SyntaxConfig;
use minijinja::value::ValueKind;
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior, Value};
use std::error::Error as _;
use std::fmt;
use std::sync::Arc;

/// Steps of one rendering, where 64 octets made count as one: about 20 MB, some ten milliseconds.
const FUEL: u64 = 300_000;
/// Nested includes, macros, blocks and calls, as the engine weighs them.
const DEPTH: usize = 150;
/// Octets of one finished part.
const MOST_OUTPUT: usize = 2 << 20;

/// Ends the name of a template that makes a subject: plain text on one line.
pub(crate) const SUBJECT: &str = "#subject";
/// Parts the name of a file from what tells its versions apart.
const VERSION: char = '#';

/// An engine without templates.
pub(crate) fn bare() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    // So that errors tell names and lines; it costs nothing until there is one.
    env.set_debug(true);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(DEPTH);
    env.set_auto_escape_callback(|name| match path(name).ends_with(".html") && !name.ends_with(SUBJECT) {
        true => AutoEscape::Html,
        false => AutoEscape::None,
    });
    env.set_formatter(print);
    // A tag that stands alone on its line leaves no empty line behind.
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        env.set_syntax(syntax);
    }
    env
}

/// The engine with what templates of one language may call.
pub(crate) fn speaking(bare: &Environment<'static>, words: &Arc<Words>) -> Environment<'static> {
    let mut env = bare.clone();
    functions::add(&mut env, words);
    env
}

/// Fills a template.
pub(crate) fn render(env: &Environment<'static>, name: &str, context: Value) -> Result<String, RenderError> {
    let template = env.get_template(name).map_err(|error| explain(&error, name))?;
    let text = template.render(context).map_err(|error| explain(&error, name))?;
    match text.len() > MOST_OUTPUT {
        true => Err(RenderError::TooMuch {
            template: path(name).to_owned(),
            line: 1,
            problem: format!("it makes more than {MOST_OUTPUT} octets"),
        }),
        false => Ok(text),
    }
}

/// The path of the file that a template of the engine was made from.
pub(crate) fn path(name: &str) -> &str {
    name.split(VERSION).next().unwrap_or(name)
}

/// `&`, `<`, `>` and both quotes as references.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    // Writing to a String cannot fail.
    escape_to(&mut out, text).unwrap_or_default();
    out
}

fn escape_to(out: &mut impl fmt::Write, text: &str) -> fmt::Result {
    let mut rest = text;
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        let (plain, from) = rest.split_at_checked(at).unwrap_or((rest, ""));
        out.write_str(plain)?;
        out.write_str(match from.as_bytes().first() {
            Some(b'&') => "&amp;",
            Some(b'<') => "&lt;",
            Some(b'>') => "&gt;",
            Some(b'"') => "&quot;",
            _ => "&#39;",
        })?;
        rest = from.get(1..).unwrap_or("");
    }
    out.write_str(rest)
}

/// Prints a value, or refuses one that a reader of the mail could make nothing of.
fn print(out: &mut Output, state: &mut State, value: &Value) -> Result<(), Error> {
    let kind = value.kind();
    match kind {
        ValueKind::Undefined => return Err(Error::from(ErrorKind::UndefinedError)),
        ValueKind::None => return Err(refused("a value is null; give it, or write |default('', true)")),
        ValueKind::Map | ValueKind::Seq | ValueKind::Iterable | ValueKind::Bytes => {
            return Err(refused(format!("a {kind} cannot be printed; print what is in it")));
        }
        _ => {}
    }
    let Some(text) = value.as_str() else { return Ok(write!(out, "{value}")?) };
    if state.name().ends_with(SUBJECT) && subject::breaks(text) {
        return Err(refused(
            "a value for the subject has a line break or control character; take it out, or write |oneline",
        ));
    }
    let html = matches!(state.auto_escape(), AutoEscape::Html) && !value.is_safe();
    Ok(if html { escape_to(out, text) } else { out.write_str(text) }?)
}

/// What the compiler found.
pub(crate) fn mistake(error: &Error, origin: &str) -> TemplateError {
    let problem = error.detail().map_or_else(|| error.kind().to_string(), ToOwned::to_owned);
    TemplateError { origin: origin.to_owned(), line: error.line(), problem }
}

/// An error of the engine in our words; the innermost one knows best.
fn explain(error: &Error, name: &str) -> RenderError {
    let mut inner = error;
    let mut own = None;
    let mut next = error.source();
    while let Some(source) = next {
        if let Some(deeper) = source.downcast_ref::<Error>().filter(|deeper| deeper.name().is_some()) {
            inner = deeper;
        }
        own = source.downcast_ref::<Refused>().or(own);
        next = source.source();
    }
    let template = path(inner.name().unwrap_or(name)).to_owned();
    let line = inner.line().unwrap_or(1);
    let at = inner.range().zip(inner.template_source()).and_then(|(range, source)| source.get(range));
    if let Some(Refused(problem)) = own {
        let at = at.map(|at| format!(" ({at})")).unwrap_or_default();
        return RenderError::Value { template, line, problem: format!("{problem}{at}") };
    }
    let detail = inner.detail().map_or_else(|| inner.kind().to_string(), ToOwned::to_owned);
    match inner.kind() {
        ErrorKind::UndefinedError => {
            let named = detail.strip_prefix('`').and_then(|d| d.split('`').next());
            let variable = named.or(at).unwrap_or("a variable").to_owned();
            RenderError::Missing { template, line, variable }
        }
        ErrorKind::OutOfFuel => {
            RenderError::TooMuch { template, line, problem: format!("more than {FUEL} steps") }
        }
        ErrorKind::InvalidOperation if detail.contains("recursion limit") => {
            RenderError::TooMuch { template, line, problem: "it calls itself, or nests too deep".into() }
        }
        ErrorKind::InvalidOperation | ErrorKind::NonPrimitive | ErrorKind::CannotUnpack => {
            RenderError::Value { template, line, problem: detail }
        }
        _ => RenderError::Broken { template, line, problem: detail },
    }
}
