//! What an operator does with the whole: pause, resume, drain.

use crate::Mailer;
use queue::Store;
use queue::state::{Pause, StateDb, StateError};
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Mailer {
    /// Gives a relay, or `None`, all of them, no mail until it is resumed, also after a restart; mail under
    /// way is finished. `false`: there is no relay of this name.
    ///
    /// # Errors
    /// It could not be kept; nothing is paused.
    pub async fn pause(&self, relay: Option<&str>, why: &str) -> Result<bool, StateError> {
        if !self.has(relay) {
            return Ok(false);
        }
        let (pause, now) = (Pause { relay: relay.map(Into::into), why: why.into() }, self.clock().now());
        self.keep(move |state| state.pause(&pause, now)).await?;
        match relay {
            Some(relay) => Ok(self.relays().pause(relay, why)),
            None => {
                self.relays().pause_all(Some(why));
                Ok(true)
            }
        }
    }

    /// Ends a pause; a relay is trusted anew, whatever its trouble was. `None`: the pause of all, and the
    /// drain; relays paused by name stay so. `false`: there is no relay of this name.
    ///
    /// # Errors
    /// It could not be kept; nothing is resumed.
    pub async fn resume(&self, relay: Option<&str>) -> Result<bool, StateError> {
        if !self.has(relay) {
            return Ok(false);
        }
        let named = relay.map(ToOwned::to_owned);
        self.keep(move |state| state.resume(named.as_deref())).await?;
        match relay {
            Some(relay) => Ok(self.relays().resume(relay)),
            None => {
                self.relays().pause_all(None);
                self.draining().store(false, Ordering::Release);
                Ok(true)
            }
        }
    }

    /// Takes no mail until resumed or started anew, and goes on delivering.
    pub fn drain(&self) {
        self.draining().store(true, Ordering::Release);
    }

    /// Why no mail is taken now, if so.
    pub fn refusing(&self) -> Option<String> {
        let drained = self.draining().load(Ordering::Acquire);
        drained.then(|| DRAINING.to_owned()).or_else(|| self.store().refusing())
    }

    fn has(&self, relay: Option<&str>) -> bool {
        relay.is_none_or(|relay| self.relays().status().iter().any(|known| *known.name == *relay))
    }

    /// Off the runtime's threads: it waits for a disk.
    async fn keep<T: Send + 'static>(
        &self,
        write: impl FnOnce(&StateDb) -> Result<T, StateError> + Send + 'static,
    ) -> Result<T, StateError> {
        let state: Arc<StateDb> = self.access().state().clone();
        let written = tokio::task::spawn_blocking(move || write(&state)).await;
        written.unwrap_or_else(|cause| Err(StateError::Damaged(cause.to_string())))
    }
}

pub(crate) const DRAINING: &str = "the queue is drained: no mail is taken until `postrider queue resume`";
