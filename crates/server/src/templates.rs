//! Templates from their folder, and anew when a file of it changes.

use crate::config::TemplateFolder;
use crate::exit::Failure;
use postrider::{Mailer, Source, TemplateError, Templates};
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

/// Between two looks at the folder.
const LOOK: Duration = Duration::from_secs(2);
/// Files of a folder that are looked at.
const MOST_FILES: usize = 5_000;
/// Folders in folders.
const DEEPEST: usize = 16;
/// Octets of one file.
const MOST_OCTETS: u64 = 512 << 10;

/// What tells one state of the folder from another.
pub(crate) type Print = Vec<(PathBuf, Mark)>;

/// What tells one state of a file from another: when it was written, its length, and when its owner or
/// permissions changed (seconds and nanoseconds).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    written: Option<SystemTime>,
    length: u64,
    changed: (i64, i64),
}

impl Mark {
    fn of(is: &Metadata) -> Self {
        Self { written: is.modified().ok(), length: is.len(), changed: (is.ctime(), is.ctime_nsec()) }
    }
}

/// A folder, as it was when it was last read.
pub(crate) struct Seen {
    pub(crate) folder: TemplateFolder,
    print: Print,
}

/// Reads the folder over the built-in templates and makes the set.
///
/// # Errors
/// Every mistake of every file.
pub(crate) fn load(folder: &TemplateFolder) -> Result<(Templates, Seen), Failure> {
    let failed = |path: &Path, error: io::Error| Failure::Settings(format!("{}: {error}", path.display()));
    let mut sources = notify::built_in_for(folder.language.as_str());
    let mut print = Print::new();
    if let Some(dir) = &folder.dir {
        // First, so that what changes while we read is seen as changed.
        print = files(dir).map_err(|error| failed(dir, error))?;
        let root = dir.canonicalize().map_err(|error| failed(dir, error))?;
        for (path, _) in &print {
            let text = read(&root, path).map_err(|error| failed(path, error))?;
            sources.extend(name(dir, path).map(|name| Source {
                name,
                text,
                origin: path.display().to_string(),
            }));
        }
    }
    let templates = Templates::with_default(sources, folder.language.clone());
    let templates = templates.map_err(|mistakes| Failure::Settings(told(&mistakes)))?;
    Ok((templates, Seen { folder: folder.clone(), print }))
}

/// Off the runtime's threads.
///
/// # Errors
/// As `load`.
pub(crate) async fn load_beside(folder: TemplateFolder) -> Result<(Templates, Seen), Failure> {
    let read = tokio::task::spawn_blocking(move || load(&folder)).await;
    read.map_err(|error| Failure::Bug(format!("reading the templates broke off: {error}")))?
}

/// Gives the mailer new templates whenever the folder changed and is without mistakes; with mistakes the
/// old ones go on to hold.
pub(crate) async fn watch(mailer: Mailer, mut told: watch::Receiver<Arc<Seen>>) {
    let mut seen = told.borrow_and_update().clone();
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = looks.tick() => {}
            changed = told.changed() => match changed {
                Ok(()) => seen = told.borrow_and_update().clone(),
                Err(_) => return,
            },
        }
        let known = seen.clone();
        let Ok(Some(print)) = tokio::task::spawn_blocking(move || changed(&known)).await else { continue };
        match load_beside(seen.folder.clone()).await {
            Ok((templates, now)) => {
                // A reload may have named another folder meanwhile.
                if !told.has_changed().unwrap_or(true) {
                    tracing::info!(templates = templates.list().len(), "the templates were read anew");
                    mailer.change_templates(Arc::new(templates));
                    seen = Arc::new(now);
                }
            }
            Err(failure) => {
                tracing::error!("the new templates are refused, the old ones go on to hold:\n{failure}");
                seen = Arc::new(Seen { folder: seen.folder.clone(), print });
            }
        }
    }
}

/// The new state, when it is another.
fn changed(seen: &Seen) -> Option<Print> {
    let dir = seen.folder.dir.as_ref()?;
    // A folder that cannot be read is another state too, and told once.
    let now = files(dir).unwrap_or_default();
    (now != seen.print).then_some(now)
}

/// The files that may be sources, in order.
fn files(dir: &Path) -> io::Result<Print> {
    let mut found = Print::new();
    let mut folders = vec![(dir.to_owned(), 0)];
    while let Some((folder, depth)) = folders.pop() {
        for entry in std::fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.file_name().and_then(|name| name.to_str()).is_none_or(|name| name.starts_with('.')) {
                continue;
            }
            // Through links: orchestrators mount folders of them.
            let Ok(is) = std::fs::metadata(&path) else { continue };
            if is.is_dir() && depth < DEEPEST {
                folders.push((path, depth + 1));
            } else if is_source(dir, &path, &is) {
                found.push((path, Mark::of(&is)));
            }
        }
        if found.len() > MOST_FILES {
            return Err(io::Error::other(format!(
                "holds more than {MOST_FILES} files; name a folder of templates"
            )));
        }
    }
    found.sort();
    Ok(found)
}

fn is_source(dir: &Path, path: &Path, is: &Metadata) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let texts = path.strip_prefix(dir).is_ok_and(|path| path.starts_with("locale"));
    is.is_file() && (matches!(ending, "html" | "txt" | "json" | "mjml") || ending == "toml" && texts)
}

/// The path below the folder, with slashes.
fn name(dir: &Path, path: &Path) -> Option<String> {
    let parts = path.strip_prefix(dir).ok()?.iter().map(|part| part.to_str());
    parts.collect::<Option<Vec<_>>>().map(|parts| parts.join("/"))
}

/// Reads one file, which must lie below the folder whatever links lead to it.
fn read(root: &Path, path: &Path) -> io::Result<String> {
    let real = path.canonicalize()?;
    if !real.starts_with(root) {
        return Err(io::Error::other("is a link that leads out of the folder; put the file here"));
    }
    let is = std::fs::metadata(&real)?;
    match is.len() > MOST_OCTETS || !is.is_file() {
        true => Err(io::Error::other(format!("is no file of at most {MOST_OCTETS} octets"))),
        false => std::fs::read_to_string(&real).map_err(|error| match error.kind() {
            io::ErrorKind::InvalidData => io::Error::other("is not UTF-8; convert it"),
            _ => error,
        }),
    }
}

fn told(mistakes: &[TemplateError]) -> String {
    mistakes.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    fn folder(dir: &Path) -> TemplateFolder {
        TemplateFolder { dir: Some(dir.to_owned()), ..TemplateFolder::default() }
    }

    #[test]
    fn b7_128_links_and_pipes_of_a_template_folder_are_refused_or_left_alone() {
        let (outside, dir) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("secret.html"), "SECRET").unwrap();
        std::fs::write(dir.path().join("a.html"), "x").unwrap();
        std::fs::write(dir.path().join("README.md"), "x").unwrap();
        std::fs::create_dir(dir.path().join("..data")).unwrap();
        std::fs::write(dir.path().join("..data/b.html"), "x").unwrap();
        symlink("..data/b.html", dir.path().join("b.html")).unwrap();
        let fifo = dir.path().join("pipe.html");
        rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, rustix::fs::Mode::RUSR, 0)
            .unwrap();
        symlink("/dev/zero", dir.path().join("zero.html")).unwrap();
        let (set, _) = load(&folder(dir.path())).unwrap();
        let ids = set.list().into_iter().filter(|row| !row.origin.starts_with("built in")).map(|row| row.id);
        assert_eq!(ids.collect::<Vec<_>>(), ["a", "b"]);
        symlink(outside.path().join("secret.html"), dir.path().join("c.html")).unwrap();
        let error = load(&folder(dir.path())).map(|_| ()).unwrap_err().to_string();
        assert!(error.contains("c.html") && error.contains("out of the folder"), "{error}");
    }

    #[test]
    fn a_change_is_seen_and_a_mistake_told_with_its_place() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("a.html"), "x").unwrap();
        let (_, seen) = load(&folder(dir.path())).unwrap();
        assert_eq!(changed(&seen), None);
        std::fs::write(dir.path().join("a.html"), "x\n{% if %}").unwrap();
        assert!(changed(&seen).is_some());
        let error = load(&folder(dir.path())).map(|_| ()).unwrap_err();
        assert_eq!(error.code(), 78);
        assert!(error.to_string().contains("a.html:2"), "{error}");
    }

    #[test]
    fn permissions_that_are_mended_are_seen() {
        use std::fs::Permissions;
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a.html");
        std::fs::write(&file, "x").unwrap();
        let (_, seen) = load(&folder(dir.path())).unwrap();
        // More than once, as the clock of a file system may be coarse.
        let mend = |turn: u32| {
            std::fs::set_permissions(&file, Permissions::from_mode(0o600 + turn % 2 * 0o44)).unwrap();
            changed(&seen).is_some()
        };
        assert!((0..20_000).any(mend));
    }
}
