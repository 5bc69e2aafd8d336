//! What an error of Redis means for who asked.

use redis::{ErrorKind, RedisError, ServerErrorKind};

/// What to do after an error.
pub(super) enum Fate {
    /// The connection is of no use.
    Connect,
    /// Redis cannot now: the same again later.
    Wait,
    Load,
    Full,
    /// Asking again would not help.
    Final,
}

pub(super) fn fate(error: &RedisError) -> Fate {
    match error.kind() {
        ErrorKind::Io | ErrorKind::Parse => Fate::Connect,
        // A replica, since it was a primary when we came: whoever is one now is to be found.
        ErrorKind::Server(ServerErrorKind::ReadOnly) => Fate::Connect,
        ErrorKind::Server(ServerErrorKind::NoScript) => Fate::Load,
        ErrorKind::Server(
            ServerErrorKind::BusyLoading
            | ServerErrorKind::TryAgain
            | ServerErrorKind::ClusterDown
            | ServerErrorKind::MasterDown,
        ) => Fate::Wait,
        _ => match error.code() {
            Some("OOM") => Fate::Full,
            Some("BUSY" | "MISCONF" | "NOREPLICAS" | "UNKILLABLE") => Fate::Wait,
            Some("NOAUTH" | "WRONGPASS") => Fate::Connect,
            _ => Fate::Final,
        },
    }
}
