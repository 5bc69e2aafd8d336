//! What is wrong with a draft, field by field.

/// One mistake: which field, what is wrong, what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}")]
pub struct FieldError {
    /// The API's name of the field, with its place: `to[2]`, `headers.X-Y`, `attachments[0].content_type`.
    pub field: String,
    /// A sentence that names the cause and the remedy.
    pub problem: String,
}

/// All mistakes of one draft; never empty.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct ComposeError(pub Vec<FieldError>);

/// Mistakes while they are collected.
#[derive(Default)]
pub(crate) struct Faults(Vec<FieldError>);

impl Faults {
    pub(crate) fn add(&mut self, field: impl Into<String>, problem: impl Into<String>) {
        self.0.push(FieldError { field: field.into(), problem: problem.into() });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The error, when one more mistake leaves nothing to go on with.
    pub(crate) fn last(mut self, field: &str, problem: &str) -> ComposeError {
        self.add(field, problem);
        ComposeError(self.0)
    }

    /// `Ok` when nothing was added.
    pub(crate) fn verdict(self) -> Result<(), ComposeError> {
        if self.0.is_empty() { Ok(()) } else { Err(ComposeError(self.0)) }
    }
}
