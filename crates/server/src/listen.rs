//! Opening the places where doors listen.

use crate::exit::Failure;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tokio::net::{TcpListener, UnixListener, UnixStream};

/// A TCP place; `name` is the flag or key that chose it.
pub(crate) async fn tcp(address: SocketAddr, name: &str) -> Result<TcpListener, Failure> {
    TcpListener::bind(address).await.map_err(|error| {
        let remedy = match error.kind() {
            io::ErrorKind::AddrInUse => "another program listens there; stop it or choose another port",
            io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege; choose another port",
            _ => "choose an address of this machine",
        };
        Failure::Unavailable(format!("{name} {address}: {error}; {remedy}"))
    })
}

/// A socket file with its mode. One that nobody answers at is a leftover and is replaced.
pub(crate) async fn unix(path: &Path, mode: u32) -> Result<UnixListener, Failure> {
    let failed = |because| Failure::Create { path: path.to_owned(), because };
    if UnixStream::connect(path).await.is_ok() {
        return Err(Failure::Unavailable(format!(
            "{}: another program listens there; stop it",
            path.display()
        )));
    }
    match std::fs::symlink_metadata(path) {
        Ok(found) if std::os::unix::fs::FileTypeExt::is_socket(&found.file_type()) => {
            std::fs::remove_file(path).map_err(failed)?;
        }
        Ok(_) => return Err(failed(io::Error::other("a file that is no socket is in the way; remove it"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(failed(error)),
    }
    let listener = UnixListener::bind(path).map_err(failed)?;
    set_mode(path, mode).map_err(failed)?;
    Ok(listener)
}

/// Makes `sign` a link to a socket elsewhere; `None`: takes away such a link of an earlier run.
pub(crate) fn sign(sign: &Path, socket: Option<&PathBuf>) -> Result<(), Failure> {
    let failed = |because| Failure::Create { path: sign.to_owned(), because };
    let found = std::fs::symlink_metadata(sign).map(|found| found.file_type());
    let ours = found.is_ok_and(|kind| {
        kind.is_symlink() || socket.is_some() && std::os::unix::fs::FileTypeExt::is_socket(&kind)
    });
    if ours {
        std::fs::remove_file(sign).map_err(failed)?;
    }
    socket.map_or(Ok(()), |socket| std::os::unix::fs::symlink(socket, sign).map_err(failed))
}

/// Takes a socket's file away.
pub(crate) fn remove(socket: &Path) {
    if let Err(error) = std::fs::remove_file(socket) {
        tracing::debug!(%error, socket = %socket.display(), "the socket was gone");
    }
}

/// Who may open a socket.
pub(crate) fn set_mode(path: &Path, mode: u32) -> io::Result<()> {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

/// The HTTP socket asks for keys, so a proxy in our group may use it.
pub(crate) const OWNER_AND_GROUP: u32 = 0o660;

/// Of a socket that takes mail: for us, or for all of this machine with ALLOW_LOCAL.
pub(crate) fn mode(allow_local: bool) -> u32 {
    if allow_local { 0o666 } else { OWNER }
}

pub(crate) const OWNER: u32 = 0o600;
