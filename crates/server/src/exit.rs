//! Every way a verb can fail, and its sysexits code: the one place that knows the numbers.

use queue::StoreError;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

/// Why a verb failed. `Display` is the block shown on stderr.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Flags that do not go together, or a value that cannot be.
    #[error("{0}")]
    Usage(String),
    /// The message is not one that can be sent; every mistake is named.
    #[error("{0}")]
    BadMessage(String),
    /// The settings, all mistakes at once.
    #[error("{0}")]
    Settings(String),
    /// The daemon, a port or a relay is not to be had.
    #[error("{0}")]
    Unavailable(String),
    /// What was asked is not allowed to us.
    #[error("{0}")]
    Forbidden(String),
    /// It may work later.
    #[error("{0}")]
    Later(String),
    /// The daemon answered something that we do not understand.
    #[error("{0}")]
    Protocol(String),
    /// A file to read, which a flag names.
    #[error("{flag} {}: {because}", .path.display())]
    Read { flag: &'static str, path: PathBuf, because: io::Error },
    /// A file, folder or socket to make.
    #[error("{} cannot be created: {because}", .path.display())]
    Create { path: PathBuf, because: io::Error },
    /// Standard input or output, signals, threads.
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("{}: {because}", .path.display())]
    Store { path: PathBuf, because: StoreError },
    /// As `Store`; the text names the place.
    #[error("{0}")]
    Queue(StoreError),
    /// Ours.
    #[error("{0}; this is a bug of postrider, please report it")]
    Bug(String),
}

impl Failure {
    /// The sysexits code (contract 2).
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 64,
            Self::BadMessage(_) => 65,
            Self::Unavailable(_) => 69,
            Self::Bug(_) => 70,
            Self::Create { because, .. } => match because.kind() {
                io::ErrorKind::PermissionDenied => 77,
                _ => 73,
            },
            Self::Read { because, .. } => match because.kind() {
                io::ErrorKind::PermissionDenied => 77,
                _ => 74,
            },
            Self::Io(_) => 74,
            Self::Store { because, .. } | Self::Queue(because) => match because {
                StoreError::Owned(_) | StoreError::Away(_) => 69,
                StoreError::Unfit(_) => 78,
                StoreError::Io(_) | StoreError::Closed | StoreError::Format(_) => 74,
            },
            Self::Later(_) => 75,
            Self::Protocol(_) => 76,
            Self::Forbidden(_) => 77,
            Self::Settings(_) => 78,
        }
    }
}

impl From<&Failure> for ExitCode {
    fn from(failure: &Failure) -> Self {
        failure.code().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_we_may_not_enter_is_a_matter_of_permission() {
        let create = |kind: io::ErrorKind| Failure::Create { path: "/x".into(), because: kind.into() }.code();
        assert_eq!((create(io::ErrorKind::PermissionDenied), create(io::ErrorKind::NotADirectory)), (77, 73));
    }
}
