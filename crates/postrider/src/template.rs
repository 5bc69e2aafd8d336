//! Messages by template: the draft's subject, HTML and text come from a named template and data.

use crate::{Mailer, Message};
use ::message::{Draft, FieldError};
use std::borrow::Cow;
use std::sync::{Arc, PoisonError};
use template::{RenderError, Templates};

/// A template to fill, and with what.
#[derive(Debug, Clone, PartialEq)]
pub struct Template {
    pub id: String,
    /// A language tag such as `de-AT`; `None`: the template's own.
    pub language: Option<String>,
    /// An object; anything else, or one that lacks what the template needs, fails the message.
    pub variables: serde_json::Value,
}

impl Default for Template {
    fn default() -> Self {
        Self {
            id: String::new(),
            language: None,
            variables: serde_json::Value::Object(serde_json::Map::new()),
        }
    }
}

impl Message {
    /// The draft, with the template's parts in it when the message has a template. A subject that the
    /// draft has stands, and is what the template knows as `subject`.
    ///
    /// # Errors
    /// Every mistake with its field: `template.id`, `template.variables.NAME`, `html`.
    pub fn filled(&self, templates: &Templates) -> Result<Cow<'_, Draft>, Vec<FieldError>> {
        let Some(template) = &self.template else { return Ok(Cow::Borrowed(&self.draft)) };
        let mut faults = Vec::new();
        let mut fault = |field: &str, problem: &str| {
            faults.push(FieldError { field: field.into(), problem: problem.into() });
        };
        if self.draft.html.is_some() || self.body.is_some() {
            fault("html", "cannot stand beside a template, which makes it; remove one of them");
        }
        if self.draft.text.is_some() {
            fault("text", "cannot stand beside a template, which makes it; remove one of them");
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut draft = self.draft.clone();
        let mut data = template.variables.clone();
        if let (Some(data), false) = (data.as_object_mut(), draft.subject.is_empty()) {
            data.entry("subject").or_insert_with(|| draft.subject.as_str().into());
        }
        let rendered = templates.render(&template.id, template.language.as_deref(), &data);
        let rendered = rendered.map_err(|error| vec![told(&error)])?;
        if draft.subject.is_empty() {
            draft.subject = rendered.subject.ok_or_else(|| {
                let problem = format!(
                    "is missing: template {:?} makes none; give one, or write it above a line of three dashes",
                    template.id
                );
                vec![FieldError { field: "subject".into(), problem }]
            })?;
        }
        (draft.html, draft.text) = (rendered.html, rendered.text);
        Ok(Cow::Owned(draft))
    }

    /// Subject, HTML and text from a template; see [`Mailer::change_templates`]. The variables are an
    /// object: anything else is refused when the message is submitted.
    pub fn template(mut self, id: impl Into<String>, variables: serde_json::Value) -> Self {
        self.template = Some(Template { id: id.into(), language: None, variables });
        self
    }
}

impl Mailer {
    /// The templates that hold now.
    pub fn templates(&self) -> Arc<Templates> {
        self.template_set().read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Other templates hold for what is submitted from now on.
    pub fn change_templates(&self, templates: Arc<Templates>) {
        *self.template_set().write().unwrap_or_else(PoisonError::into_inner) = templates;
    }
}

fn told(error: &RenderError) -> FieldError {
    let field = match error {
        RenderError::Missing { variable, .. } => format!("template.variables.{variable}"),
        RenderError::Value { .. } | RenderError::Data(_) => "template.variables".into(),
        RenderError::Unknown { .. } | RenderError::Broken { .. } | RenderError::TooMuch { .. } => {
            "template.id".into()
        }
    };
    FieldError { field, problem: error.to_string() }
}
