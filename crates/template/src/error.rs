//! What is wrong with a set of templates, and why one could not be filled.

/// A mistake in a source, found when the set is made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{origin}{}: {problem}", .line.map(|n| format!(":{n}")).unwrap_or_default())]
pub struct TemplateError {
    /// Where the source came from: a path, or `built in: issue/default.html`.
    pub origin: String,
    /// Counted from 1.
    pub line: Option<usize>,
    /// A sentence that names the cause and the remedy.
    pub problem: String,
}

/// Why a template gave no mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    #[error("there is no template {id:?}; {}", hint(.known))]
    Unknown { id: String, known: Vec<String> },
    /// A variable that the template needs and the data lacks.
    #[error("{template}, line {line}: {variable} is missing in the data; give it")]
    Missing { template: String, line: usize, variable: String },
    /// A value that cannot stand where the template puts it.
    #[error("{template}, line {line}: {problem}")]
    Value { template: String, line: usize, problem: String },
    /// The template itself is at fault, whatever the data.
    #[error("{template}, line {line}: {problem}")]
    Broken { template: String, line: usize, problem: String },
    /// Work, output or depth beyond the limits.
    #[error("{template}, line {line}: it takes too much to fill: {problem}")]
    TooMuch { template: String, line: usize, problem: String },
    #[error("the data must be an object of names and values, not {0}")]
    Data(&'static str),
}

impl RenderError {
    /// The variable to blame, dots and all: `user.name`.
    pub fn variable(&self) -> Option<&str> {
        match self {
            Self::Missing { variable, .. } => Some(variable),
            Self::Unknown { .. }
            | Self::Value { .. }
            | Self::Broken { .. }
            | Self::TooMuch { .. }
            | Self::Data(_) => None,
        }
    }
}

const SHOWN: usize = 20;

fn hint(ids: &[String]) -> String {
    match ids {
        [] => "there are none at all; name their folder by [postrider.template] DIR".into(),
        ids if ids.len() > SHOWN => "`postrider template list` shows them all".into(),
        ids => format!("there are: {}", ids.join(", ")),
    }
}
