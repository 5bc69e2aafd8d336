//! Templates as their authors and their data use them.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends by panic")]

mod bench;
mod functions;
mod hostile;
mod languages;
mod render;
mod sets;
mod styles;

use postrider_template::{Rendered, Source, Templates};
use serde_json::Value;

/// A set of names and texts.
fn set(sources: &[(&str, &str)]) -> Templates {
    Templates::new(sources.iter().map(source)).unwrap_or_else(|mistakes| panic!("{mistakes:?}"))
}

/// What is wrong with a set, a mistake a line.
fn mistakes(sources: &[(&str, &str)]) -> Vec<String> {
    Templates::new(sources.iter().map(source)).unwrap_err().iter().map(ToString::to_string).collect()
}

fn source((name, text): &(&str, &str)) -> Source {
    Source { name: (*name).into(), text: (*text).into(), origin: (*name).into() }
}

/// One template of HTML, filled.
fn fill(template: &str, data: Value) -> Result<Rendered, String> {
    set(&[("a.html", template)]).render("a", None, &data).map_err(|error| error.to_string())
}

/// Its HTML.
fn html(template: &str, data: Value) -> String {
    fill(template, data).unwrap().html.unwrap()
}
