//! A file system of its own whose power can be cut: ext4 on a loop file. A cut forgets whatever was not
//! synced, in files and folders; it does not reach a disk's own cache.

use crate::wait::until;
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;
use tempfile::TempDir;

const SIZE: &str = "512M";

pub(crate) struct Disk {
    folder: TempDir,
}

impl Disk {
    pub(crate) fn new() -> Result<Self> {
        let disk = Self { folder: TempDir::new()? };
        run(Command::new("truncate").args(["-s", SIZE]).arg(disk.image()))?;
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(disk.image()))?;
        std::fs::create_dir(disk.mount())?;
        disk.plug_in()?;
        Ok(disk)
    }

    fn image(&self) -> PathBuf {
        self.folder.path().join("image")
    }

    pub(crate) fn mount(&self) -> PathBuf {
        self.folder.path().join("disk")
    }

    /// The power goes: no write reaches the disk any more, and what was not there is lost.
    pub(crate) fn cut(&self) -> Result<()> {
        // FS_IOC_SHUTDOWN with "no log flush"; from Python, as our crates have no unsafe.
        let ioctl = "import fcntl, os, struct, sys\n\
                     fcntl.ioctl(os.open(sys.argv[1], os.O_RDONLY), 0x8004587d, struct.pack('I', 2))";
        run(Command::new("python3").args(["-c", ioctl]).arg(self.mount()))
    }

    /// The power is back; nobody may hold a file there.
    pub(crate) fn restore(&self) -> Result<()> {
        until("the cut disk to be let go", Duration::from_secs(20), || {
            Ok(run(Command::new("umount").arg(self.mount())).ok())
        })?;
        self.plug_in()
    }

    fn plug_in(&self) -> Result<()> {
        run(Command::new("mount").args(["-o", "loop"]).arg(self.image()).arg(self.mount()))
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let freed = run(Command::new("umount").args(["-l"]).arg(self.mount()));
        if let Err(error) = freed {
            eprintln!("torture: {error:#}");
        }
    }
}

fn run(command: &mut Command) -> Result<()> {
    let output = command.output().with_context(|| format!("{command:?}; root and e2fsprogs are needed"))?;
    if !output.status.success() {
        bail!("{command:?}: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(())
}

/// Where a round keeps its data.
pub(crate) enum Place {
    Folder(TempDir),
    Disk(Disk),
}

impl Place {
    pub(crate) fn data(&self) -> PathBuf {
        let root: &Path = match self {
            Self::Folder(folder) => folder.path(),
            Self::Disk(disk) => &disk.mount(),
        };
        root.join("state")
    }
}
