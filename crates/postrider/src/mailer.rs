//! The way in: everything that is accepted passes here.

use crate::{Access, Budget, Caller, MailerSettings, Message, RawSubmission, SubmitError};
use queue::{AnyStore, Clock, JobId, JobView};
use std::sync::Arc;
use std::time::Duration;

/// Submits mail. Cheap to clone.
#[derive(Clone)]
pub struct Mailer {
    inner: Arc<Inner>,
}

struct Inner {
    store: AnyStore,
    settings: MailerSettings,
    clock: Arc<dyn Clock>,
    budget: Budget,
    access: Access,
}

/// What was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub id: JobId,
    /// An earlier submission with the same idempotency key; nothing new was stored.
    pub repeated: bool,
    /// Whether it survives a crash.
    pub durable: bool,
}

impl Mailer {
    pub fn new(store: AnyStore, access: Access, settings: MailerSettings, clock: Arc<dyn Clock>) -> Self {
        let budget = Budget::new(settings.limits.memory);
        Self { inner: Arc::new(Inner { store, settings, clock, budget, access }) }
    }

    /// Composes and stores one message; returns once it is durable.
    pub async fn submit(&self, caller: &Caller, message: Message) -> Result<Receipt, SubmitError> {
        let _ = (caller, message);
        Err(SubmitError::Busy("not yet".into()))
    }

    /// Composes and stores all messages or none. A mistake's field starts with `[n].`.
    pub async fn submit_batch(
        &self,
        caller: &Caller,
        messages: Vec<Message>,
    ) -> Result<Vec<Receipt>, SubmitError> {
        let _ = (caller, messages);
        Err(SubmitError::Busy("not yet".into()))
    }

    /// Stores a finished message; returns once it is durable.
    pub async fn submit_raw(&self, caller: &Caller, raw: RawSubmission) -> Result<Receipt, SubmitError> {
        let _ = (caller, raw);
        Err(SubmitError::Busy("not yet".into()))
    }

    /// Waits until the job is final or the time is up, and returns it as it then is; `None`: no such job.
    pub async fn wait(&self, id: JobId, at_most: Duration) -> Result<Option<JobView>, queue::StoreError> {
        let _ = (id, at_most);
        Ok(None)
    }

    pub fn store(&self) -> &AnyStore {
        &self.inner.store
    }
    pub fn settings(&self) -> &MailerSettings {
        &self.inner.settings
    }
    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }
    pub fn budget(&self) -> &Budget {
        &self.inner.budget
    }
    pub fn access(&self) -> &Access {
        &self.inner.access
    }
}
