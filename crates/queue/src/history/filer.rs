//! The thread that writes history. It gets jobs by reference and reads them itself, so that the
//! queue's thread spends next to nothing on history.

use super::day::Line;
use super::{History, day_of};
use crate::record::FiledRecord;
use crate::standing::{Standing, Unreadable};
use crate::{JobId, Status, StoreError};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// What the thread is told.
pub(crate) enum Order {
    /// Jobs that are done; kept until `Write`.
    Take(Vec<Standing>),
    /// Writes what was taken and tells which jobs are safe in the files.
    Write,
    /// Unlinks days that ended before this moment.
    Retain(Timestamp),
    /// Takes a job out, also one that was taken and not yet written; answers what it was.
    Remove(JobId, Option<oneshot::Sender<Result<Option<Status>, StoreError>>>),
}

/// The thread's niceness.
const BESIDES: i32 = 10;

/// Jobs that did not stand in the file before, with what became of them.
pub(crate) type New = Vec<(JobId, Status)>;

/// What became of jobs that were to be written.
#[derive(Debug)]
pub(crate) enum Filing {
    /// They stand in this day's file, synced; with those that did not before.
    Done(FiledRecord, New),
    /// They can be read no more, here or anywhere.
    Damaged(Vec<JobId>),
    /// Not now.
    Failed(Vec<JobId>),
}

/// The way to the thread, which ends when this is dropped.
#[derive(Debug)]
pub(crate) struct Filer {
    orders: Sender<Order>,
    thread: JoinHandle<()>,
}

impl Filer {
    /// Starts the thread; `done` is told of each batch.
    pub(crate) fn start(history: History, done: impl Fn(Filing) + Send + 'static) -> std::io::Result<Self> {
        let (orders, taken) = channel();
        let works = Works { history, waiting: Vec::new(), removed: BTreeSet::new() };
        let thread = std::thread::Builder::new().name("history".into());
        Ok(Self { orders, thread: thread.spawn(move || works.run(&taken, done))? })
    }

    /// Ends the thread, once it has done what it was told.
    pub(crate) fn end(self) {
        drop(self.orders);
        drop(self.thread.join());
    }

    pub(crate) fn order(&self, order: Order) {
        // A thread that ended files nothing more; the log has it all.
        drop(self.orders.send(order));
    }
}

struct Works {
    history: History,
    waiting: Vec<Standing>,
    removed: BTreeSet<JobId>,
}

impl Works {
    fn run(mut self, orders: &Receiver<Order>, done: impl Fn(Filing)) {
        // For this thread alone: where there is too little to go round, mail comes before its history.
        if let Err(error) = rustix::process::setpriority_process(None, BESIDES) {
            tracing::debug!(%error, "history is written with no less priority than mail");
        }
        while let Ok(order) = orders.recv() {
            match order {
                Order::Take(jobs) => self.waiting.extend(jobs),
                Order::Write => self.write().into_iter().for_each(&done),
                Order::Retain(since) => self.history.retain(since),
                Order::Remove(id, answer) => {
                    // Without an answer it was purged on its way here: nobody counted it.
                    let was = self.remove(id, answer.is_some());
                    if let Some(answer) = answer {
                        drop(answer.send(Ok(was)));
                    }
                }
            }
        }
    }

    fn write(&mut self) -> Vec<Filing> {
        let (mut out, mut damaged, mut not) = (Vec::new(), Vec::new(), Vec::new());
        let mut days: BTreeMap<Date, Vec<Line>> = BTreeMap::new();
        for job in std::mem::take(&mut self.waiting) {
            if self.removed.remove(&job.id) {
                continue;
            }
            let at = job.entry.settled_at().unwrap_or(job.entry.created_at());
            let read = job.read_or_bare().and_then(|(h, p)| Line::of(h, p).map_err(Unreadable::Ever));
            match read {
                Ok(line) => days.entry(day_of(at)).or_default().push(line),
                Err(Unreadable::Now(why)) => {
                    tracing::error!(id = %job.id, "a job cannot be put into history now: {why}");
                    not.push(job.id);
                }
                Err(Unreadable::Ever(why)) => {
                    tracing::error!(id = %job.id, "a job is damaged and cannot be put into history: {why}");
                    damaged.push(job.id);
                }
            }
        }
        self.removed.clear();
        for (date, mut lines) in days {
            lines.sort_by_key(|line| line.brief.id);
            let ids = lines.iter().map(|line| line.brief.id);
            match self.history.write_day(date, &lines) {
                Ok((mark, rows, new)) => {
                    let record = FiledRecord { day: date, mark, rows, ids: ids.collect() };
                    out.push(Filing::Done(record, new));
                }
                Err(error) => {
                    tracing::error!(%date, %error, "history cannot be written now");
                    not.extend(ids);
                    self.history.set_aside(date, &error);
                }
            }
        }
        if !damaged.is_empty() {
            out.push(Filing::Damaged(damaged));
        }
        if !not.is_empty() {
            out.push(Filing::Failed(not));
        }
        out
    }

    fn remove(&mut self, id: JobId, counted: bool) -> Option<Status> {
        if let Some(job) = self.waiting.iter().find(|job| job.id == id) {
            self.removed.insert(id);
            return Some(job.entry.status);
        }
        self.history.remove(id, counted)
    }
}

/// Whether a job done at this moment is past its time already, its day and all.
pub(crate) fn is_past(settled_at: Timestamp, since: Timestamp) -> bool {
    settled_at.checked_add(SignedDuration::from_hours(24)).unwrap_or(Timestamp::MAX) <= since
}
