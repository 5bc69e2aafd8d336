//! The mailer for programs without async: each call returns when it is done.

use crate::{JobId, JobView, MailerBuilder, Message, OpenError, SubmitError};
use queue::StoreError;
use std::sync::mpsc;
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::time::timeout;
use worker::Drained;

/// As [`crate::Mailer`], in a runtime of its own with two threads. Cheap to clone; may be called from any
/// thread, also from one of an async runtime, which it then holds up, and from an `on_error` hook or a
/// sender of its own.
///
/// The drop of the last clone waits until what `send_async` was given is stored, for at most ten seconds; only
/// [`close`](Self::close) also sends what a store in memory holds.
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

/// How long a drop waits for mail given to `send_async`.
const GRACE: Duration = Duration::from_secs(10);

/// The runtime, which must not be waited for where it is dropped.
struct Own {
    runtime: Option<Runtime>,
    /// What to flush at the end, once it is open.
    mailer: OnceLock<crate::Mailer>,
}

impl Own {
    fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Option<T> {
        let (done, answer) = mpsc::sync_channel(1);
        let runtime = self.runtime.as_ref()?;
        runtime.spawn(async move {
            // Nobody waits any more when the caller's thread is gone.
            drop(done.send(work.await));
        });
        let wait = || answer.recv().ok();
        // A thread of the runtime hands its tasks to another first, ours among them.
        if runs_here(runtime) { tokio::task::block_in_place(wait) } else { wait() }
    }
}

/// Whether this thread is one of the runtime's.
fn runs_here(runtime: &Runtime) -> bool {
    Handle::try_current().is_ok_and(|current| current.id() == runtime.handle().id())
}

impl Drop for Own {
    fn drop(&mut self) {
        let Some(runtime) = self.runtime.take() else { return };
        let Some(mailer) = self.mailer.take() else { return runtime.shutdown_background() };
        let here = runs_here(&runtime);
        let rest = Self { runtime: Some(runtime), mailer: OnceLock::new() };
        let end = move || {
            let flushing = async { timeout(GRACE, mailer.flushed()).await.is_ok() };
            if !rest.runtime.as_ref().is_some_and(|runtime| runtime.block_on(flushing)) {
                tracing::error!("dropped with mail given to send_async that could not be stored: it is lost");
            }
            drop((mailer, rest));
        };
        // A thread of an async runtime may not block on ours; waiting for another thread it may.
        match std::thread::Builder::new().name("postrider-end".into()).spawn(end) {
            Ok(ending) if !here => drop(ending.join()),
            Ok(_) => {}
            Err(error) => tracing::error!("dropped without storing mail given to send_async: {error}"),
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
        let runtime = runtime.map_err(|error| OpenError::Runtime(error.to_string()))?;
        let runtime = Own { runtime: Some(runtime), mailer: OnceLock::new() };
        let opened = runtime.run(builder.open());
        let inner = opened.unwrap_or_else(|| Err(OpenError::Runtime(ENDED.into())))?;
        runtime.mailer.get_or_init(|| inner.clone());
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
