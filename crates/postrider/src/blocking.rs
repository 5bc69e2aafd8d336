//! The mailer for programs without async: each call returns when it is done.

use crate::{JobId, JobView, MailerBuilder, Message, OpenError, SubmitError};
use queue::StoreError;
use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;
use tokio::runtime::{Builder, Runtime};
use worker::Drained;

/// As [`crate::Mailer`], in a runtime of its own with two threads. Cheap to clone; may be called from any
/// thread, also from one of an async runtime, which it then holds up.
///
/// ```
/// use postrider::{DummySender, Message, Status, Timestamp, blocking::Mailer};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let mailer = Mailer::builder()
///     .memory()
///     .clock(Timestamp::now)
///     .sender(DummySender::new())
///     .from("shop@example.com")
///     .open_blocking()?;
/// let outcome = mailer.send(Message::new().to("ada@example.org").subject("Hello").text("Hello!"))?;
/// assert_eq!(outcome.status, Status::Sent);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Mailer {
    inner: crate::Mailer,
    runtime: Arc<Own>,
}

/// The runtime, which must not be waited for where it is dropped.
struct Own(Option<Runtime>);

impl Own {
    fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (done, answer) = mpsc::sync_channel(1);
        self.0.as_ref()?.spawn(async move {
            // Nobody waits any more when the caller's thread is gone.
            drop(done.send(work.await));
        });
        answer.recv().ok()
    }
}

impl Drop for Own {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Mailer {
    /// How a program opens its mailer: [`MailerBuilder::open_blocking`] ends it.
    pub fn builder() -> MailerBuilder {
        crate::Mailer::builder()
    }

    pub(crate) fn open(builder: MailerBuilder) -> Result<Self, OpenError> {
        let runtime =
            Builder::new_multi_thread().worker_threads(2).thread_name("postrider").enable_all().build();
        let runtime = Own(Some(runtime.map_err(|error| OpenError::Runtime(error.to_string()))?));
        let opened = runtime.run(builder.open());
        let inner = opened.unwrap_or_else(|| Err(OpenError::Runtime(ENDED.into())))?;
        Ok(Self { inner, runtime: Arc::new(runtime) })
    }

    /// Composes and stores one message; returns its id once it is durable.
    ///
    /// # Errors
    /// As [`crate::Mailer::submit`].
    pub fn submit(&self, message: Message) -> Result<JobId, SubmitError> {
        let inner = self.inner.clone();
        self.run(async move { inner.submit(message).await })
    }

    /// Stores all messages or none.
    ///
    /// # Errors
    /// As [`crate::Mailer::submit_batch`].
    pub fn submit_batch(&self, messages: Vec<Message>) -> Result<Vec<JobId>, SubmitError> {
        let inner = self.inner.clone();
        self.run(async move { inner.submit_batch(messages).await })
    }

    /// Submits and waits until the message is delivered or given up.
    ///
    /// # Errors
    /// As [`crate::Mailer::send`].
    pub fn send(&self, message: Message) -> Result<JobView, SubmitError> {
        let inner = self.inner.clone();
        self.run(async move { inner.send(message).await })
    }

    /// As [`send`](Self::send), but waits for at most so long.
    ///
    /// # Errors
    /// As [`crate::Mailer::send_within`].
    pub fn send_within(&self, message: Message, at_most: Duration) -> Result<JobView, SubmitError> {
        let inner = self.inner.clone();
        self.run(async move { inner.send_within(message, at_most).await })
    }

    /// Submits without waiting; see [`crate::Mailer::send_async`].
    pub fn send_async(&self, message: Message) {
        self.inner.send_async(message);
    }

    /// The async mailer behind this one, for what has no form here. Its calls wait for the runtime of this.
    pub fn inner(&self) -> &crate::Mailer {
        &self.inner
    }

    /// Ends it in order; see [`crate::Mailer::close`].
    ///
    /// # Errors
    /// The store could not be closed in order.
    pub fn close(&self, grace: Duration) -> Result<Drained, StoreError> {
        let inner = self.inner.clone();
        self.runtime.run(async move { inner.close(grace).await }).unwrap_or(Err(StoreError::Closed))
    }

    fn run<T: Send + 'static>(
        &self,
        work: impl Future<Output = Result<T, SubmitError>> + Send + 'static,
    ) -> Result<T, SubmitError> {
        self.runtime.run(work).unwrap_or_else(|| Err(SubmitError::Store(ENDED.into())))
    }
}

impl MailerBuilder {
    /// As [`open`](Self::open), for programs without async.
    ///
    /// # Errors
    /// As `open`.
    pub fn open_blocking(self) -> Result<Mailer, OpenError> {
        Mailer::open(self)
    }
}

const ENDED: &str = "the mailer's runtime has ended";
