//! Folders of `dev` runs that were killed: removed by the next run.

use std::fs::{DirEntry, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// How the name of a run's folder begins; a UUID without hyphens follows.
pub(crate) const NAME: &str = "postrider-dev-";

/// A run makes its folder a moment before it takes the lock in it.
const YOUNG: Duration = Duration::from_secs(60);

/// Removes those whose run is over. What cannot be removed stays for the next time.
pub(crate) fn remove(around: &Path, now: SystemTime) {
    let Ok(entries) = std::fs::read_dir(around) else { return };
    for entry in entries.flatten().filter(|entry| is_left(entry, now)) {
        let path = entry.path();
        match std::fs::remove_dir_all(&path) {
            Ok(()) => tracing::info!(folder = %path.display(), "removed what an earlier run had left"),
            Err(error) => tracing::debug!(%error, folder = %path.display(), "an earlier run's folder stays"),
        }
    }
}

fn is_left(entry: &DirEntry, now: SystemTime) -> bool {
    let name = entry.file_name();
    let id = name.to_str().and_then(|name| name.strip_prefix(NAME));
    // The entry itself, not what a link points to.
    let Ok(found) = entry.metadata() else { return false };
    let age = found.modified().ok().and_then(|at| now.duration_since(at).ok());
    id.is_some_and(|id| id.len() == 32 && id.bytes().all(|b| b.is_ascii_hexdigit()))
        && found.is_dir()
        && age.is_some_and(|age| age >= YOUNG)
        && is_free(&entry.path().join("lock"))
}

/// Whether no process holds the lock of the folder's store.
fn is_free(lock: &Path) -> bool {
    match File::open(lock) {
        Ok(file) => file.try_lock().is_ok(),
        Err(error) => error.kind() == std::io::ErrorKind::NotFound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_old_folders_of_runs_that_are_over_go() {
        let around = tempfile::tempdir().unwrap();
        let id = "0".repeat(31);
        let make = |name: &str| {
            let path = around.path().join(name);
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join("lock"), "1").unwrap();
            path
        };
        let left = make(&format!("{NAME}{id}a"));
        let held = make(&format!("{NAME}{id}b"));
        let other = make("postrider-dev-mine");
        let link = around.path().join(format!("{NAME}{id}c"));
        std::os::unix::fs::symlink(&other, &link).unwrap();
        let lock = File::open(held.join("lock")).unwrap();
        lock.lock().unwrap();
        let made = std::fs::metadata(&left).unwrap().modified().unwrap();
        remove(around.path(), made + YOUNG / 2);
        assert!(left.exists(), "it may just be starting");
        remove(around.path(), made + YOUNG * 2);
        assert!(!left.exists());
        assert!(held.exists() && other.exists() && link.symlink_metadata().is_ok());
    }
}
