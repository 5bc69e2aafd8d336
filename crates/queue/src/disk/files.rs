//! The file calls of the log, apart so that tests can make each of them fail.

use std::fs::{File, OpenOptions};
use std::io::{self, IoSlice, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// A segment being written.
pub(crate) trait Out: Send {
    fn write_all_vectored(&mut self, parts: &mut [IoSlice<'_>]) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
    fn cut(&mut self, octets: u64) -> io::Result<()>;
}

/// Opens files for the log.
pub(crate) trait Files: Send + 'static {
    /// Creates a segment; the folder is synced before it returns.
    fn create(&mut self, folder: &Path, path: &Path) -> io::Result<Box<dyn Out>>;
}

/// The system's files.
pub(crate) struct Disk;

impl Files for Disk {
    fn create(&mut self, folder: &Path, path: &Path) -> io::Result<Box<dyn Out>> {
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        File::open(folder)?.sync_all()?;
        Ok(Box::new(Plain(file)))
    }
}

struct Plain(File);

impl Out for Plain {
    fn write_all_vectored(&mut self, mut parts: &mut [IoSlice<'_>]) -> io::Result<()> {
        while !parts.is_empty() {
            match self.0.write_vectored(parts) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut parts, written),
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn cut(&mut self, octets: u64) -> io::Result<()> {
        self.0.set_len(octets)?;
        self.0.sync_data()
    }
}
