//! A set of templates, ready to be filled.

use crate::build;
use crate::engine;
use crate::language::Language;
use crate::{RenderError, TemplateError};
use minijinja::value::Serde;
use minijinja::{Environment, Value};
use std::collections::BTreeMap;

/// A named text of a set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// The path below the folder of the set: `issue/default.de.html`, `_layouts/mail.html`, `locale/de.toml`.
    pub name: String,
    pub text: String,
    /// Where it came from, for errors: its path, or `built in: issue/default.html`.
    pub origin: String,
}

/// Templates that belong together. Making one is the work, filling it is quick.
#[derive(Debug, Default)]
pub struct Templates {
    pub(crate) mails: BTreeMap<String, Mail>,
    /// Of each language that is spoken.
    pub(crate) engines: BTreeMap<Language, Environment<'static>>,
    pub(crate) default: Language,
    /// What is no mistake and yet worth a look.
    pub(crate) notes: Vec<TemplateError>,
}

/// All versions of one mail.
#[derive(Debug, Default)]
pub(crate) struct Mail {
    pub(crate) versions: BTreeMap<Option<Language>, Version>,
    pub(crate) samples: BTreeMap<Option<Language>, serde_json::Value>,
}

/// One mail in one language, or in the language of the catalogues; names of the engine's templates.
#[derive(Debug, Default, Clone)]
pub(crate) struct Version {
    pub(crate) subject: Option<String>,
    pub(crate) html: Option<String>,
    pub(crate) text: Option<String>,
    /// Whether it calls `t`, itself or by what it includes.
    pub(crate) translates: bool,
    pub(crate) origin: String,
}

/// A filled template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// One line of at most 256 characters; `None`: the template has none.
    pub subject: Option<String>,
    /// `None`: the template is plain text.
    pub html: Option<String>,
    /// `None`: to be made from the HTML.
    pub text: Option<String>,
    /// The language that was found.
    pub language: Language,
}

/// A template as `template list` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: String,
    /// Languages with files of their own or, where the template calls `t`, with a catalogue.
    pub languages: Vec<Language>,
    pub html: bool,
    /// Whether a text part is given.
    pub text: bool,
    /// Whether there is sample data.
    pub sample: bool,
    pub origin: String,
}

impl Templates {
    /// Makes a set; of two sources with one name the later counts, catalogues are merged key by key.
    /// English is the language of what has no other.
    ///
    /// # Errors
    /// Every mistake of every source.
    pub fn new(sources: impl IntoIterator<Item = Source>) -> Result<Self, Vec<TemplateError>> {
        Self::with_default(sources, Language::default())
    }

    /// As `new`, with another language for what has none.
    ///
    /// # Errors
    /// As `new`.
    pub fn with_default(
        sources: impl IntoIterator<Item = Source>,
        default: Language,
    ) -> Result<Self, Vec<TemplateError>> {
        build::build(sources, default)
    }

    /// Fills a template with data, an object. `lang` is a language tag such as `de-AT`: the variant of
    /// that language is taken, else of `de`, else the one without language. In the templates `lang` is
    /// the tag that was found and `subject` the finished subject, unless the data has keys of these names.
    ///
    /// # Errors
    /// The data lacks something or does not fit, or the template is at fault; line and name are told.
    pub fn render(
        &self,
        id: &str,
        lang: Option<&str>,
        data: &serde_json::Value,
    ) -> Result<Rendered, RenderError> {
        let serde_json::Value::Object(data) = data else { return Err(RenderError::Data(kind(data))) };
        let mail = self.mails.get(id).ok_or_else(|| self.unknown(id))?;
        let (version, language) = self.choose(mail, lang).ok_or_else(|| self.unknown(id))?;
        let engine = self.engines.get(&language).ok_or_else(|| self.unknown(id))?;
        let mut context: BTreeMap<String, Value> = BTreeMap::new();
        context.insert("lang".into(), language.display().into());
        for (name, value) in data {
            context.insert(name.clone(), Value::from(Serde(value)));
        }
        let fill = |name: &Option<String>, context: &BTreeMap<String, Value>| {
            let name = name.as_deref();
            name.map(|name| engine::render(engine, name, Value::from(context.clone()))).transpose()
        };
        let subject = fill(&version.subject, &context)?.and_then(|text| crate::subject::one_line(&text));
        if let Some(subject) = &subject {
            context.entry("subject".into()).or_insert_with(|| subject.as_str().into());
        }
        let html = fill(&version.html, &context)?;
        let text = fill(&version.text, &context)?;
        Ok(Rendered { subject, html, text, language })
    }

    /// Whether there is a template of this id.
    pub fn contains(&self, id: &str) -> bool {
        self.mails.contains_key(id)
    }

    /// All templates, by id.
    pub fn list(&self) -> Vec<Listed> {
        let row = |(id, mail): (&String, &Mail)| Listed {
            id: id.clone(),
            languages: self.languages(mail),
            html: mail.versions.values().any(|v| v.html.is_some()),
            text: mail.versions.values().any(|v| v.text.is_some()),
            sample: !mail.samples.is_empty(),
            origin: mail.versions.values().next().map(|v| v.origin.clone()).unwrap_or_default(),
        };
        self.mails.iter().map(row).collect()
    }

    /// The sample data of a template, in the language or any.
    pub fn sample(&self, id: &str, lang: Option<&str>) -> Option<&serde_json::Value> {
        let samples = &self.mails.get(id)?.samples;
        let asked = lang.and_then(Language::parse);
        let own = asked.iter().flat_map(Language::chain).find_map(|l| samples.get(&Some(l)));
        own.or_else(|| samples.get(&None)).or_else(|| samples.values().next())
    }

    pub(crate) fn languages(&self, mail: &Mail) -> Vec<Language> {
        let mut all: Vec<Language> = mail.versions.keys().flatten().cloned().collect();
        match mail.versions.get(&None) {
            Some(version) if version.translates => all.extend(self.engines.keys().cloned()),
            Some(_) => all.push(self.default.clone()),
            None => {}
        }
        all.sort();
        all.dedup();
        all
    }

    /// The version for a language, and the language it then speaks.
    fn choose<'a>(&self, mail: &'a Mail, lang: Option<&str>) -> Option<(&'a Version, Language)> {
        let asked = lang.and_then(Language::parse);
        for language in asked.iter().flat_map(Language::chain) {
            if let Some(version) = mail.versions.get(&Some(language.clone())) {
                return Some((version, language));
            }
        }
        if let Some(version) = mail.versions.get(&None) {
            let spoken = asked.iter().flat_map(Language::chain).find(|l| self.engines.contains_key(l));
            let language = spoken.filter(|_| version.translates).unwrap_or_else(|| self.default.clone());
            return Some((version, language));
        }
        let usual = mail.versions.get_key_value(&Some(self.default.clone()));
        let (language, version) = usual.or_else(|| mail.versions.iter().next())?;
        Some((version, language.clone()?))
    }

    fn unknown(&self, id: &str) -> RenderError {
        RenderError::Unknown { id: id.to_owned(), known: self.mails.keys().cloned().collect() }
    }
}

fn kind(value: &serde_json::Value) -> &'static str {
    match value {
        serde_json::Value::Null => "null",
        serde_json::Value::Bool(_) => "true or false",
        serde_json::Value::Number(_) => "a number",
        serde_json::Value::String(_) => "a text",
        serde_json::Value::Array(_) => "an array",
        serde_json::Value::Object(_) => "an object",
    }
}
