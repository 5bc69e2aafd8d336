//! What an application calls: the mailer without a caller's name, for the application is the caller.

use crate::{Caller, Mailer, MailerBuilder, Message, RawSubmission, SubmitError};
use ::message::{ComposeError, Composed, compose};
use queue::{Door, JobId, JobView};
use std::time::Duration;

impl Caller {
    /// The application that embeds us: everything, project `default`.
    pub fn library() -> Self {
        Self::local(Door::Library)
    }
}

impl Mailer {
    /// How an application opens its mailer.
    pub fn builder() -> MailerBuilder {
        MailerBuilder::new()
    }

    /// Composes and stores one message; returns its id once it is durable. From then on it is delivered or
    /// visible as failed, whatever dies in between.
    ///
    /// # Errors
    /// Nothing was stored. `Invalid` names each field that is wrong and what to do about it, `TooLarge` the
    /// limit; `Busy` passes.
    pub async fn submit(&self, message: Message) -> Result<JobId, SubmitError> {
        Ok(self.submit_as(&Caller::library(), message).await?.id)
    }

    /// Composes and stores all messages or none, at most [`Limits::batch`](crate::Limits::batch); the ids
    /// come in their order.
    ///
    /// # Errors
    /// As `submit`; a mistake's field starts with the message's place, `[n].`.
    pub async fn submit_batch(&self, messages: Vec<Message>) -> Result<Vec<JobId>, SubmitError> {
        let receipts = self.submit_batch_as(&Caller::library(), messages).await?;
        Ok(receipts.into_iter().map(|receipt| receipt.id).collect())
    }

    /// Stores a finished message.
    ///
    /// # Errors
    /// As `submit`.
    pub async fn submit_raw(&self, raw: RawSubmission) -> Result<JobId, SubmitError> {
        Ok(self.submit_raw_as(&Caller::library(), raw).await?.id)
    }

    /// Submits and waits until the message is delivered or given up, which takes days when the relay stays
    /// away: [`send_within`](Self::send_within) has a limit. The status of the view tells the outcome.
    ///
    /// # Errors
    /// As `submit`; once accepted, a store that fails while we wait is `Store`.
    pub async fn send(&self, message: Message) -> Result<JobView, SubmitError> {
        let id = self.submit(message).await?;
        found(id, self.settled(id).await)
    }

    /// As [`send`](Self::send), but waits for at most so long; the view tells how far the message came.
    ///
    /// # Errors
    /// As `send`.
    pub async fn send_within(&self, message: Message, at_most: Duration) -> Result<JobView, SubmitError> {
        let id = self.submit(message).await?;
        found(id, self.wait(id, at_most).await)
    }

    /// The bytes and the envelope that `submit` would store, for a look at them. Nothing is stored.
    ///
    /// # Errors
    /// All mistakes, each with its field.
    pub fn compose(&self, message: &Message) -> Result<Composed, ComposeError> {
        let now = self.clock().now();
        let draft = message.filled(&self.templates()).map_err(ComposeError)?;
        compose(&draft, &self.settings().profile, now, self.fresh_id(now).0.as_u128())
    }
}

fn found(id: JobId, view: Result<Option<JobView>, queue::StoreError>) -> Result<JobView, SubmitError> {
    let view = view.map_err(|error| SubmitError::Store(error.to_string()))?;
    view.ok_or_else(|| SubmitError::Store(format!("{id} was accepted and is gone")))
}
