//! Big bodies stand beside the log, one file each, so that no group waits for them and no segment is
//! copied for them.
//!
//! ```text
//! DATA_DIR/bodies/<id>     written and synced before its `Accepted`, unlinked after the record that
//!                          ends the job is synced
//! ```
//!
//! A file that no job names was never answered for: it goes at start.

use super::lock::private_folder;
use crate::journal::ReadError;
use crate::record::Beside;
use crate::{InsertError, JobId, StoreError};
use bytes::Bytes;
use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The folder of big bodies.
#[derive(Debug)]
pub(crate) struct Bodies {
    folder: PathBuf,
    space_floor: u64,
}

impl Bodies {
    pub(crate) fn open(data: &Path, space_floor: u64) -> io::Result<Self> {
        let folder = data.join("bodies");
        private_folder(&folder)?;
        // A body is only as durable as its folder's own entry.
        File::open(data)?.sync_all()?;
        Ok(Self { folder, space_floor })
    }

    fn path(&self, id: JobId) -> PathBuf {
        self.folder.join(id.to_string())
    }

    /// Writes bodies and syncs them, and the folder, once for all.
    pub(crate) fn write(&self, bodies: &[(JobId, Bytes)]) -> Result<Vec<Beside>, InsertError> {
        if let Some(why) = super::short_of_space(&self.folder, self.space_floor) {
            return Err(InsertError::Full(why));
        }
        let written = self.write_all(bodies);
        if written.is_err() {
            self.remove(bodies.iter().map(|(id, _)| *id));
        }
        written.map_err(|e| StoreError::Io(format!("{}: {e}", self.folder.display())).into())
    }

    fn write_all(&self, bodies: &[(JobId, Bytes)]) -> io::Result<Vec<Beside>> {
        let mut out = Vec::with_capacity(bodies.len());
        for (id, body) in bodies {
            let mut file =
                OpenOptions::new().write(true).create_new(true).mode(0o600).open(self.path(*id))?;
            file.write_all(body)?;
            file.sync_data()?;
            out.push(Beside { octets: body.len() as u64, crc: crc32fast::hash(body) });
        }
        File::open(&self.folder)?.sync_all()?;
        Ok(out)
    }

    pub(crate) fn read(&self, id: JobId, beside: &Beside) -> Result<Vec<u8>, ReadError> {
        let path = self.path(id);
        let failed = |e: io::Error| match e.kind() {
            io::ErrorKind::NotFound => ReadError::Damaged,
            _ => ReadError::Io(format!("{}: {e}", path.display())),
        };
        let wanted = usize::try_from(beside.octets).map_err(|_| ReadError::Damaged)?;
        let file = File::open(&path).map_err(failed)?;
        if file.metadata().map_err(failed)?.len() != beside.octets {
            return Err(ReadError::Damaged);
        }
        let mut body = Vec::with_capacity(wanted);
        file.take(beside.octets).read_to_end(&mut body).map_err(failed)?;
        if body.len() != wanted || crc32fast::hash(&body) != beside.crc {
            return Err(ReadError::Damaged);
        }
        Ok(body)
    }

    /// Unlinks bodies. Needs no sync: what comes back after a power cut goes at the next start.
    pub(crate) fn remove(&self, ids: impl IntoIterator<Item = JobId>) {
        for id in ids {
            match fs::remove_file(self.path(id)) {
                Ok(()) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => {
                    tracing::warn!(%id, %error, "a body that is not wanted any more cannot be removed")
                }
            }
        }
    }

    /// Unlinks the files that are not among these; returns how many.
    pub(crate) fn remove_others(&self, wanted: &BTreeSet<JobId>) -> io::Result<u64> {
        let mut removed = 0;
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let id = entry.file_name().to_str().and_then(|name| name.parse::<JobId>().ok());
            if id.is_some_and(|id| !wanted.contains(&id)) {
                fs::remove_file(entry.path())?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}
