//! What is run, and how it is found.

use crate::Mail;
use std::ffi::{OsStr, OsString};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How to run sendmail.
#[derive(Debug, Clone)]
pub struct SendmailSettings {
    /// An absolute path, or a bare name that is looked for in `search_path`.
    pub path: PathBuf,
    /// Arguments between ours and the recipients, word by word.
    pub args: Vec<String>,
    /// From start to end of one run; not zero.
    pub timeout: Duration,
    /// Give the mail with LF line ends, as local programs expect.
    pub convert_crlf: bool,
    /// `PATH`, for finding the program and for the program itself. Relative folders in it are
    /// passed over.
    pub search_path: OsString,
    /// `HOME` of the program.
    pub home: Option<OsString>,
    /// `LANG` of the program.
    pub lang: Option<OsString>,
}

impl SendmailSettings {
    /// Five minutes, LF line ends, no further arguments, the system's usual folders.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            args: Vec::new(),
            timeout: Duration::from_secs(300),
            convert_crlf: true,
            search_path: "/usr/sbin:/usr/bin:/sbin:/bin".into(),
            home: None,
            lang: None,
        }
    }

    /// The command line behind the program. `--` keeps any recipient from being read as an option.
    pub(super) fn arguments<'a>(&'a self, mail: &'a Mail) -> Vec<&'a str> {
        let mut words = vec!["-f", mail.from.as_str(), "-i"];
        words.extend(self.args.iter().map(String::as_str));
        if self.args.last().is_none_or(|last| last != "--") {
            words.push("--");
        }
        words.extend(mail.to.iter().map(|to| to.address.as_str()));
        words
    }

    pub(super) fn environment(&self) -> impl Iterator<Item = (&'static str, &OsStr)> {
        let all =
            [("PATH", Some(&self.search_path)), ("HOME", self.home.as_ref()), ("LANG", self.lang.as_ref())];
        all.into_iter().filter_map(|(name, value)| Some((name, value?.as_os_str())))
    }
}

/// The absolute path of a program that may be executed.
pub fn locate(path: &Path, search_path: &OsStr) -> Result<PathBuf, SettingsError> {
    if path.is_absolute() {
        return match is_program(path) {
            true => Ok(path.to_owned()),
            false => Err(SettingsError::NoProgram(path.to_owned())),
        };
    }
    if path.components().count() != 1 {
        return Err(SettingsError::Relative(path.to_owned()));
    }
    std::env::split_paths(search_path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(path))
        .find(|candidate| is_program(candidate))
        .ok_or_else(|| SettingsError::NotFound(path.to_owned()))
}

fn is_program(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// Settings no program can be run with.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    #[error("{} is no program that can be run; check path and permissions", .0.display())]
    NoProgram(PathBuf),
    #[error("there is no program {:?} in any folder of PATH; write its whole path", .0.display())]
    NotFound(PathBuf),
    #[error("{} is neither a name nor a whole path; write its whole path", .0.display())]
    Relative(PathBuf),
    #[error("a timeout of 0 leaves no time to run; write for example 5m")]
    Timeout,
}
