//! Named templates and data become the subject, HTML and text of a mail.
//!
//! A `Templates` is made of named sources, once; `render` then fills one with data. Nothing here reads
//! a file, an environment, a clock or a socket: an include finds only what is in the set, a time zone
//! comes from the tables that are built in.
//!
//! A template is the operator's, its data is anybody's: data is never read as a template, is escaped in
//! HTML, and cannot break a line of the subject. What is missing fails, by name.

mod build;
mod catalogue;
mod check;
mod css;
mod engine;
mod error;
mod functions;
mod guard;
mod language;
mod name;
mod scan;
mod split;
mod subject;
mod templates;

pub use check::Finding;
pub use error::{RenderError, TemplateError};
pub use language::Language;
pub use templates::{Listed, Rendered, Source, Templates};
