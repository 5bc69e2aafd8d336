//! Writing the files of the days.

use super::day::{self, Line};
use super::filer::New;
use super::{History, day_of};
use crate::record::{Head, Progress};
use crate::{JobId, Status, StoreError};
use jiff::Timestamp;
use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use std::collections::BTreeMap;
use std::fs::{self, File};

impl History {
    /// Writes jobs that are done into the files of their days; those that stand there already stay. Blocks.
    ///
    /// # Errors
    /// A file cannot be written; some jobs may stand there.
    pub(crate) fn file(&self, jobs: Vec<(Head, Progress)>) -> Result<(), StoreError> {
        let mut days: BTreeMap<Date, Vec<Line>> = BTreeMap::new();
        for (head, progress) in jobs {
            let (id, at) = (head.id, progress.settled_at.unwrap_or(head.created_at));
            match Line::of(head, progress) {
                Ok(line) => days.entry(day_of(at)).or_default().push(line),
                Err(why) => tracing::error!(%id, "a job cannot be put into history: {why}"),
            }
        }
        for (date, mut lines) in days {
            lines.sort_by_key(|line| line.brief.id);
            let written = self.write_day(date, &lines);
            let (_, _, new) = written.map_err(|error| {
                self.set_aside(date, &error);
                StoreError::Io(format!("history of {date}: {error}"))
            })?;
            self.count(date, new.into_iter().map(|(_, status)| status));
        }
        Ok(())
    }

    /// Writes rows of one day; with its mark, its rows and what was new.
    pub(super) fn write_day(&self, date: Date, lines: &[Line]) -> rusqlite::Result<(u64, i64, New)> {
        let path = self.path(date);
        let fresh = !path.exists();
        // Opened anew each time: the file may have been deleted since, and nothing must go to a dead one.
        let mut connection = day::open(&path, true)?;
        day::prepare(&mut connection)?;
        let new = day::write(&mut connection, lines)?;
        if fresh {
            let synced = File::open(&self.inner.folder).and_then(|f| f.sync_all());
            synced.map_err(|e| rusqlite::Error::ToSqlConversionFailure(Box::new(e)))?;
        }
        let mut days = self.days();
        let known = days.entry(date).or_default();
        let mark = day::mark(&connection)?;
        if known.mark != mark {
            // Made just now, or put there by hand.
            *known = day::Known { mark, ..day::Known::default() };
        }
        let new: Vec<&Line> = new.into_iter().filter_map(|n| lines.get(n)).collect();
        for line in &new {
            known.reaches(line.brief.id);
        }
        known.rows = day::rows(&connection)?;
        Ok((mark, known.rows, new.into_iter().map(|line| (line.brief.id, line.brief.status)).collect()))
    }

    /// Takes a job out of the files; says what it was. `counted`: the job was counted when it was filed. Blocks.
    pub(crate) fn remove(&self, id: JobId, counted: bool) -> Option<Status> {
        let dates: Vec<Date> = self.days().keys().rev().copied().collect();
        for date in dates {
            let path = self.path(date);
            if !path.exists() {
                continue;
            }
            match day::open(&path, false).and_then(|mut c| day::remove(&mut c, id)) {
                Ok(Some(status)) => {
                    if let Some(known) = self.days().get_mut(&date).filter(|_| counted) {
                        known.count(status, -1);
                    }
                    return Some(status);
                }
                Ok(None) => {}
                Err(error) => tracing::warn!(%date, %error, "a day of history cannot be read now"),
            }
        }
        None
    }

    /// Unlinks days that ended before this moment. Blocks.
    pub(crate) fn retain(&self, since: Timestamp) {
        let ended = |date: &Date| {
            let next = date
                .tomorrow()
                .ok()
                .and_then(|d| Offset::UTC.to_timestamp(d.to_datetime(Time::midnight())).ok());
            next.is_some_and(|end| end <= since)
        };
        let old: Vec<Date> = self.days().keys().copied().filter(ended).collect();
        for date in old {
            self.days().remove(&date);
            match fs::remove_file(self.path(date)) {
                Ok(()) => tracing::info!(%date, "a day of history is past its time and was removed"),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => tracing::warn!(%date, %error, "a day of history cannot be removed"),
            }
        }
    }
}
