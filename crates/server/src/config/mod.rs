//! Settings: what was written (`tree`), what is meant (`settings`), and everything wrong in between.

mod deprecated;
mod doors;
mod environment;
mod findings;
mod ini;
mod mailer;
mod own_door;
mod queue;
mod reader;
mod relay;
mod sendmail;
mod settings;
mod toml;
mod transport;
mod tree;
mod url;
pub(crate) mod values;

#[cfg(test)]
mod tests;

pub(crate) use findings::{Finding, Findings};
pub(crate) use reader::Shown;
pub(crate) use relay::relay_way;
pub(crate) use settings::{
    CertFiles, HttpDoor, Identity, Kept, Listen, Place, Queue, Relay, Security, Sendmail, Settings, SmtpDoor,
    SmtpRelay, Way,
};

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
        let name = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '-';
        let hostname = if !name.is_empty() && name.chars().all(fits) { name } else { "localhost".into() };
        Self { variables: std::env::vars_os().collect(), hostname, run_commands: false }
    }

    pub(crate) fn variable(&self, name: &str) -> Option<&OsString> {
        self.variables.iter().find(|(n, v)| n == name && !v.is_empty()).map(|(_, v)| v)
    }
}

/// What came of reading the settings.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// `None` when there are mistakes.
    pub(crate) settings: Option<Settings>,
    pub(crate) findings: Findings,
    /// The effective values, for `config show`.
    pub(crate) shown: Vec<Shown>,
}

/// Why a file could not even be opened.
#[derive(Debug, thiserror::Error)]
#[error("the settings file {} cannot be read: {because}", .path.display())]
pub(crate) struct Unreadable {
    path: PathBuf,
    #[source]
    because: std::io::Error,
}

/// Reads a settings file: `*.ini` in Gitea's dialect, anything else as TOML.
pub(crate) fn load(path: &Path, around: &Surroundings) -> Result<Outcome, Unreadable> {
    let failed = |because| Unreadable { path: path.to_owned(), because };
    let bytes = std::fs::read(path).map_err(failed)?;
    let folder = std::path::absolute(path).map_err(failed)?;
    let folder = folder.parent().unwrap_or(Path::new("/")).to_owned();
    Ok(read(&bytes, path, folder, around))
}

fn read(bytes: &[u8], path: &Path, folder: PathBuf, around: &Surroundings) -> Outcome {
    let (mut tree, mut findings) = (Tree::default(), Findings::default());
    let dialect = if path.extension().is_some_and(|e| e == "ini") { Dialect::Gitea } else { Dialect::Toml };
    match std::str::from_utf8(bytes) {
        Ok(text) if dialect == Dialect::Gitea => read_ini(text, path, &mut tree, &mut findings),
        Ok(text) => toml::read(text, path, &mut tree, &mut findings),
        Err(error) => {
            let before = bytes.iter().take(error.valid_up_to());
            let line = before.filter(|b| **b == b'\n').count() + 1;
            let origin = Origin::File { path: path.to_owned(), line };
            findings.mistake(Some(origin), "", "", "the file is not UTF-8; save it as UTF-8");
        }
    }
    environment::apply(around.variables.iter().cloned(), &mut tree, &mut findings);
    deprecated::adopt(&mut tree, &mut findings);
    let reader = Reader::new(&tree, folder, findings);
    resolve(reader, dialect, around)
}

fn read_ini(text: &str, path: &Path, tree: &mut Tree, findings: &mut Findings) {
    let place = |line| Origin::File { path: path.to_owned(), line };
    let (lines, unreadable) = ini::parse(text);
    for line in lines {
        let entry = Entry { text: line.value, origin: place(line.number), interpolate: true };
        tree.set(&line.section, &line.key, entry);
    }
    for bad in unreadable {
        findings.mistake(Some(place(bad.number)), "", "", bad.problem);
    }
}

fn resolve(mut r: Reader<'_>, dialect: Dialect, around: &Surroundings) -> Outcome {
    let data_dir = doors::data_dir(&mut r, around);
    let memory = doors::memory(&mut r);
    let http = doors::http(&mut r);
    let smtp = doors::smtp(&mut r);
    let identity = mailer::profile(&mut r, dialect, around);
    let queue = queue::queue(&mut r);
    let relay = relay::relay(&mut r, around);
    if let Some(relay) = &relay {
        own_door::refuse(&mut r, relay, &http, &smtp, &data_dir);
    }
    refuse_unknown(&mut r);
    let Reader { mut findings, shown, .. } = r;
    findings.sort();
    let settings = relay.filter(|_| findings.mistakes.is_empty());
    let settings = settings.map(|relay| Settings { data_dir, memory, http, smtp, identity, relay, queue });
    Outcome { settings, findings, shown }
}

/// Our sections whose keys this version reads.
const OURS: [&str; 5] =
    ["postrider", "postrider.http", "postrider.smtp", "postrider.relay", "postrider.queue"];

fn refuse_unknown(r: &mut Reader<'_>) {
    let tree = r.tree;
    for section in tree.section_names().filter(|s| *s == "postrider" || s.starts_with("postrider.")) {
        if OURS.contains(&section) {
            r.unknown(section, true);
            continue;
        }
        let problem = match section.strip_prefix("postrider.relay.") {
            Some(_) => "several relays are not in this version; write the one in [postrider.relay]",
            None if section == "postrider.bounce" => "not in this version; remove the section",
            None => "no such section; see the documentation for those there are",
        };
        let origin = tree.own(section).next().map(|(_, entry)| entry.origin.clone());
        r.findings.mistake(origin, section, "", problem);
    }
    for section in ["mailer", "queue", "queue.mail"] {
        r.unknown(section, false);
    }
}
