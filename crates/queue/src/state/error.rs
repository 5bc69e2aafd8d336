//! What `state.db` can answer instead of success.

/// `Display` is for the operator.
#[derive(Debug, thiserror::Error)]
pub enum StateError {
    /// Reading or writing failed.
    #[error("state.db: {0}")]
    Sqlite(#[from] rusqlite::Error),
    #[error("{path}: {cause}")]
    File { path: String, cause: std::io::Error },
    /// Written by a newer version; the file was not touched.
    #[error("state.db has format {found}, this postrider knows formats up to {known}; use a newer postrider")]
    Newer { found: i64, known: i64 },
    /// A column holds what we never write.
    #[error("state.db is damaged: {0}")]
    Damaged(String),
    #[error(
        "\"{0}\" is no name for a key; take 1 to 64 of a-z, 0-9, \".\", \"_\" and \"-\", not the form of an id"
    )]
    BadName(String),
    #[error("a key needs at least one scope: send, read or admin")]
    NoScope,
    #[error("there is a key named \"{0}\"; revoke it first or take another name")]
    NameTaken(String),
    #[error("no such key")]
    NotFound,
    #[error("the system gives no random numbers")]
    NoRandom,
    /// Keys and pauses are shared, and the Redis that holds them cannot be had. Known keys go on to work.
    #[error("keys and pauses are kept in Redis, which cannot be had now; nothing was changed: {0}")]
    Away(String),
}
