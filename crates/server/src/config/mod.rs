//! Settings: what was written (`tree`), what is meant (`settings`), and everything wrong in between.

mod adopt;
mod deprecated;
mod dkim;
mod doors;
mod environment;
mod findings;
mod import;
mod ini;
mod keys;
mod mailer;
mod notify;
mod own_door;
mod passwd;
mod queue;
mod reader;
mod redis;
mod redis_place;
mod relay;
mod sendmail;
mod settings;
mod sign_in;
mod template;
mod toml;
mod transport;
mod tree;
mod trust;
mod url;
pub(crate) mod values;
mod words;

#[cfg(test)]
mod tests;

pub(crate) use adopt::{Adopted, Refused, Wishes, adopt};
pub(crate) use findings::{Finding, Findings};
pub(crate) use import::import;
pub(crate) use keys::sample::{reference, sample};
pub(crate) use own_door::Doors;
pub(crate) use reader::Shown;
pub(crate) use redis_place::named as redis_named;
pub(crate) use relay::relay_way;
pub(crate) use settings::{
    CertFiles, Dkim, Grant, HttpDoor, Identity, Kept, Listen, Place, Queue, Relay, Security, Sendmail,
    Settings, SignedHeader, SmtpDoor, SmtpRelay, TemplateFolder, TokenSource, Way,
};

use keys::Kind;
use reader::Reader;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use tree::{Entry, Origin, Tree};

/// What settings depend on besides the file: the machine, given as values so that tests can.
#[derive(Debug, Clone, Default)]
pub(crate) struct Surroundings {
    pub(crate) variables: Vec<(OsString, OsString)>,
    pub(crate) hostname: String,
    /// Whether commands in the settings (`PASSWD_COMMAND`) are run.
    pub(crate) run_commands: bool,
    /// The program that runs, with links followed.
    pub(crate) binary: Option<PathBuf>,
}

/// Whose habits a file follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    Gitea,
    Toml,
}

impl Surroundings {
    /// The environment and name of this process and machine.
    pub(crate) fn here() -> Self {
        let hostname = machine();
        let binary = std::env::current_exe().and_then(std::fs::canonicalize).ok();
        Self { variables: std::env::vars_os().collect(), hostname, run_commands: false, binary }
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&OsString> {
        self.variables.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v)
    }

    /// The folder that the service manager made for sockets: the first, where there are several (systemd.exec(5)).
    pub(crate) fn runtime_dir(&self) -> Option<PathBuf> {
        let folders = self.variable("RUNTIME_DIRECTORY")?.to_str()?;
        folders.split(':').next().filter(|folder| !folder.is_empty()).map(PathBuf::from)
    }
}

/// This machine's name.
pub(crate) fn machine() -> String {
    let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
    if !name.is_empty() && name.chars().all(fits) { name } else { "localhost".into() }
}

/// What came of reading the settings.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// `None` when there are mistakes.
    pub(crate) settings: Option<Settings>,
    pub(crate) findings: Findings,
    /// The effective values, for `config show`.
    pub(crate) shown: Vec<Shown>,
    data_dir: (PathBuf, Option<Origin>),
}

impl Outcome {
    /// Adds what of this machine stands in the way: a DATA_DIR that cannot be used.
    pub(crate) fn check_machine(&mut self) {
        let (path, origin) = &self.data_dir;
        if let Err(problem) = doors::usable(path) {
            self.findings.mistake(origin.clone(), "postrider", "DATA_DIR", problem);
            self.settings = None;
        }
    }
}

/// Why a file could not even be opened.
#[derive(Debug, thiserror::Error)]
#[error("the settings file {} cannot be read: {because}", .path.display())]
pub(crate) struct Unreadable {
    path: PathBuf,
    #[source]
    because: std::io::Error,
}

/// Reads a settings file: `*.ini` in Gitea's dialect, anything else as TOML, with a warning unless `*.toml`.
pub(crate) fn load(path: &Path, around: &Surroundings) -> Result<Outcome, Unreadable> {
    let (bytes, folder) = contents(path)?;
    Ok(read(&bytes, path, folder, around))
}

/// What a file holds, and the folder where its relative paths start.
fn contents(path: &Path) -> Result<(Vec<u8>, PathBuf), Unreadable> {
    let failed = |because| Unreadable { path: path.to_owned(), because };
    let bytes = std::fs::read(path).map_err(failed)?;
    let folder = std::path::absolute(path).map_err(failed)?;
    Ok((bytes, folder.parent().unwrap_or(Path::new("/")).to_owned()))
}

fn read(bytes: &[u8], path: &Path, folder: PathBuf, around: &Surroundings) -> Outcome {
    let mut findings = Findings::default();
    let dialect = dialect(path, &mut findings);
    read_as(dialect, (bytes, path), folder, around, findings)
}

/// Reads a file of Gitea's, whatever it is called.
fn gitea(bytes: &[u8], path: &Path, folder: PathBuf, around: &Surroundings) -> Outcome {
    read_as(Dialect::Gitea, (bytes, path), folder, around, Findings::default())
}

fn read_as(
    dialect: Dialect,
    (bytes, path): (&[u8], &Path),
    folder: PathBuf,
    around: &Surroundings,
    mut findings: Findings,
) -> Outcome {
    let mut tree = written(bytes, path, dialect, &mut findings);
    environment::apply(around.variables.iter().cloned(), &mut tree, &mut findings);
    deprecated::adopt(&mut tree, &mut findings);
    let reader = Reader::new(&tree, folder, findings);
    resolve(reader, dialect, around)
}

/// What the file alone says.
fn written(bytes: &[u8], path: &Path, dialect: Dialect, findings: &mut Findings) -> Tree {
    let mut tree = Tree::default();
    match std::str::from_utf8(bytes) {
        Ok(text) if dialect == Dialect::Gitea => read_ini(text, path, &mut tree, findings),
        Ok(text) => toml::read(text, path, &mut tree, findings),
        Err(error) => {
            let before = bytes.iter().take(error.valid_up_to());
            let line = before.filter(|b| **b == b'\n').count() + 1;
            let origin = Origin::File { path: path.to_owned(), line };
            findings.mistake(Some(origin), "", "", "the file is not UTF-8; save it as UTF-8");
        }
    }
    tree
}

/// By the end of the name; another one is told what it was taken for.
fn dialect(path: &Path, findings: &mut Findings) -> Dialect {
    match path.extension().map(|end| end.to_ascii_lowercase()) {
        Some(end) if end == "ini" => Dialect::Gitea,
        Some(end) if end == "toml" => Dialect::Toml,
        _ => {
            let problem = format!(
                "{} is read as TOML, as its name ends in neither .toml nor .ini; a file in Gitea's dialect must \
                 be named *.ini",
                path.display()
            );
            findings.warn(None, "", "", problem);
            Dialect::Toml
        }
    }
}

fn read_ini(text: &str, path: &Path, tree: &mut Tree, findings: &mut Findings) {
    let place = |line| Origin::File { path: path.to_owned(), line };
    let (lines, unreadable) = ini::parse(text);
    for line in lines {
        let is_secret = || keys::find(&line.section, &line.key).is_some_and(|key| key.kind == Kind::Secret);
        if line.cut && is_secret() {
            let problem = "ends before a # or ;, which begins a comment; put the value in backticks if that is \
                           part of it, and a space before the comment if it is not";
            findings.warn(Some(place(line.number)), &line.section, &line.key, problem);
        }
        if keys::is_ours(&line.section) && tree.has_own(&line.section, &line.key) {
            let problem = "is written again, and only this one holds; remove one";
            findings.warn(Some(place(line.number)), &line.section, &line.key, problem);
        }
        let entry = Entry { text: line.value, origin: place(line.number), interpolate: true };
        tree.set(&line.section, &line.key, entry);
    }
    for bad in unreadable {
        findings.mistake(Some(place(bad.number)), "", "", bad.problem);
    }
}

fn resolve(mut r: Reader<'_>, dialect: Dialect, around: &Surroundings) -> Outcome {
    let (data_dir, data_dir_origin) = doors::data_dir(&mut r, around);
    let memory = doors::memory(&mut r);
    let http = doors::http(&mut r);
    let smtp = doors::smtp(&mut r);
    let identity = mailer::profile(&mut r, dialect, around);
    let queue = queue::queue(&mut r);
    let dkim = dkim::dkim(&mut r);
    let templates = template::folder(&mut r);
    let relays = relay::relays(&mut r, around);
    let own = Doors::of(&http, &smtp, &data_dir, around.runtime_dir().as_deref());
    for relay in &relays {
        own_door::refuse(&mut r, relay, &own, &around.hostname);
        own_door::refuse_binary(&mut r, relay, around.binary.as_deref());
    }
    unknown(&mut r, dialect);
    let Reader { tree, mut findings, shown, .. } = r;
    findings.sort(tree);
    let good = findings.mistakes.is_empty() && !relays.is_empty();
    let place = (data_dir.clone(), data_dir_origin);
    let settings =
        good.then_some(Settings { data_dir, memory, http, smtp, identity, relays, queue, dkim, templates });
    Outcome { settings, findings, shown, data_dir: place }
}

/// Tells of sections and keys that this version does not read.
fn unknown(r: &mut Reader<'_>, dialect: Dialect) {
    let tree = r.tree;
    if dialect == Dialect::Toml {
        for section in ["", "server", "service"] {
            r.unknown(section);
        }
    }
    for section in tree.section_names() {
        if section != "mailer.override_header" && keys::section(section).is_some() {
            // Of Gitea's sections we know what is ours to know, not what else there is.
            if keys::is_ours(section) || ["mailer", "queue", "queue.mail"].contains(&section) {
                r.unknown(section);
            }
            continue;
        }
        if section != "mailer.override_header" {
            unknown_section(r, section, dialect);
        }
    }
}

/// In our own file and under our own name every section must be known; of Gitea's others a
/// misspelt `[postrider…]` is told.
fn unknown_section(r: &mut Reader<'_>, section: &str, dialect: Dialect) {
    let origin = r.tree.own(section).map(|(_, entry)| entry.origin.clone()).min();
    let near = keys::nearest_section(section);
    let head = section.split(['.', '_']).next().unwrap_or_default();
    let by_our_variable =
        matches!(&origin, Some(Origin::Environment(name)) if name.starts_with("POSTRIDER__"));
    if keys::is_ours(section) || dialect == Dialect::Toml || by_our_variable {
        let remedy = near.map_or_else(
            || "see the documentation for those there are".to_owned(),
            |near| format!("did you mean [{near}]?"),
        );
        r.findings.mistake(origin, section, "", format!("no such section; {remedy}"));
        return;
    }
    let ours = (keys::distance(head, "postrider") <= 2).then(|| near.unwrap_or("postrider"));
    let meant = ours.or_else(|| GITEAS.into_iter().find(|known| is_slip(section, known)));
    if let Some(meant) = meant {
        let problem = format!("not a section we know, ignored; did you mean [{meant}]?");
        r.findings.warn(origin, section, "", problem);
    }
}

/// Gitea's sections that are for mail alone: a name near one of them is a slip of the pen.
const GITEAS: [&str; 3] = ["mailer", "mailer.override_header", "queue.mail"];

fn is_slip(section: &str, known: &str) -> bool {
    keys::distance(&section.to_lowercase(), known) <= 2
}
