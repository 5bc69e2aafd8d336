//! From sources to a set: names, catalogues, halves, engines.

use crate::TemplateError;
use crate::catalogue::{self, Catalogues};
use crate::css;
use crate::engine;
use crate::functions::Words;
use crate::guard::guard;
use crate::language::Language;
use crate::name::{Name, Part};
use crate::scan::{self, Token};
use crate::split::split;
use crate::templates::{Mail, Source, Templates};
use minijinja::Environment;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Octets of one source.
const MOST_SOURCE: usize = 512 << 10;
/// Sources of one set.
const MOST_SOURCES: usize = 5_000;

#[derive(Default)]
struct Found {
    /// By name; of two with one name the later.
    files: BTreeMap<String, (Name, Source)>,
    catalogues: Catalogues,
    mistakes: Vec<TemplateError>,
}

/// Makes the set.
pub(crate) fn build(
    sources: impl IntoIterator<Item = Source>,
    default: Language,
) -> Result<Templates, Vec<TemplateError>> {
    let mut found = Found::default();
    for (count, source) in sources.into_iter().enumerate() {
        if count >= MOST_SOURCES {
            found.fault(&source.origin, None, format!("a set has at most {MOST_SOURCES} files"));
            break;
        }
        found.take(source);
    }
    let mut bare = engine::bare();
    let mails = found.mails(&mut bare);
    let notes = found.check_names(&default);
    if !found.mistakes.is_empty() {
        found.mistakes.sort();
        return Err(found.mistakes);
    }
    let variants = mails.values().flat_map(|mail| mail.versions.keys().flatten());
    let spoken = variants.chain(found.catalogues.languages()).chain([&default]);
    let languages: BTreeSet<Language> = spoken.cloned().collect();
    let catalogues = Arc::new(found.catalogues);
    let speak = |language: Language| {
        let words =
            Words { language: language.clone(), default: default.clone(), catalogues: catalogues.clone() };
        (language, engine::speaking(&bare, &Arc::new(words)))
    };
    let engines = languages.into_iter().map(speak).collect();
    Ok(Templates { mails, engines, default, notes })
}

impl Found {
    fn fault(&mut self, origin: &str, line: Option<usize>, problem: impl Into<String>) {
        self.mistakes.push(TemplateError { origin: origin.to_owned(), line, problem: problem.into() });
    }

    fn take(&mut self, source: Source) {
        if source.text.len() > MOST_SOURCE {
            return self.fault(&source.origin, None, format!("is longer than {MOST_SOURCE} octets"));
        }
        let source = Source { text: source.text.trim_start_matches('\u{feff}').to_owned(), ..source };
        match Name::read(&source.name) {
            Err(problem) => self.fault(&source.origin, None, problem),
            Ok(Name::Catalogue { language, toml }) => match catalogue::read(&source.text, toml) {
                Ok(read) => self.catalogues.add(language, read),
                Err((line, problem)) => self.fault(&source.origin, line, problem),
            },
            Ok(name) => drop(self.files.insert(source.name.clone(), (name, source))),
        }
    }

    /// Compiles a mail and all that it is made of, its styles moved into attributes. The pieces get names of
    /// their own, as in another mail other styles meet them.
    fn compile_styled(
        &mut self,
        env: &mut Environment<'static>,
        source: &Source,
        bodies: &BTreeMap<String, String>,
    ) {
        let Some(styled) = css::inline(&source.name, bodies) else {
            let body = bodies.get(&source.name).cloned().unwrap_or_default();
            return self.compile(env, source, source.name.clone(), body);
        };
        let names: BTreeSet<String> = styled.keys().cloned().collect();
        let version = |name: &str| format!("{name}#{}", source.name);
        for (name, text) in &styled {
            let text = renamed(text, |other| names.contains(other).then(|| version(other)));
            let of = self.files.get(name).map_or_else(|| source.clone(), |(_, of)| of.clone());
            if *name == source.name {
                self.compile(env, &of, name.clone(), text.clone());
            }
            self.compile(env, &of, version(name), text);
        }
    }

    /// Compiles all files and puts together what makes a mail.
    fn mails(&mut self, env: &mut Environment<'static>) -> BTreeMap<String, Mail> {
        let mut mails: BTreeMap<String, Mail> = BTreeMap::new();
        let with_html: BTreeSet<String> = self.files.values().filter_map(|(name, _)| html_of(name)).collect();
        let bodies = self.bodies(&with_html);
        for (name, source) in self.files.clone().into_values() {
            match name {
                Name::Catalogue { .. } => {}
                Name::Piece => self.compile(env, &source, source.name.clone(), source.text.clone()),
                Name::Mail { id, language, part: Part::Sample } => match serde_json::from_str(&source.text) {
                    Ok(data @ serde_json::Value::Object(_)) => {
                        mails.entry(id).or_default().samples.insert(language, data);
                    }
                    Ok(_) => self.fault(&source.origin, None, "sample data must be an object"),
                    Err(error) => self.fault(&source.origin, Some(error.line()), error.to_string()),
                },
                Name::Mail { id, language, part } => {
                    // Beside HTML a text is body alone: lines of dashes are its author's.
                    let whole = part == Part::Text && with_html.contains(&id);
                    let translates = self.calls_t(&source.name, &mut BTreeSet::new());
                    let version = mails.entry(id).or_default().versions.entry(language).or_default();
                    version.subject = self.subject(env, &source, whole).or(version.subject.take());
                    if part == Part::Html {
                        self.compile_styled(env, &source, &bodies);
                    } else {
                        let body = bodies.get(&source.name).cloned().unwrap_or_default();
                        self.compile(env, &source, source.name.clone(), body);
                    }
                    version.translates |= translates;
                    version.origin.clone_from(&source.origin);
                    let slot = if part == Part::Html { &mut version.html } else { &mut version.text };
                    *slot = Some(source.name.clone());
                }
            }
        }
        mails.retain(|id, mail| {
            let lonely = mail.versions.is_empty();
            if lonely && let Some((_, source)) = self.files.get(&format!("{id}.json")) {
                let origin = source.origin.clone();
                self.fault(&origin, None, format!("is sample data without a template {id}.html or {id}.txt"));
            }
            !lonely
        });
        mails
    }

    /// What is compiled of each file beside its subject. Lines are counted as in the file.
    fn bodies(&self, with_html: &BTreeSet<String>) -> BTreeMap<String, String> {
        let body = |(name, source): &(Name, Source)| {
            let whole = match name {
                Name::Mail { id, part: Part::Text, .. } => with_html.contains(id),
                Name::Mail { part, .. } => *part == Part::Sample,
                Name::Piece | Name::Catalogue { .. } => true,
            };
            let halves = split(&source.text);
            if whole || halves.lines_before == 0 {
                return (source.name.clone(), source.text.clone());
            }
            let above = "\n".repeat(halves.lines_before);
            (source.name.clone(), format!("{{#{above}#}}{}", halves.body))
        };
        self.files.values().map(body).collect()
    }

    /// Compiles the subject; its name.
    fn subject(&mut self, env: &mut Environment<'static>, source: &Source, whole: bool) -> Option<String> {
        let subject = split(&source.text).subject.filter(|_| !whole)?;
        let name = format!("{}{}", source.name, engine::SUBJECT);
        self.compile(env, source, name.clone(), subject.to_owned());
        Some(name)
    }

    fn compile(&mut self, env: &mut Environment<'static>, source: &Source, name: String, text: String) {
        let guarded = match guard(&text) {
            Ok(guarded) => guarded,
            Err((at, problem)) => {
                return self.fault(&source.origin, Some(scan::line_of(&text, at)), problem);
            }
        };
        if let Err(error) = env.add_template_owned(name, guarded) {
            self.mistakes.push(engine::mistake(&error, &source.origin));
        }
    }

    /// Whether a file calls `t`, or one that it names does.
    fn calls_t(&self, name: &str, seen: &mut BTreeSet<String>) -> bool {
        if !seen.insert(name.to_owned()) {
            return false;
        }
        let Some((_, source)) = self.files.get(name) else { return false };
        scan::tags(&source.text).any(|tag| {
            keys(&tag).next().is_some() || named(&tag).is_some_and(|other| self.calls_t(other, seen))
        })
    }

    /// Sees that what is named is there: files, and texts in the default language. Texts that another
    /// language lacks are worth a note.
    fn check_names(&mut self, default: &Language) -> Vec<TemplateError> {
        let mut mistakes = Vec::new();
        for (name, source) in self.files.values() {
            let html = html_from(name, source);
            for tag in scan::tags(&source.text) {
                let line = Some(scan::line_of(&source.text, tag.start));
                let origin = source.origin.clone();
                if html.is_some_and(|from| tag.start >= from) && !names_html(&tag) {
                    let problem = "HTML is made of files whose names end with .html, each told by a plain text; \
                                   others escape nothing";
                    mistakes.push(TemplateError {
                        origin: origin.clone(),
                        line,
                        problem: problem.to_owned(),
                    });
                }
                if let Some(other) = named(&tag).filter(|other| !self.files.contains_key(*other)) {
                    let problem = format!("{other:?} is not in the set; name it as from its folder");
                    mistakes.push(TemplateError { origin: origin.clone(), line, problem });
                }
                for key in keys(&tag).filter(|key| self.catalogues.find(default, default, key).is_none()) {
                    let problem =
                        format!("t({key:?}) has no text in locale/{}.toml; add it", default.as_str());
                    mistakes.push(TemplateError { origin: origin.clone(), line, problem });
                }
            }
        }
        self.mistakes.append(&mut mistakes);
        let mut notes = Vec::new();
        for language in self.catalogues.languages().filter(|language| *language != default) {
            for key in self.catalogues.keys(default).filter(|key| !key.starts_with('_')) {
                if self.catalogues.find(language, language, key).is_none() {
                    let origin = format!("locale/{}", language.as_str());
                    let problem = format!("{key} is not translated; {default} stands in");
                    notes.push(TemplateError { origin, line: None, problem });
                }
            }
        }
        notes
    }
}

fn html_of(name: &Name) -> Option<String> {
    match name {
        Name::Mail { id, part: Part::Html, .. } => Some(id.clone()),
        Name::Mail { .. } | Name::Piece | Name::Catalogue { .. } => None,
    }
}

/// Where the HTML of a file starts; `None`: there is none. A subject may name what it likes.
fn html_from(name: &Name, source: &Source) -> Option<usize> {
    let halves = matches!(name, Name::Mail { .. }).then(|| split(&source.text));
    let body = halves.map_or(source.text.len(), |halves| halves.body.len());
    source.name.ends_with(".html").then_some(source.text.len() - body)
}

/// Whether a tag that names a file names one of HTML, without any condition.
fn names_html(tag: &scan::Tag<'_>) -> bool {
    let mut tokens = tag.tokens();
    if tag.kind != scan::Kind::Statement
        || !matches!(tokens.next(), Some(Token::Word("include" | "extends" | "import" | "from")))
    {
        return true;
    }
    let plain = matches!(tokens.next(), Some(Token::Text(name)) if name.ends_with(".html"));
    let behind = tokens.next();
    plain && matches!(behind, None | Some(Token::Word("ignore" | "with" | "without" | "as" | "import")))
}

/// The file that a tag names, when it does so by a plain text and means it to be there.
pub(crate) fn named<'a>(tag: &scan::Tag<'a>) -> Option<&'a str> {
    let mut tokens = tag.tokens();
    let (Some(Token::Word("include" | "extends" | "import" | "from")), Some(Token::Text(name))) =
        (tokens.next(), tokens.next())
    else {
        return None;
    };
    let optional = tokens.eq([Token::Word("ignore"), Token::Word("missing")]);
    (tag.kind == scan::Kind::Statement && !optional).then_some(name)
}

/// The source with other names in the tags that name files.
fn renamed(source: &str, new: impl Fn(&str) -> Option<String>) -> String {
    let (mut out, mut done) = (String::with_capacity(source.len()), 0);
    for tag in scan::tags(source) {
        let Some(name) = named(&tag) else { continue };
        let (Some(new), Some(offset)) = (new(name), tag.inside.find(name)) else { continue };
        let at = tag.inside_at + offset;
        out.push_str(source.get(done..at).unwrap_or(""));
        out.push_str(&new);
        done = at + name.len();
    }
    out.push_str(source.get(done..).unwrap_or(""));
    out
}

/// The keys that a tag gives `t` as plain texts.
fn keys<'a>(tag: &scan::Tag<'a>) -> impl Iterator<Item = &'a str> {
    let (mut before, mut open) = (None, false);
    tag.tokens().filter_map(move |token| {
        let key = match token {
            Token::Text(key) if open => Some(key),
            Token::Word(_) | Token::Text(_) | Token::Sign(_) => None,
        };
        open = token == Token::Sign('(') && before == Some(Token::Word("t"));
        before = Some(token);
        key
    })
}
