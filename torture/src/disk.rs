//! A file system of its own whose power can be cut: ext4 on a loop file. A cut forgets whatever was not
//! synced, in files and folders; it does not reach a disk's own cache.

use crate::wait::until;
use anyhow::{Context, Result, bail};
use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
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
        let disk = Self { folder: folder()? };
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

    /// Takes all the room that is left, until the value is dropped.
    pub(crate) fn fill(&self) -> Result<Full> {
        let full = Full(self.mount().join("filler"));
        // Large pieces first: the service writes meanwhile, and the last octets are what counts.
        for piece in ["64M", "4M", "64K", "1K"] {
            let script = "while dd if=/dev/zero bs=$1 count=1 >> $2 2> /dev/null; do :; done";
            run(Command::new("sh").args(["-c", script, "sh", piece]).arg(&full.0))?;
        }
        Ok(full)
    }

    fn plug_in(&self) -> Result<()> {
        run(Command::new("mount").args(["-o", "loop"]).arg(self.image()).arg(self.mount()))
    }
}

/// The room of a disk, taken.
pub(crate) struct Full(PathBuf);

impl Drop for Full {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_file(&self.0) {
            eprintln!("torture: {}: {error}", self.0.display());
        }
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

/// A folder that other users may enter: mail servers have users of their own.
fn folder() -> Result<TempDir> {
    let folder = TempDir::new()?;
    std::fs::set_permissions(folder.path(), Permissions::from_mode(0o755))?;
    Ok(folder)
}

/// Where a round keeps its data.
pub(crate) enum Place {
    Folder(TempDir),
    Disk(Disk),
}

impl Place {
    pub(crate) fn folder() -> Result<Self> {
        Ok(Self::Folder(folder()?))
    }

    pub(crate) fn data(&self) -> PathBuf {
        let root: &Path = match self {
            Self::Folder(folder) => folder.path(),
            Self::Disk(disk) => &disk.mount(),
        };
        root.join("state")
    }
}
