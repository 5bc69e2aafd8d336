//! One day's file: what stands in it and what is said to it.

use crate::matching::Brief;
use crate::record::{Head, Progress, Record};
use crate::{Filter, JobId, Status};
use rusqlite::{Connection, OpenFlags, OptionalExtension, Row, params};
use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

/// `PRAGMA user_version` of what we write.
const FORMAT: i64 = 1;
/// How long a reader or writer waits for the other.
const PATIENCE: Duration = Duration::from_secs(20);

// `mail` is narrow, so that a search reads little; `record` only grows at its end.
const TABLES: &str = "
CREATE TABLE mail (
    id BLOB PRIMARY KEY,
    status INTEGER NOT NULL,
    project TEXT NOT NULL,
    subject TEXT NOT NULL,
    recipients TEXT NOT NULL,
    people TEXT NOT NULL,
    message_id TEXT NOT NULL,
    external_id TEXT,
    remote_ids TEXT NOT NULL,
    tags TEXT NOT NULL,
    n INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE mark (mark INTEGER NOT NULL) STRICT;
CREATE TABLE record (n INTEGER PRIMARY KEY, head BLOB NOT NULL) STRICT;
";

/// Kind of the records in `record`: a snapshot's head.
const SNAPSHOT: u8 = 5;

/// A row to be written.
pub(super) struct Line {
    pub(super) brief: Brief,
    pub(super) head: Vec<u8>,
}

/// What is known of a file without opening it.
#[derive(Debug, Clone, Default)]
pub(super) struct Known {
    /// Oldest and newest id.
    pub(super) ids: Option<(JobId, JobId)>,
    pub(super) counts: [u64; Status::ALL.len()],
    /// Tells this file from an earlier one of the same day.
    pub(super) mark: u64,
    /// The number of the last row.
    pub(super) rows: i64,
}

impl Known {
    pub(super) fn reaches(&mut self, id: JobId) {
        self.ids = Some(self.ids.map_or((id, id), |(oldest, newest)| (oldest.min(id), newest.max(id))));
    }

    pub(super) fn count(&mut self, of: Status, by: i64) {
        let place = usize::try_from(code(of)).unwrap_or(usize::MAX);
        if let Some(slot) = self.counts.get_mut(place) {
            *slot = slot.saturating_add_signed(by);
        }
    }
}

impl Line {
    /// A row for a job that is done.
    pub(super) fn of(head: Head, progress: Progress) -> Result<Self, String> {
        let brief = Brief::of(&head, &progress);
        let head = Head { beside: None, ..head };
        let record = Record::Snapshot(Box::new(head), Box::new(progress));
        let stored = record.store(Default::default(), Default::default()).map_err(|e| e.to_string())?;
        Ok(Self { brief, head: stored.head })
    }
}

/// Opens a day's file; `make`: also when it is not there.
pub(super) fn open(path: &Path, make: bool) -> rusqlite::Result<Connection> {
    if make {
        // Made here and not by SQLite, which would give it the umask's mode; its journal follows it.
        let made = OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        made.map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags)?;
    connection.busy_timeout(PATIENCE)?;
    Ok(connection)
}

/// Makes the tables if there are none; a file of a later version is refused.
pub(super) fn prepare(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "synchronous", "FULL")?;
    // Readers hold the file for as long as one answer takes.
    connection.pragma_update(None, "cache_size", -16_000)?;
    let version: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    match version {
        0 => {
            let transaction = connection.transaction()?;
            transaction.execute_batch(TABLES)?;
            transaction.execute("INSERT INTO mark VALUES (?1)", [random()?])?;
            transaction.pragma_update(None, "user_version", FORMAT)?;
            transaction.commit()
        }
        FORMAT => Ok(()),
        newer => Err(rusqlite::Error::IntegralValueOutOfRange(0, newer)),
    }
}

/// Writes rows in one transaction, those that stand there already aside; returns the ids that are new.
pub(super) fn write(connection: &mut Connection, lines: &[Line]) -> rusqlite::Result<Vec<usize>> {
    let transaction = connection.transaction()?;
    let mut new = Vec::with_capacity(lines.len());
    {
        let mut n = rows(&transaction)?;
        let mut mail = transaction
            .prepare("INSERT OR IGNORE INTO mail VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?;
        let mut record = transaction.prepare("INSERT INTO record VALUES (?1, ?2)")?;
        for (place, row) in lines.iter().enumerate() {
            let b = &row.brief;
            let inserted = mail.execute(params![
                b.id.0.as_bytes(),
                code(b.status),
                b.project,
                b.subject,
                b.to,
                b.people,
                b.message_id,
                b.external_id,
                b.remote_ids,
                b.tags,
                n + 1
            ])?;
            if inserted == 1 {
                n += 1;
                record.execute(params![n, row.head])?;
                new.push(place);
            }
        }
    }
    transaction.commit()?;
    Ok(new)
}

/// Takes one out; says what it was.
pub(super) fn remove(connection: &mut Connection, id: JobId) -> rusqlite::Result<Option<Status>> {
    let transaction = connection.transaction()?;
    let found: Option<(i64, i64)> = transaction
        .query_row("SELECT n, status FROM mail WHERE id = ?1", [id.0.as_bytes()], |r| {
            Ok((r.get(0)?, r.get(1)?))
        })
        .optional()?;
    if let Some((n, _)) = found {
        transaction.execute("DELETE FROM record WHERE n = ?1", [n])?;
        transaction.execute("DELETE FROM mail WHERE id = ?1", [id.0.as_bytes()])?;
    }
    transaction.commit()?;
    Ok(found.map(|(_, code)| status(code)))
}

pub(super) fn find(connection: &Connection, id: JobId) -> rusqlite::Result<Option<(Head, Progress)>> {
    let mut statement =
        connection.prepare("SELECT head FROM record WHERE n = (SELECT n FROM mail WHERE id = ?1)")?;
    let head: Option<Vec<u8>> = statement.query_row([id.0.as_bytes()], |row| row.get(0)).optional()?;
    Ok(head.and_then(|head| job(&head)))
}

/// The newest that match, at most `most`, between the filter's `after` and `before`.
pub(super) fn list(
    connection: &Connection,
    filter: &Filter,
    most: usize,
) -> rusqlite::Result<Vec<(Head, Progress)>> {
    let mut mails = connection.prepare(
        "SELECT id, status, project, subject, recipients, people, message_id, external_id, remote_ids, tags, n
         FROM mail WHERE id < ?1 AND id > ?2 AND (?3 IS NULL OR status = ?3) AND (?4 IS NULL OR project = ?4)
         ORDER BY id DESC",
    )?;
    let mut records = connection.prepare("SELECT head FROM record WHERE n = ?1")?;
    let after = filter.after.map_or([0xFF; 17].to_vec(), |id| id.0.as_bytes().to_vec());
    let before = filter.before.map_or(Vec::new(), |id| id.0.as_bytes().to_vec());
    let mut rows = mails.query(params![after, before, filter.status.map(code), filter.project.as_deref()])?;
    let mut out = Vec::new();
    while out.len() < most
        && let Some(row) = rows.next()?
    {
        if brief(row)?.matches(filter) {
            let head: Vec<u8> = records.query_row([row.get::<_, i64>(10)?], |row| row.get(0))?;
            out.extend(job(&head));
        }
    }
    Ok(out)
}

pub(super) fn known(connection: &Connection) -> rusqlite::Result<Known> {
    let mut known = Known::default();
    let end = |order: &str| {
        let sql = format!("SELECT id FROM mail ORDER BY id {order} LIMIT 1");
        connection.query_row(&sql, [], |row| row.get(0).map(id)).optional()
    };
    known.ids = end("ASC")?.zip(end("DESC")?);
    known.mark = mark(connection)?;
    known.rows = rows(connection)?;
    let mut statement = connection.prepare("SELECT status, count(*) FROM mail GROUP BY status")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let place = usize::try_from(row.get::<_, i64>(0)?).unwrap_or(usize::MAX);
        if let Some(slot) = known.counts.get_mut(place) {
            *slot = u64::try_from(row.get::<_, i64>(1)?).unwrap_or_default();
        }
    }
    Ok(known)
}

pub(super) fn mark(connection: &Connection) -> rusqlite::Result<u64> {
    connection.query_row("SELECT mark FROM mark", [], |row| row.get::<_, i64>(0)).map(i64::cast_unsigned)
}

pub(super) fn rows(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("SELECT coalesce(max(n), 0) FROM record", [], |row| row.get(0))
}

fn random() -> rusqlite::Result<i64> {
    let mut bytes = [0; 8];
    let filled = aws_lc_rs::rand::fill(&mut bytes);
    filled.map_err(|_| rusqlite::Error::ToSqlConversionFailure("no random numbers".into()))?;
    Ok(i64::from_le_bytes(bytes))
}

fn brief(row: &Row<'_>) -> rusqlite::Result<Brief> {
    Ok(Brief {
        id: id(row.get(0)?),
        status: status(row.get(1)?),
        project: row.get(2)?,
        subject: row.get(3)?,
        to: row.get(4)?,
        people: row.get(5)?,
        message_id: row.get(6)?,
        external_id: row.get(7)?,
        remote_ids: row.get(8)?,
        tags: row.get(9)?,
    })
}

fn job(head: &[u8]) -> Option<(Head, Progress)> {
    match Record::read(SNAPSHOT, head) {
        Ok(Record::Snapshot(head, progress)) => Some((*head, *progress)),
        Ok(_) => None,
        Err(error) => {
            tracing::warn!(%error, "a row of history cannot be read");
            None
        }
    }
}

fn id(bytes: [u8; 16]) -> JobId {
    JobId(uuid::Uuid::from_bytes(bytes))
}

fn code(status: Status) -> i64 {
    Status::ALL.iter().position(|s| *s == status).and_then(|n| i64::try_from(n).ok()).unwrap_or_default()
}

fn status(code: i64) -> Status {
    usize::try_from(code).ok().and_then(|n| Status::ALL.get(n)).copied().unwrap_or(Status::Failed)
}
