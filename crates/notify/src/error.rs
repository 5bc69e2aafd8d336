//! Why an event became no mail.

use postrider::{FieldError, SubmitError};

/// Nothing of the event was mailed, but for what came before in `Interrupted`.
#[derive(Debug, Clone, thiserror::Error)]
pub enum NotifyError {
    #[error("there is no event {name:?}; there are: {}", .known.join(", "))]
    Unknown { name: String, known: Vec<String> },
    /// A name that no event may have.
    #[error(
        "no event may be called {0:?}; use letters, digits, dots, - and _, and not send, which is reserved"
    )]
    Reserved(String),
    /// Mistakes of the caller, each with its field and remedy; never empty.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<FieldError>),
    /// A template is at fault, whatever the data: for its author.
    #[error("{0}")]
    Template(String),
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// Some batches were taken, then no more. Handed over again, the event goes on where it stopped.
    #[error("{taken} mails were taken, then: {because}; hand the same event over again for the others")]
    Interrupted { taken: usize, because: SubmitError },
}

/// Mistakes while they are collected.
#[derive(Default)]
pub(crate) struct Faults(pub(crate) Vec<FieldError>);

/// Mistakes told of one event.
const MOST: usize = 100;

impl Faults {
    pub(crate) fn add(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        if self.0.len() < MOST {
            self.0.push(FieldError { field: field.into(), problem: problem.into() });
        }
    }

    /// The value, unless there was a mistake.
    pub(crate) fn verdict<T>(self, value: T) -> Result<T, Vec<FieldError>> {
        if self.0.is_empty() { Ok(value) } else { Err(self.0) }
    }
}
