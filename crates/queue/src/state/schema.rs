//! The tables and what is said to them.

use super::StateError;
use super::key::{self, Entry, KeyInfo, KeyScope};
use super::scram::ScramVerifier;
use jiff::Timestamp;
use rusqlite::{Connection, OpenFlags, Row, TransactionBehavior, params};
use std::fs::{OpenOptions, Permissions};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

/// `PRAGMA user_version` of what we write.
pub(super) const FORMAT: i64 = 1;
/// How long a write waits for that of another process.
const PATIENCE: Duration = Duration::from_secs(5);

const TABLES: &str = "
CREATE TABLE keys (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    project TEXT NOT NULL,
    scopes TEXT NOT NULL,
    from_domains TEXT NOT NULL,
    sha256 BLOB NOT NULL UNIQUE,
    scram_salt BLOB NOT NULL,
    scram_iterations INTEGER NOT NULL,
    scram_stored_key BLOB NOT NULL,
    scram_server_key BLOB NOT NULL,
    created_at TEXT NOT NULL,
    revoked_at TEXT
) STRICT;
CREATE UNIQUE INDEX keys_name ON keys (name) WHERE revoked_at IS NULL;
CREATE TABLE secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
";

/// Tables of later versions that earlier ones may pass over, so that the format stays the same.
const FURTHER: &str = "
CREATE TABLE IF NOT EXISTS pauses (relay TEXT PRIMARY KEY, why TEXT NOT NULL, since TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS shared (id TEXT NOT NULL, version INTEGER NOT NULL) STRICT;
";

const COLUMNS: &str = "SELECT id, name, project, scopes, from_domains, created_at, revoked_at,
    sha256, scram_salt, scram_iterations, scram_stored_key, scram_server_key FROM keys";

pub(super) fn open(path: &Path) -> Result<Connection, StateError> {
    let failed = |cause| StateError::File { path: path.display().to_string(), cause };
    // Made here and not by SQLite, which would give it the umask's mode; its other files follow it.
    let file = OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(failed)?;
    file.set_permissions(Permissions::from_mode(0o600)).map_err(failed)?;
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags)?;
    prepare(&mut connection)?;
    Ok(connection)
}

/// Checks the format before anything is changed, then makes the tables if there are none.
pub(super) fn prepare(connection: &mut Connection) -> Result<(), StateError> {
    connection.busy_timeout(PATIENCE)?;
    refuse_newer(connection)?;
    connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()))?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    if refuse_newer(&transaction)? == 0 {
        transaction.execute_batch(TABLES)?;
        let secret = key::random::<32>()?;
        transaction.execute("INSERT INTO secrets VALUES ('nobody', ?1)", params![secret])?;
        transaction.pragma_update(None, "user_version", FORMAT)?;
    }
    transaction.execute_batch(FURTHER)?;
    transaction.commit()?;
    Ok(())
}

fn refuse_newer(connection: &Connection) -> Result<i64, StateError> {
    let found = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    if found > FORMAT { Err(StateError::Newer { found, known: FORMAT }) } else { Ok(found) }
}

/// Another number than before: another connection has written.
pub(super) fn version_of_content(connection: &Connection) -> Result<i64, StateError> {
    let mut statement = connection.prepare_cached("PRAGMA data_version")?;
    Ok(statement.query_row([], |row| row.get(0))?)
}

pub(super) fn secret(connection: &Connection) -> Result<[u8; 32], StateError> {
    Ok(connection.query_row("SELECT value FROM secrets WHERE name = 'nobody'", [], |row| row.get(0))?)
}

pub(super) fn insert(connection: &Connection, entry: &Entry) -> Result<(), StateError> {
    let (key, scram) = (&entry.key, &entry.scram);
    let scopes: Vec<&str> = key.scopes.iter().map(|scope| scope.word()).collect();
    let done = connection.execute(
        "INSERT INTO keys VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
        params![
            key.id,
            key.name,
            key.project,
            scopes.join(","),
            key.from_domains.join(","),
            entry.digest,
            scram.salt,
            scram.iterations,
            scram.stored_key,
            scram.server_key,
            key.created_at.to_string(),
            key.revoked_at.map(|at| at.to_string())
        ],
    );
    match done {
        Ok(_) => Ok(()),
        // Ids and digests are random; only a name can be there already.
        Err(cause) if cause.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation) => {
            Err(StateError::NameTaken(key.name.clone()))
        }
        Err(cause) => Err(cause.into()),
    }
}

/// Every key with what checks it, oldest first.
pub(super) fn entries(connection: &Connection) -> Result<Vec<Entry>, StateError> {
    let mut statement = connection.prepare_cached(&format!("{COLUMNS} ORDER BY created_at, id"))?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let scram = ScramVerifier {
            salt: row.get("scram_salt")?,
            iterations: row.get("scram_iterations")?,
            stored_key: row.get("scram_stored_key")?,
            server_key: row.get("scram_server_key")?,
        };
        all.push(Entry { key: read_key(row)?, digest: row.get("sha256")?, scram });
    }
    Ok(all)
}

fn read_key(row: &Row<'_>) -> Result<KeyInfo, StateError> {
    let (scopes, domains): (String, String) = (row.get("scopes")?, row.get("from_domains")?);
    let (created_at, revoked_at): (String, Option<String>) = (row.get("created_at")?, row.get("revoked_at")?);
    let damaged = |what: &str| StateError::Damaged(format!("{what} in the table of keys"));
    let time = |text: String| text.parse::<Timestamp>().map_err(|_| damaged("no time"));
    let scope = |word| KeyScope::parse(word).ok_or_else(|| damaged("an unknown scope"));
    Ok(KeyInfo {
        id: row.get("id")?,
        name: row.get("name")?,
        project: row.get("project")?,
        scopes: scopes.split(',').map(scope).collect::<Result<_, _>>()?,
        from_domains: domains.split(',').filter(|d| !d.is_empty()).map(str::to_owned).collect(),
        created_at: time(created_at)?,
        revoked_at: revoked_at.map(time).transpose()?,
    })
}
