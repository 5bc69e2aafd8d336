//! History for people: done jobs, one SQLite file per day on which they were done.
//!
//! ```text
//! DATA_DIR/history/2026-11-26.db
//! ```
//!
//! - A row is written once, in final state, in large late batches by a thread of its own (`filer`);
//!   nothing on the way of a mail waits for it.
//! - The log is the truth of a job until its row is committed and synced; from then on the row is.
//!   What the log still holds is compared with the files at start, so that a deleted file comes back
//!   as far as the log reaches (ADR 13).
//! - Retention unlinks files, whole days at once.
//! - Readers open a file for one answer and close it: what is deleted under us is simply not there.

mod day;
mod filer;
mod write;

pub(crate) use filer::{Filer, Filing, Order, is_past};

use crate::record::{FiledRecord, Head, Progress};
use crate::{Filter, JobId, Status};
use day::Known;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The files of the days, and what is known of them. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct History {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    folder: PathBuf,
    days: Mutex<BTreeMap<Date, Known>>,
}

/// The day a moment belongs to (UTC).
fn day_of(at: Timestamp) -> Date {
    Offset::UTC.to_datetime(at).date()
}

impl History {
    /// Looks at what is there. Damaged files are set aside.
    pub(crate) fn open(data: &Path) -> io::Result<Self> {
        let folder = data.join("history");
        crate::disk::private_folder(&folder)?;
        // What is filed leaves the log, so the folder's own entry must not be lost.
        fs::File::open(data)?.sync_all()?;
        let history = Self { inner: Arc::new(Inner { folder, days: Mutex::default() }) };
        for entry in fs::read_dir(&history.inner.folder)? {
            let name = entry?.file_name();
            let date = name.to_str().and_then(|n| n.strip_suffix(".db")).and_then(|n| n.parse::<Date>().ok());
            let Some(date) = date else { continue };
            match day::open(&history.path(date), false).and_then(|c| day::known(&c)) {
                Ok(known) => drop(history.days().insert(date, known)),
                Err(error) => history.set_aside(date, &error),
            }
        }
        Ok(history)
    }

    fn days(&self) -> MutexGuard<'_, BTreeMap<Date, Known>> {
        self.inner.days.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, date: Date) -> PathBuf {
        self.inner.folder.join(format!("{date}.db"))
    }

    /// A file that SQLite will not read goes to quarantine; what the log has of it is filed anew.
    fn set_aside(&self, date: Date, error: &rusqlite::Error) {
        use rusqlite::ErrorCode::{DatabaseCorrupt, NotADatabase};
        self.days().remove(&date);
        if !matches!(error.sqlite_error_code(), Some(DatabaseCorrupt | NotADatabase)) {
            tracing::warn!(%date, %error, "a day of history cannot be read now");
            return;
        }
        let folder = &self.inner.folder;
        let to = folder.parent().unwrap_or(folder).join("quarantine");
        let moved = crate::disk::private_folder(&to)
            .and_then(|()| fs::rename(self.path(date), to.join(format!("history-{date}.db"))));
        tracing::error!(%date, %error, ?moved, "a day of history is damaged; it was set aside");
    }

    /// Whether this very file of the day is there, with all of these rows.
    pub(crate) fn has(&self, filed: &FiledRecord) -> bool {
        self.days().get(&filed.day).is_some_and(|known| known.mark == filed.mark && known.rows >= filed.rows)
    }

    /// Counts jobs that left the table for this day's file.
    pub(crate) fn count(&self, date: Date, statuses: impl IntoIterator<Item = Status>) {
        let mut days = self.days();
        let Some(known) = days.get_mut(&date) else { return };
        for status in statuses {
            known.count(status, 1);
        }
    }

    /// Done jobs in the files, by status in `Status::ALL`'s order.
    pub(crate) fn counts(&self) -> [u64; Status::ALL.len()] {
        let mut all = [0; Status::ALL.len()];
        for known in self.days().values() {
            for (sum, n) in all.iter_mut().zip(known.counts) {
                *sum += n;
            }
        }
        all
    }

    /// One job. Blocks for some reads of files.
    pub(crate) fn find(&self, id: JobId) -> Option<(Head, Progress)> {
        let may_hold = |known: &Known| known.ids.is_some_and(|(oldest, newest)| oldest <= id && id <= newest);
        let days: Vec<Date> =
            self.days().iter().rev().filter(|(_, k)| may_hold(k)).map(|(date, _)| *date).collect();
        days.into_iter().find_map(|date| self.read(date, |c| day::find(c, id)).flatten())
    }

    /// The newest that match, newest first, at most `most`. Blocks for as long as the search takes.
    pub(crate) fn list(&self, filter: &Filter, most: usize) -> Vec<(Head, Progress)> {
        let mut days: Vec<(JobId, Date)> =
            self.days().iter().filter_map(|(date, k)| Some((k.ids?.1, *date))).collect();
        days.sort_unstable();
        let mut found: Vec<(Head, Progress)> = Vec::new();
        // A day's youngest job decides whether the day can still add to the page.
        while let Some((newest, date)) = days.pop() {
            let full = found.len() >= most;
            if full && found.get(most - 1).is_some_and(|(head, _)| head.id > newest)
                || filter.before.is_some_and(|before| newest <= before)
            {
                break;
            }
            found.extend(self.read(date, |c| day::list(c, filter, most)).unwrap_or_default());
            found.sort_by_key(|(head, _)| std::cmp::Reverse(head.id));
            found.truncate(most);
        }
        found
    }

    /// `None`: the file is gone, or cannot be read; the latter is told.
    fn read<T>(
        &self,
        date: Date,
        ask: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T>,
    ) -> Option<T> {
        let path = self.path(date);
        if !path.exists() {
            return None;
        }
        match day::open(&path, false).and_then(|c| ask(&c)) {
            Ok(answer) => Some(answer),
            Err(error) => {
                tracing::warn!(%date, %error, "a day of history cannot be read now");
                None
            }
        }
    }
}
