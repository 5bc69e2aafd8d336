//! Waiting for what becomes of mail.

use crate::Mailer;
use queue::{Change, Inserted, JobId, JobView, Status, Store, StoreError};
use std::time::Duration;
use tokio::sync::broadcast::Receiver;
use tokio::sync::broadcast::error::RecvError;

impl Mailer {
    /// Waits until the job is final or the time is up, and returns it as it then is; `None`: no such job.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn wait(&self, id: JobId, at_most: Duration) -> Result<Option<JobView>, StoreError> {
        match tokio::time::timeout(at_most, self.settled(id)).await {
            Ok(outcome) => outcome,
            // The time is up: what stands now is the answer.
            Err(_) => self.store().get(id).await,
        }
    }

    /// Waits until the job is final, however long that takes.
    pub(crate) async fn settled(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        let mut changes = self.store().changes();
        loop {
            let view = self.store().get(id).await?;
            if view.as_ref().is_none_or(|v| v.status.is_final()) {
                return Ok(view);
            }
            until(&mut changes, |change| change.id == id && change.status.is_final()).await?;
        }
    }

    /// Waits until no mail is due or under way, at most so long; whether that came to be. Mail that waits
    /// for its next try or its time is not waited for.
    ///
    /// # Errors
    /// The store could not be read.
    pub async fn idle(&self, at_most: Duration) -> Result<bool, StoreError> {
        let mut changes = self.store().changes();
        let idle = async {
            loop {
                let busy = [Status::Queued, Status::Sending].map(Status::word);
                let counts = self.store().stats().await?.by_status;
                if counts.iter().all(|(word, count)| *count == 0 || !busy.contains(word)) {
                    return Ok(());
                }
                until(&mut changes, |_| true).await?;
            }
        };
        match tokio::time::timeout(at_most, idle).await {
            Ok(Ok(())) => Ok(true),
            Ok(Err(error)) => Err(error),
            Err(_) => Ok(false),
        }
    }

    /// Waits until each of these mails was tried or none is about to be: it waits for its time or an operator, or
    /// no relay is given mail now. At most so long. The mail was accepted, so nothing that happens here is an error.
    pub(crate) async fn first_try(&self, mails: &[Inserted], at_most: Duration) {
        if at_most.is_zero() {
            return;
        }
        let mut changes = self.store().changes();
        let tried = async {
            for mail in mails {
                self.tried(mail.id(), &mut changes).await?;
            }
            Ok::<_, StoreError>(())
        };
        if let Ok(Err(error)) = tokio::time::timeout(at_most, tried).await {
            tracing::warn!(%error, "a mail was accepted, and its first try could not be waited for");
        }
    }

    async fn tried(&self, id: JobId, changes: &mut Receiver<Change>) -> Result<(), StoreError> {
        loop {
            let Some(view) = self.store().get(id).await? else { return Ok(()) };
            let about_to_be = match view.status {
                Status::Queued => view.attempts.is_empty() && self.is_a_relay_open(),
                Status::Sending => view.attempts.is_empty(),
                _ => false,
            };
            if !about_to_be {
                return Ok(());
            }
            // Another's mail that goes back may be the news that its relay is gone.
            let goes_back = |status| matches!(status, Status::Queued | Status::Deferred);
            until(changes, |change| change.id == id || goes_back(change.status)).await?;
        }
    }

    /// Whether any relay is given mail at the moment.
    fn is_a_relay_open(&self) -> bool {
        let now = |wait: Option<Duration>| wait.is_none_or(|wait| wait.is_zero());
        self.relays().status().iter().any(|relay| relay.paused.is_none() && now(relay.again_in))
    }
}

/// Completes at a change that counts, or when some were missed, so that one looks for oneself.
async fn until(changes: &mut Receiver<Change>, counts: impl Fn(&Change) -> bool) -> Result<(), StoreError> {
    loop {
        match changes.recv().await {
            Ok(change) if counts(&change) => return Ok(()),
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return Ok(()),
            Err(RecvError::Closed) => return Err(StoreError::Closed),
        }
    }
}
