//! One process owns a data folder.

use crate::StoreError;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;

/// Makes a folder that only we may enter, with its parents.
pub(crate) fn private_folder(path: &Path) -> std::io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// As `private_folder`, with the folder in the error.
pub(super) fn folder(path: &Path) -> Result<(), StoreError> {
    private_folder(path)
        .map_err(|e| StoreError::Io(format!("the folder {} cannot be made or entered: {e}", path.display())))
}

/// Takes the folder; the lock ends with the file, however the process ends.
pub(super) fn take(data: &Path) -> Result<File, StoreError> {
    let path = data.join("lock");
    let io = |e: std::io::Error| StoreError::Io(format!("{}: {e}", path.display()));
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&path)
        .map_err(io)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut owner = String::new();
            file.read_to_string(&mut owner).map_err(io)?;
            return Err(StoreError::Owned(format!(
                "the folder {} belongs to a running process (pid {}); stop it or name another DATA_DIR",
                data.display(),
                owner.trim()
            )));
        }
        Err(TryLockError::Error(e)) => return Err(io(e)),
    }
    file.set_len(0).and_then(|()| file.rewind()).map_err(io)?;
    writeln!(file, "{}", std::process::id()).map_err(io)?;
    Ok(file)
}
