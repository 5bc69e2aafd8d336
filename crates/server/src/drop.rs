//! The drop folder: mail that `sendmail` took while no daemon ran. Each file is a letter (its slip and
//! the message); it is whole once its name ends in `.mail`, and is taken once, by its key.

use http_door::{MAX_SLIP, read_letter};
use postrider::{Caller, Door, Mailer, SubmitError};
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long a mail waits for its delivery when the store survives no crash, before its file stays for
/// the next start.
const DELIVERY: Duration = Duration::from_secs(600);

/// Between two looks.
const LOOK: Duration = Duration::from_secs(60);

/// Writes a letter, synced. The folder and the file belong to the data folder's owner.
pub(crate) fn keep(data_dir: &Path, key: &str, letter: &[u8]) -> io::Result<PathBuf> {
    let owner = std::fs::metadata(data_dir)?;
    let folder = data_dir.join("drop");
    match DirBuilder::new().mode(0o700).create(&folder) {
        Ok(()) => {
            give(&folder, &owner)?;
            File::open(data_dir)?.sync_all()?;
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let (unfinished, path) = (folder.join(format!("{key}.part")), folder.join(format!("{key}.mail")));
    let written = write(&unfinished, letter, &owner).and_then(|()| {
        std::fs::rename(&unfinished, &path)?;
        File::open(&folder)?.sync_all()
    });
    if written.is_err() {
        // What is left of it must not look like a mail; the caller hears of the failure.
        drop(std::fs::remove_file(&unfinished));
        drop(std::fs::remove_file(&path));
    }
    written.map(|()| path)
}

fn write(path: &Path, letter: &[u8], owner: &std::fs::Metadata) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    give(path, owner)?;
    file.write_all(letter)?;
    file.sync_all()
}

/// Root's mail too must be readable by the daemon's user.
fn give(path: &Path, owner: &std::fs::Metadata) -> io::Result<()> {
    let ours = std::fs::metadata(path)?;
    if (ours.uid(), ours.gid()) == (owner.uid(), owner.gid()) {
        return Ok(());
    }
    std::os::unix::fs::chown(path, Some(owner.uid()), Some(owner.gid()))
}

/// Takes in what is there, now and again: a sendmail whose daemon fell silent leaves mail here, too, and a
/// key is remembered for a day only.
pub(crate) async fn watch(data_dir: &Path, mailer: &Mailer) {
    let mut looks = tokio::time::interval(LOOK);
    loop {
        looks.tick().await;
        take(data_dir, mailer).await;
    }
}

/// Takes in every mail there is. One that cannot be taken is set aside, with the cause in the log.
async fn take(data_dir: &Path, mailer: &Mailer) {
    let folder = data_dir.join("drop");
    let entries = match std::fs::read_dir(&folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => {
            tracing::error!(%error, folder = %folder.display(), "the drop folder cannot be read; its mail waits");
            return;
        }
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|end| end == "mail"));
    // Keys rise with time.
    paths.sort();
    for path in paths {
        one(&path, mailer).await;
    }
}

async fn one(path: &Path, mailer: &Mailer) {
    let letter = match read(path, mailer.settings().limits.message) {
        Ok(letter) => letter,
        // Its sender found us running after all, and took it back.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return,
        Err(error) => {
            tracing::error!(%error, file = %path.display(), "a mail of the drop folder cannot be read; it waits");
            return;
        }
    };
    let caller = Caller::local(Door::Sendmail);
    let taken = match read_letter(&letter.into(), &mailer.settings()) {
        Ok(submission) => mailer.submit_raw_as(&caller, submission).await,
        Err(faults) => Err(SubmitError::Invalid(faults)),
    };
    match taken {
        Ok(receipt) => {
            tracing::info!(id = %receipt.id, file = %path.display(), "took a mail from the drop folder");
            if receipt.durable || settled(mailer, receipt.id).await {
                remove(path);
            }
        }
        Err(error @ (SubmitError::Busy(_) | SubmitError::Store(_) | SubmitError::KeyInFlight)) => {
            tracing::warn!(%error, file = %path.display(), "a mail of the drop folder waits for the next look");
        }
        Err(error) => {
            let aside = path.with_extension("refused");
            tracing::error!(%error, file = %aside.display(), "a mail of the drop folder cannot be sent; it is kept");
            if let Err(error) = std::fs::rename(path, &aside) {
                tracing::error!(%error, file = %path.display(), "and it could not be renamed");
            }
        }
    }
}

fn read(path: &Path, most: usize) -> io::Result<Vec<u8>> {
    let (mut letter, most) = (Vec::new(), most.saturating_add(MAX_SLIP) as u64);
    // A link could lead us to a file of somebody else's, a pipe could keep us for ever.
    let flags = (rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK).bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    file.take(most.saturating_add(1)).read_to_end(&mut letter)?;
    match letter.len() as u64 > most {
        true => Err(io::Error::other(format!("it is longer than {most} octets"))),
        false => Ok(letter),
    }
}

async fn settled(mailer: &Mailer, id: postrider::JobId) -> bool {
    let seen = mailer.wait(id, DELIVERY).await;
    seen.is_ok_and(|view| view.is_some_and(|view| view.status.is_final()))
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        tracing::error!(%error, file = %path.display(), "a mail that was taken in could not be removed");
    }
}
