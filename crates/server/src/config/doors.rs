//! `[postrider]`, `[postrider.http]` and `[postrider.smtp]`: what is ours and how to reach us.

use super::reader::Reader;
use super::settings::{CertFiles, HttpDoor, Listen, SmtpDoor};
use super::tree::Origin;
use super::{Surroundings, values};
use rustix::fs::{Access, AtFlags, CWD, accessat};
use std::path::{Path, PathBuf};

/// With where it was written; `None`: nowhere.
pub(crate) fn data_dir(r: &mut Reader<'_>, around: &Surroundings) -> (PathBuf, Option<Origin>) {
    if let Some((path, origin)) = r.path("postrider", "DATA_DIR") {
        return (path, Some(origin));
    }
    let (path, origin) = match around.variable("STATE_DIRECTORY") {
        Some(path) => (PathBuf::from(path), Some(Origin::Environment("STATE_DIRECTORY".into()))),
        None => (r.absolute("postrider-data"), None),
    };
    r.show("postrider", "DATA_DIR", &path.to_string_lossy(), origin.clone());
    (path, origin)
}

/// Whether the data folder is there, or can be made, and this user may write in it.
pub(crate) fn usable(path: &Path) -> Result<(), String> {
    // What is there of the path, from the end.
    let mut found = path.ancestors().filter_map(|there| Some((there, std::fs::metadata(there).ok()?)));
    let Some((there, is)) = found.next() else { return Ok(()) };
    let (folder, here) = (path.display(), there.display());
    if !is.is_dir() {
        return Err(format!("{here} is no folder; name another place, or remove the file"));
    }
    let wanted = Access::WRITE_OK | Access::EXEC_OK;
    match accessat(CWD, there, wanted, AtFlags::EACCESS) {
        Ok(()) => Ok(()),
        Err(error) if there == path => {
            Err(format!("this user may not write in {folder} ({error}); change its owner, or name another"))
        }
        Err(error) => Err(format!(
            "{folder} cannot be made in {here} ({error}); make it for this user, or name another"
        )),
    }
}

/// Below this the budget could not hold one message of the largest size.
const LEAST_MEMORY: usize = 64 << 20;

pub(crate) fn memory(r: &mut Reader<'_>) -> usize {
    r.parsed("postrider", "MEMORY", 128 << 20, |text| {
        let octets = values::size(text)?;
        match octets >= LEAST_MEMORY {
            true => Ok(octets),
            false => Err(format!("{text} cannot hold the largest message; write at least 64M")),
        }
    })
}

pub(crate) fn http(r: &mut Reader<'_>) -> HttpDoor {
    let default = Listen::Tcp(([127, 0, 0, 1], 8025).into());
    let folder = r.absolute("");
    let listen = r.parsed("postrider.http", "LISTEN", default, |t| listen(t, &folder));
    let public_url = r.text("postrider.http", "PUBLIC_URL").map(|w| w.text);
    HttpDoor { listen, public_url }
}

/// Octets of one message, by default and at most.
const MAX_SIZE: usize = 50_000_000;

pub(crate) fn smtp(r: &mut Reader<'_>) -> SmtpDoor {
    let folder = r.absolute("");
    let listen =
        r.parsed("postrider.smtp", "LISTEN", None, |text| match values::switch(text) == Some(false) {
            true => Ok(None),
            false => listen(text, &folder).map(Some),
        });
    let allow_local = r.parsed("postrider.smtp", "ALLOW_LOCAL", false, values::strict_switch);
    let max_size = r.parsed("postrider.smtp", "MAX_SIZE", MAX_SIZE, |text| {
        let octets = values::size(text)?;
        match octets > 0 && octets <= 50 << 20 {
            true => Ok(octets.min(MAX_SIZE)),
            false => Err(format!("{text} is out of bounds; write a size from 1 to 50M")),
        }
    });
    let tls = cert_files(r, "postrider.smtp", ("TLS_CERT", "TLS_KEY"));
    SmtpDoor { listen, allow_local, max_size, tls }
}

/// A certificate and its key: both or none, and readable.
pub(crate) fn cert_files(r: &mut Reader<'_>, section: &str, (cert, key): (&str, &str)) -> Option<CertFiles> {
    let (cert_file, key_file) = (r.path(section, cert), r.path(section, key));
    for (name, file) in [(cert, &cert_file), (key, &key_file)] {
        if let Some((path, origin)) = file {
            readable(r, section, name, path, origin);
        }
    }
    match (cert_file, key_file) {
        (Some((cert, _)), Some((key, _))) => Some(CertFiles { cert, key }),
        (Some((_, origin)), None) => {
            r.findings.mistake(Some(origin), section, key, format!("is missing; {cert} needs it"));
            None
        }
        (None, Some((_, origin))) => {
            r.findings.mistake(Some(origin), section, cert, format!("is missing; {key} needs it"));
            None
        }
        (None, None) => None,
    }
}

/// Tells of a file that cannot be opened.
pub(crate) fn readable(r: &mut Reader<'_>, section: &str, key: &str, path: &Path, origin: &Origin) {
    if let Err(error) = std::fs::File::open(path) {
        let problem =
            format!("the file {} cannot be read: {error}; check path and permissions", path.display());
        r.findings.mistake(Some(origin.clone()), section, key, problem);
    }
}

fn listen(text: &str, folder: &Path) -> Result<Listen, String> {
    if let Some(path) = text.strip_prefix("unix:").filter(|p| !p.is_empty()) {
        return Ok(Listen::Unix(folder.join(path)));
    }
    let numeric =
        text.strip_prefix("localhost:").map_or_else(|| text.to_owned(), |p| format!("127.0.0.1:{p}"));
    numeric.parse().map(Listen::Tcp).map_err(|_| {
        format!("{text:?} is no place to listen; write ADDRESS:PORT such as 127.0.0.1:8025, or unix:/path")
    })
}
