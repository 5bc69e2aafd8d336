//! `sendmail -bs`: SMTP on stdin and stdout is SMTP with the daemon's own door.

use crate::cli::args::Where;
use crate::cli::find;
use crate::config::{Listen, Surroundings};
use crate::exit::Failure;
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpStream};
use std::os::unix::net::UnixStream;

pub(crate) fn run(place: &Where, around: &Surroundings) -> Result<(), Failure> {
    let settings = find::settings(place.config.as_deref(), around)?;
    let listen = settings.smtp.listen.filter(|_| settings.smtp.allow_local).ok_or_else(|| {
        Failure::Unavailable(
            "sendmail -bs speaks through the daemon's SMTP door: set [postrider.smtp] LISTEN and ALLOW_LOCAL = true"
                .into(),
        )
    })?;
    let lost = |error: io::Error| Failure::Later(format!("no daemon answers at {listen}: {error}"));
    match &listen {
        Listen::Tcp(address) => {
            let stream = TcpStream::connect(address).map_err(lost)?;
            let (reader, end) = (stream.try_clone()?, stream.try_clone()?);
            join(reader, stream, move || end.shutdown(Shutdown::Write))
        }
        Listen::Unix(path) => {
            let stream = UnixStream::connect(path).map_err(lost)?;
            let (reader, end) = (stream.try_clone()?, stream.try_clone()?);
            join(reader, stream, move || end.shutdown(Shutdown::Write))
        }
    }
}

/// Copies both ways until the daemon has said its last word.
fn join(
    mut from_daemon: impl Read,
    mut to_daemon: impl Write + Send + 'static,
    end: impl FnOnce() -> io::Result<()> + Send + 'static,
) -> Result<(), Failure> {
    std::thread::Builder::new().name("stdin".into()).spawn(move || {
        let copied = copy(&mut io::stdin().lock(), &mut to_daemon).and_then(|()| end());
        // The daemon that ended the session tells so by its own stream's end.
        std::mem::drop(copied);
    })?;
    copy(&mut from_daemon, &mut io::stdout().lock())?;
    Ok(())
}

/// Copies what comes at once, for a dialogue waits for each line.
fn copy(from: &mut impl Read, to: &mut impl Write) -> io::Result<()> {
    let mut room = vec![0; 64 * 1024];
    loop {
        let read = match from.read(&mut room) {
            Ok(0) => return Ok(()),
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        to.write_all(room.get(..read).unwrap_or_default())?;
        to.flush()?;
    }
}
