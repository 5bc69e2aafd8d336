//! Every template in every language, filled with its sample data.

use crate::Language;
use crate::templates::{Rendered, Templates};

/// What the check has to say of one template in one language.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Empty: of the set as a whole.
    pub id: String,
    pub language: Option<Language>,
    /// Whether mail of this kind cannot be made.
    pub fatal: bool,
    pub problem: String,
}

impl Templates {
    /// Fills every template in every language with its sample data.
    pub fn check(&self) -> Vec<Finding> {
        let mut found = Vec::new();
        for (id, mail) in &self.mails {
            let about = |language: Option<&Language>, fatal: bool, problem: String| Finding {
                id: id.clone(),
                language: language.cloned(),
                fatal,
                problem,
            };
            for language in self.languages(mail) {
                let Some(sample) = self.sample(id, Some(language.as_str())) else {
                    found.push(about(
                        None,
                        false,
                        format!("has no sample data {id}.json, so it was not filled"),
                    ));
                    break;
                };
                match self.render(id, Some(language.as_str()), sample) {
                    Err(error) => found.push(about(Some(&language), true, error.to_string())),
                    Ok(rendered) => found.extend(
                        remarks(&rendered).into_iter().map(|text| about(Some(&language), false, text)),
                    ),
                }
            }
        }
        found.extend(self.notes.iter().map(|note| Finding {
            id: String::new(),
            language: None,
            fatal: false,
            problem: note.to_string(),
        }));
        found
    }
}

/// Octets above which Gmail cuts a mail off.
const CLIPPED: usize = 102 << 10;

fn remarks(rendered: &Rendered) -> Vec<String> {
    let mut found = Vec::new();
    if rendered.subject.is_none() {
        found.push(
            "makes no subject; write it above a line of three dashes, or give one with each mail".to_owned(),
        );
    }
    if rendered.html.as_ref().is_some_and(|html| html.len() > CLIPPED) {
        found.push(format!("makes more than {CLIPPED} octets of HTML; Gmail shows only so much"));
    }
    found
}
