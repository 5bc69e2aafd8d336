//! What a way out is running at the moment, for the operator.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// A program at work on a mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Running {
    /// The system's number of the process; its group has the same.
    pub pid: u32,
    /// Recipients of its mail.
    pub recipients: usize,
    /// How long ago it was started.
    pub age: Duration,
}

/// The programs that run, by pid.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table(Arc<Mutex<BTreeMap<u32, (usize, Instant)>>>);

/// A program's place in the table; free again when dropped.
#[derive(Debug)]
pub(crate) struct Entry {
    table: Table,
    pid: u32,
}

impl Table {
    pub(crate) fn enter(&self, pid: u32, recipients: usize) -> Entry {
        self.rows().insert(pid, (recipients, Instant::now()));
        Entry { table: self.clone(), pid }
    }

    /// In the order of their pids.
    pub(crate) fn all(&self) -> Vec<Running> {
        let rows = self.rows();
        rows.iter()
            .map(|(pid, (to, since))| Running { pid: *pid, recipients: *to, age: since.elapsed() })
            .collect()
    }

    fn rows(&self) -> MutexGuard<'_, BTreeMap<u32, (usize, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.table.rows().remove(&self.pid);
    }
}
