//! `template list|render|check`: on the folder itself, the daemon may be up or down.

use super::{find, print, write};
use crate::config::{Surroundings, TemplateFolder};
use crate::exit::Failure;
use crate::templates;
use clap::{Args, Subcommand, ValueEnum};
use postrider::{Language, RenderError, Rendered, Templates};
use serde_json::{Value, json};
use std::io::Read;
use std::path::{Path, PathBuf};

/// Octets of sample data that are read.
const MAX_DATA: u64 = 1_000_000;

#[derive(Debug, Subcommand)]
pub(crate) enum Template {
    /// The templates there are, with their languages
    List {
        #[command(flatten)]
        folder: Folder,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// What a template makes of data; without --data of its sample
    Render(Render),
    /// Fills every template in every language with its sample data and tells what is wrong
    Check {
        #[command(flatten)]
        folder: Folder,
        #[arg(long)]
        json: bool,
    },
}

/// Where the templates are.
#[derive(Debug, Args)]
pub(crate) struct Folder {
    /// The daemon's settings file [default: $POSTRIDER_CONFIG, /etc/postrider/postrider.toml, /etc/postrider/app.ini]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// The folder itself
    #[arg(long, value_name = "DIR", conflicts_with = "config")]
    dir: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct Render {
    /// The template, such as issue/default
    id: String,
    /// A file with an object of names and values as JSON; - reads stdin
    #[arg(long, value_name = "FILE")]
    data: Option<PathBuf>,
    /// The reader's language, such as de-AT
    #[arg(long, value_name = "TAG")]
    lang: Option<String>,
    /// This part alone
    #[arg(long, value_enum)]
    part: Option<Part>,
    #[command(flatten)]
    folder: Folder,
    /// One object: subject, html, text, language
    #[arg(long, conflicts_with = "part")]
    json: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Part {
    Subject,
    Html,
    Text,
}

pub(crate) fn run(verb: &Template, around: &Surroundings) -> Result<(), Failure> {
    match verb {
        Template::List { folder, json } => list(&load(folder, around)?, *json),
        Template::Render(render) => fill(render, around),
        Template::Check { folder, json } => check(&load(folder, around)?, *json),
    }
}

fn load(folder: &Folder, around: &Surroundings) -> Result<Templates, Failure> {
    let place = match &folder.dir {
        Some(dir) => TemplateFolder { dir: Some(dir.clone()), language: Language::default() },
        None => match find::file(folder.config.as_deref(), around) {
            Some(path) => find::settings(Some(&path), around)?.templates,
            None => TemplateFolder::default(),
        },
    };
    Ok(templates::load(&place)?.0)
}

fn list(templates: &Templates, json: bool) -> Result<(), Failure> {
    for row in templates.list() {
        let languages: Vec<String> = row.languages.iter().map(ToString::to_string).collect();
        let line = match json {
            true => json!({
                "id": row.id, "languages": languages, "html": row.html, "text": row.text,
                "sample": row.sample, "origin": row.origin,
            })
            .to_string(),
            false => format!("{:<32} {:<16} {}", row.id, languages.join(" "), row.origin),
        };
        print(&line)?;
    }
    Ok(())
}

fn fill(render: &Render, around: &Surroundings) -> Result<(), Failure> {
    let templates = load(&render.folder, around)?;
    let data = match &render.data {
        Some(path) => read(path)?,
        None => match templates.sample(&render.id, render.lang.as_deref()) {
            Some(sample) => sample.clone(),
            None if templates.contains(&render.id) => {
                let id = &render.id;
                let problem =
                    format!("{id} has no sample data; give --data FILE, or write {id}.json beside it");
                return Err(Failure::Usage(problem));
            }
            None => json!({}),
        },
    };
    let made = templates.render(&render.id, render.lang.as_deref(), &data).map_err(refused)?;
    if render.json {
        let language = made.language.to_string();
        return print(
            &json!({"subject": made.subject, "html": made.html, "text": text(&made), "language": language})
                .to_string(),
        );
    }
    let subject = made.subject.clone().unwrap_or_default();
    match render.part {
        Some(Part::Subject) => print(&subject),
        Some(Part::Html) => write(made.html.as_deref().unwrap_or_default().as_bytes()),
        Some(Part::Text) => write(text(&made).as_bytes()),
        None => print(&format!("Subject: {subject}\nLanguage: {}\n\n{}", made.language, text(&made))),
    }
}

/// The text part as it will be sent.
fn text(made: &Rendered) -> String {
    let made_of_html = || made.html.as_deref().map(message::html_to_text).unwrap_or_default();
    made.text.clone().unwrap_or_else(made_of_html)
}

fn refused(error: RenderError) -> Failure {
    match error {
        RenderError::Broken { .. } => Failure::Settings(error.to_string()),
        RenderError::Unknown { .. }
        | RenderError::Missing { .. }
        | RenderError::Value { .. }
        | RenderError::TooMuch { .. }
        | RenderError::Data(_) => Failure::BadMessage(error.to_string()),
    }
}

fn read(path: &Path) -> Result<Value, Failure> {
    let failed = |because| Failure::Read { flag: "--data", path: path.to_owned(), because };
    let mut octets = Vec::new();
    if path == Path::new("-") {
        std::io::stdin().lock().take(MAX_DATA + 1).read_to_end(&mut octets)?;
    } else {
        let file = std::fs::File::open(path).map_err(failed)?;
        file.take(MAX_DATA + 1).read_to_end(&mut octets).map_err(failed)?;
    }
    if octets.len() as u64 > MAX_DATA {
        return Err(Failure::BadMessage(format!(
            "--data {} is longer than {MAX_DATA} octets",
            path.display()
        )));
    }
    serde_json::from_slice(&octets)
        .map_err(|error| Failure::BadMessage(format!("--data {}: {error}", path.display())))
}

fn check(templates: &Templates, json: bool) -> Result<(), Failure> {
    let found = templates.check();
    let fatal = found.iter().filter(|finding| finding.fatal).count();
    if json {
        let rows: Vec<Value> = found
            .iter()
            .map(|finding| {
                let language = finding.language.as_ref().map(ToString::to_string);
                json!({"id": finding.id, "language": language, "fatal": finding.fatal, "problem": finding.problem})
            })
            .collect();
        print(&json!({"ok": fatal == 0, "templates": templates.list().len(), "findings": rows}).to_string())?;
    } else {
        for finding in &found {
            let language = finding.language.as_ref().map(|l| format!(" ({l})")).unwrap_or_default();
            let about =
                if finding.id.is_empty() { String::new() } else { format!("{}{language}: ", finding.id) };
            let weight = if finding.fatal { "mistake" } else { "note" };
            print(&format!("{weight}  {about}{}", finding.problem))?;
        }
    }
    match fatal {
        0 if json => Ok(()),
        0 => print(&format!("{} templates are good", templates.list().len())),
        n => Err(Failure::Settings(format!("{n} of the templates cannot be filled with their sample data"))),
    }
}
