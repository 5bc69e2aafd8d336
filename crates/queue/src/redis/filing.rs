//! History of what this node settled, in its own files: Redis remembers only the last jobs. Written late and together
//! by a task of its own, from what Redis says of a job then; nothing on the way of a mail waits for it.

use super::wire::named;
use super::{PATIENCE, Shared, reply, script};
use crate::error::StoreError;
use crate::history::History;
use crate::job::JobId;
use crate::listing::blocking;
use crate::record::{Head, Progress};
use crate::settings::StoreSettings;
use crate::view::Filter;
use jiff::{SignedDuration, Timestamp};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::Notify;

/// A done job is in a file after this long, or when so many wait.
const WRITTEN_AFTER: Duration = Duration::from_secs(30);
const WRITTEN_TOGETHER: usize = 2048;
/// Jobs read by one script.
const READ_TOGETHER: usize = 256;
/// Jobs that wait to be written; more are not remembered.
const WAITING: usize = 200_000;

/// The files, and what is to go there.
pub(super) struct Filing {
    history: History,
    /// Jobs that were done here.
    waiting: Mutex<Vec<JobId>>,
    full: Arc<Notify>,
    /// One writes at a time; up to where what was taken out elsewhere was taken out here.
    writing: tokio::sync::Mutex<Option<u64>>,
}

impl Filing {
    pub(super) fn new(history: History) -> Self {
        Self {
            history,
            waiting: Mutex::default(),
            full: Arc::default(),
            writing: tokio::sync::Mutex::new(None),
        }
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<JobId>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Told when enough waits to be written.
    pub(super) fn full(&self) -> Arc<Notify> {
        self.full.clone()
    }

    pub(super) fn done(&self, id: JobId) {
        let mut waiting = self.waiting();
        if waiting.len() < WAITING {
            waiting.push(id);
        }
        if waiting.len() == WRITTEN_TOGETHER {
            self.full.notify_one();
        }
    }

    /// A job of the files.
    pub(super) async fn find(&self, id: JobId) -> Result<Option<(Head, Progress)>, StoreError> {
        let history = self.history.clone();
        blocking(move || history.find(id)).await
    }

    pub(super) async fn list(
        &self,
        filter: Filter,
        most: usize,
    ) -> Result<Vec<(Head, Progress)>, StoreError> {
        let history = self.history.clone();
        blocking(move || history.list(&filter, most)).await
    }

    async fn remove(&self, ids: Vec<JobId>) -> Result<(), StoreError> {
        let history = self.history.clone();
        blocking(move || {
            for id in ids {
                history.remove(id, true);
            }
        })
        .await
    }
}

impl Shared {
    /// A job is to be in no node's history: it was purged, or is tried once more.
    pub(super) async fn unfile(&self, id: JobId) -> Result<(), StoreError> {
        let mut cmd = self.wire.call(&script::UNFILE);
        cmd.arg(named(id));
        self.wire.run(&script::UNFILE, &cmd, PATIENCE).await?;
        match &self.wire.ears.filing {
            Some(filing) => filing.remove(vec![id]).await,
            None => Ok(()),
        }
    }

    /// Takes out what was purged or is tried once more, then writes what was done. In this order: a job that became
    /// something else behind our look is taken out with the next round.
    pub(super) async fn file(&self) -> Result<(), StoreError> {
        let Some(filing) = &self.wire.ears.filing else { return Ok(()) };
        let mut seen = filing.writing.lock().await;
        let (gone, upto) = self.unfiled(seen.unwrap_or_default()).await?;
        if seen.is_none() {
            // Before this start: those that are done again are written again.
            filing.waiting().extend(&gone);
        }
        filing.remove(gone).await?;
        *seen = Some(upto);
        self.write_all(filing).await;
        let since = past(self.wire.now(), &self.settings);
        let history = filing.history.clone();
        blocking(move || history.retain(since)).await
    }

    /// What waits is taken out when it is written, for who does this may be stopped.
    async fn write_all(&self, filing: &Filing) {
        let mut left = filing.waiting().len();
        while left > 0 {
            let some: Vec<JobId> = filing.waiting().iter().take(left.min(READ_TOGETHER)).copied().collect();
            left -= some.len();
            let ids: Vec<JobId> = some.iter().copied().collect::<HashSet<_>>().into_iter().collect();
            let written = self.write_down(filing, &ids).await;
            {
                let mut waiting = filing.waiting();
                waiting.drain(..some.len());
                if written.is_err() {
                    waiting.extend(some);
                }
            }
            if let Err(error) = written {
                tracing::warn!(%error, "history cannot be written now");
                if matches!(error, StoreError::Away(_)) {
                    return;
                }
            }
        }
    }

    async fn write_down(&self, filing: &Filing, ids: &[JobId]) -> Result<(), StoreError> {
        let known = self.known_of(ids).await?;
        if known.len() < ids.len() {
            tracing::debug!(
                jobs = ids.len() - known.len(),
                "jobs that Redis forgot before they were in history"
            );
        }
        let done = known.into_iter().filter(|job| job.unread.is_none() && job.progress.status.is_final());
        let done: Vec<_> = done.map(|job| (job.head, job.progress)).collect();
        let history = filing.history.clone();
        blocking(move || history.file(done)).await?
    }

    /// Ids behind this number, and the last number there is.
    async fn unfiled(&self, behind: u64) -> Result<(Vec<JobId>, u64), StoreError> {
        let mut cmd = redis::cmd("ZRANGEBYSCORE");
        cmd.arg(format!("{}unfiled", self.wire.prefix))
            .arg(format!("({behind}"))
            .arg("+inf")
            .arg("WITHSCORES");
        let answer = self.wire.plain(&cmd).await.map_err(|e| super::place::trouble(&self.wire.place, &e))?;
        let mut row = reply::Row::of(answer)?;
        let (mut ids, mut upto) = (Vec::new(), behind);
        while let Ok(id) = row.id() {
            ids.push(id);
            upto = upto.max(row.number()?);
        }
        Ok((ids, upto))
    }
}

fn past(now: Timestamp, settings: &StoreSettings) -> Timestamp {
    let keep = SignedDuration::try_from(settings.keep_history).unwrap_or(SignedDuration::MAX);
    now.checked_sub(keep).unwrap_or(Timestamp::MIN)
}

/// Until the store is gone.
pub(super) async fn keep(store: Weak<Shared>, full: Arc<Notify>) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(WRITTEN_AFTER) => {}
            () = full.notified() => {}
        }
        let Some(shared) = store.upgrade() else { return };
        if let Err(error) = shared.file().await {
            tracing::warn!(%error, "history cannot be written now");
        }
    }
}
