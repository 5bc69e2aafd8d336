//! A queue that holds LENGTH messages: whoever comes waits a little for room, in turn, as in Gitea.

use queue::{AnyStore, Change, InsertError, Inserted, NewJob, Store};
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::sync::broadcast::{Receiver, error::RecvError};

/// After this long it is refused.
const PATIENCE: Duration = Duration::from_secs(5);

/// Those who wait; the first one looks whenever a job is settled.
#[derive(Debug, Default)]
pub(crate) struct Room(Mutex<()>);

impl Room {
    /// As the store's `insert`, but a queue that is full is given a few seconds to have room.
    pub(crate) async fn insert(
        &self,
        store: &AnyStore,
        jobs: Vec<NewJob>,
    ) -> Result<Vec<Inserted>, InsertError> {
        // A clone is cheap: the message's bytes are shared.
        let refused = match store.insert(jobs.clone()).await {
            Err(full @ InsertError::Crowded(_)) => full,
            other => return other,
        };
        tokio::time::timeout(PATIENCE, self.wait(store, jobs)).await.unwrap_or(Err(refused))
    }

    async fn wait(&self, store: &AnyStore, jobs: Vec<NewJob>) -> Result<Vec<Inserted>, InsertError> {
        let _turn = self.0.lock().await;
        let mut changes = store.changes();
        loop {
            match store.insert(jobs.clone()).await {
                Err(InsertError::Crowded(_)) => settled(&mut changes).await,
                other => return other,
            }
        }
    }
}

/// Waits until a job is settled. A store that is closed says so at the next insert.
async fn settled(changes: &mut Receiver<Change>) {
    loop {
        match changes.recv().await {
            Ok(change) if !change.status.is_final() => {}
            Ok(_) | Err(RecvError::Lagged(_) | RecvError::Closed) => return,
        }
    }
}
