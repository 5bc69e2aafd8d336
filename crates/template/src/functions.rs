//! What a template may call beside the engine's own filters: translation, links, dates, numbers, lengths.

mod dates;
mod numbers;
mod text;

use crate::catalogue::Catalogues;
use crate::language::Language;
use minijinja::{Environment, Error, ErrorKind, State, Value};
use std::sync::Arc;

/// What the functions of one language know.
pub(crate) struct Words {
    pub(crate) language: Language,
    pub(crate) default: Language,
    pub(crate) catalogues: Arc<Catalogues>,
}

impl Words {
    /// A text that tells how the language writes something; never the default's.
    fn style(&self, key: &str) -> Option<&str> {
        match self.catalogues.find(&self.language, &self.language, key)? {
            crate::catalogue::Entry::Plain(text) => Some(text),
            crate::catalogue::Entry::Counted { .. } => None,
        }
    }

    /// The language without region.
    fn plain_language(&self) -> &str {
        self.language.as_str().split('-').next().unwrap_or_default()
    }
}

/// Adds all of them.
pub(crate) fn add(env: &mut Environment<'static>, words: &Arc<Words>) {
    text::add(env, words);
    dates::add(env, words);
    numbers::add(env, words);
    crate::guard::add(env);
    // It prints what the engine knows, which is nothing for a mail.
    env.remove_global("debug");
    env.remove_filter("pprint");
}

/// A value that cannot stand where it is put: the data's fault, not the template's.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

/// # Errors
/// The value is missing, with the name the engine knows it by.
fn given(state: &mut State, value: &Value) -> Result<(), Error> {
    if value.is_undefined() {
        state.format(value.clone())?;
    }
    Ok(())
}

pub(crate) fn refused(problem: impl Into<String>) -> Error {
    let problem = problem.into();
    Error::new(ErrorKind::InvalidOperation, problem.clone()).with_source(Refused(problem))
}
