//! `config adopt`: the changed file in place of the old one, a copy of which stays beside it.

use super::super::args::Adopt;
use super::super::print;
use crate::config::{self, Adopted, Refused, Surroundings, Wishes};
use crate::exit::Failure;
use serde_json::json;
use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

pub(super) fn run(flags: &Adopt, around: &Surroundings) -> Result<(), Failure> {
    // A link stays a link.
    let path = std::fs::canonicalize(&flags.file).map_err(|error| unreadable(&flags.file, &error))?;
    let data_dir = flags.data.as_deref().map(std::path::absolute).transpose()?;
    let wishes = Wishes { listen: flags.smtp, data_dir };
    let adopted = config::adopt(&path, around, &wishes).map_err(refused)?;
    let copy = match &adopted.text {
        Some(text) if !flags.dry_run => Some(replace(&path, text)?),
        _ => None,
    };
    match flags.json {
        true => print(&as_json(&path, &adopted, copy.as_deref()).to_string()),
        false => tell(&path, &adopted, copy.as_deref()),
    }
}

fn unreadable(path: &Path, because: &io::Error) -> Failure {
    Failure::Settings(format!("the settings file {} cannot be read: {because}", path.display()))
}

fn refused(refused: Refused) -> Failure {
    Failure::Settings(refused.to_string())
}

fn as_json(path: &Path, adopted: &Adopted, copy: Option<&Path>) -> serde_json::Value {
    json!({
        "file": path, "changed": copy.is_some(), "to_do": adopted.text.is_some(), "copy": copy,
        "relay": adopted.relay, "door": adopted.door.to_string(), "data_dir": adopted.data_dir,
        "changes": adopted.changes,
        "warnings": adopted.findings.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(),
    })
}

fn tell(path: &Path, adopted: &Adopted, copy: Option<&Path>) -> Result<(), Failure> {
    for warning in &adopted.findings.warnings {
        tracing::warn!("{warning}");
    }
    let (file, relay, door) = (path.display(), &adopted.relay, &adopted.door);
    if adopted.text.is_none() {
        return print(&format!("nothing to do: {file} sends to {door}, and postrider to {relay}"));
    }
    for line in &adopted.changes {
        print(line)?;
    }
    let Some(copy) = copy else {
        return print(&format!("\n{file} would be changed so; nothing was done"));
    };
    let (copy, data) = (copy.display(), adopted.data_dir.display());
    print(&format!(
        "\n{file} is changed, {copy} is the file as it was.\n\
         Mail waits in {data} ([postrider] DATA_DIR) and goes to {relay}.\n\
         Start \"postrider serve --config {file}\", then restart Gitea, which now sends to {door}."
    ))
}

/// How many copies may stand beside a file.
const COPIES: u32 = 1000;

/// Writes a copy of the file beside it, then puts the new text in its place at one stroke.
fn replace(path: &Path, text: &str) -> Result<PathBuf, Failure> {
    let old = std::fs::read(path).map_err(|error| unreadable(path, &error))?;
    let like = std::fs::metadata(path)?;
    let copy = write_free(path, ".bak", &old, &like)?;
    let new = write_free(path, ".new", text.as_bytes(), &like)?;
    std::fs::rename(&new, path).map_err(|because| Failure::Create { path: path.to_owned(), because })?;
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()?;
    Ok(copy)
}

/// A file of the first free name beside `path`, synced, with the mode and owner of `like`.
fn write_free(path: &Path, end: &str, bytes: &[u8], like: &Metadata) -> Result<PathBuf, Failure> {
    let named = |number: u32| {
        let mut name = path.as_os_str().to_owned();
        name.push(end);
        if number > 0 {
            name.push(number.to_string());
        }
        PathBuf::from(name)
    };
    for name in (0..COPIES).map(named) {
        let opened = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&name);
        let written = match opened {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
            Err(error) => Err(error),
            Ok(mut file) => fill(&mut file, bytes, like).inspect_err(|_| remove(&name)),
        };
        return match written {
            Ok(()) => Ok(name),
            Err(because) => Err(Failure::Create { path: name, because }),
        };
    }
    Err(Failure::Create { path: named(0), because: ErrorKind::AlreadyExists.into() })
}

fn remove(unfinished: &Path) {
    if let Err(error) = std::fs::remove_file(unfinished) {
        tracing::warn!(%error, file = %unfinished.display(), "an unfinished file could not be removed");
    }
}

fn fill(file: &mut File, bytes: &[u8], like: &Metadata) -> io::Result<()> {
    let ours = file.metadata()?;
    if (ours.uid(), ours.gid()) != (like.uid(), like.gid()) {
        std::os::unix::fs::fchown(&*file, Some(like.uid()), Some(like.gid()))?;
    }
    file.set_permissions(std::fs::Permissions::from_mode(like.mode() & 0o7777))?;
    file.write_all(bytes)?;
    file.sync_all()
}
