//! What an application's mailer has beside the store: a worker, and the mail that nobody waits for.

use crate::{Caller, Mailer, Message, Permit, SubmitError};
use ::message::Written;
use futures_util::FutureExt;
use futures_util::future::join_all;
use queue::{AnyStore, Store, StoreError};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::runtime::Handle;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};
use worker::{Drained, Worker};

/// Told of a message given to `send_async` that could not be stored.
pub(crate) type Hook = Arc<dyn Fn(&Message, &SubmitError) + Send + Sync>;

/// Messages stored at one time, so that they share a sync.
const TOGETHER: usize = 64;

/// How long mail waits for another submission of its idempotency key. Storing takes milliseconds, or the seconds
/// that a full queue is given; a caller that stopped in the middle of it must not hold up the mail of all others.
const KEY_WAIT: Duration = Duration::from_secs(10);

/// Made by the builder; lives as long as the mailer.
pub(crate) struct Own {
    worker: Mutex<Option<Worker>>,
    closing: AtomicBool,
    items: mpsc::UnboundedSender<Item>,
    hook: Hook,
}

/// What the background task is given. A mail holds the mailer, so that it is stored though all other
/// clones are gone.
enum Item {
    Mail(Mailer, Box<Message>, Permit),
    /// Answered when all before it is stored.
    Flush(oneshot::Sender<()>),
}

impl Own {
    pub(crate) fn new(worker: Worker, hook: Hook, runtime: &Handle) -> Self {
        let (items, taken) = mpsc::unbounded_channel();
        runtime.spawn(store_as_it_comes(taken, hook.clone()));
        Self { worker: Mutex::new(Some(worker)), closing: AtomicBool::new(false), items, hook }
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Acquire)
    }
}

impl Mailer {
    /// Submits without waiting, from any thread: returns at once. The order of calls is kept. A message
    /// that is not taken is told to the log and to [`MailerBuilder::on_error`](crate::MailerBuilder::on_error);
    /// one that was handed over when the process died may be lost: what must not be lost is
    /// [`submit`](Self::submit)ted.
    pub fn send_async(&self, message: Message) {
        let Some(own) = self.own() else {
            return tracing::error!(
                "send_async needs a mailer that Mailer::builder opened; the mail is lost"
            );
        };
        let admitted = self.admits(&Caller::library()).and_then(|()| {
            let octets = message.octets();
            let full = || SubmitError::Busy("no memory is left for mail that waits to be stored".into());
            self.budget().take(octets).ok_or_else(full)
        });
        let item = match admitted {
            Ok(permit) => Item::Mail(self.clone(), Box::new(message), permit),
            Err(error) => return tell(&own.hook, &message, &error),
        };
        // Its runtime is gone, and with it the task that would have stored it.
        if let Err(mpsc::error::SendError(Item::Mail(_, message, _))) = own.items.send(item) {
            tell(&own.hook, &message, &SubmitError::Busy("the mailer's runtime has ended".into()));
        }
    }

    /// Completes when all that `send_async` was given before is stored or told of.
    pub(crate) async fn flushed(&self) {
        let (flushed, done) = oneshot::channel();
        if self.own().is_some_and(|own| own.items.send(Item::Flush(flushed)).is_ok()) {
            // An error: the task ended with its runtime, and nothing is left to wait for.
            drop(done.await);
        }
    }

    /// Takes no more mail, stores what `send_async` was given, lets mail under way come to its end, for at
    /// most `grace`, and closes the store. With a store in memory, what is due is delivered first as far as
    /// the time allows: what is left then is lost, and the log says how much. On disk the rest goes on at
    /// the next start. A second call finds nothing to do.
    ///
    /// # Errors
    /// The store could not be closed in order.
    pub async fn close(&self, grace: Duration) -> Result<Drained, StoreError> {
        let Some(own) = self.own() else {
            self.drain();
            return Ok(Drained::Clean);
        };
        let until = Instant::now() + grace;
        own.closing.store(true, Ordering::Release);
        let worker = own.worker.lock().unwrap_or_else(PoisonError::into_inner).take();
        let Some(worker) = worker else { return Ok(Drained::Clean) };
        if timeout_at(until, self.flushed()).await.is_err() {
            tracing::error!("mail given to send_async could not be stored in time");
        }
        let left = || until.saturating_duration_since(Instant::now());
        let in_memory = matches!(self.store(), AnyStore::Memory(_));
        if in_memory {
            self.idle(left()).await?;
        }
        let drained = worker.drain(left(), std::future::pending()).await;
        if in_memory
            && let Ok(stats) = self.store().stats().await
            && stats.unsettled > 0
        {
            tracing::error!(
                mails = stats.unsettled,
                "closed with mail in memory that was not sent: it is lost"
            );
        }
        self.store().close().await?;
        Ok(drained)
    }
}

async fn store_as_it_comes(mut items: mpsc::UnboundedReceiver<Item>, hook: Hook) {
    let (mut taken, caller) = (Vec::new(), Caller::library());
    while items.recv_many(&mut taken, TOGETHER).await > 0 {
        let (mut mails, mut flushes) = (Vec::new(), Vec::new());
        for item in taken.drain(..) {
            match item {
                Item::Mail(mailer, message, permit) => mails.push((mailer, message, permit)),
                Item::Flush(done) => flushes.push(done),
            }
        }
        let stored = mails.iter().map(|(mailer, message, _)| submitted(mailer, &caller, message));
        for (outcome, (mailer, message, _)) in join_all(stored).await.into_iter().zip(&mails) {
            let outcome = match outcome {
                // Most often by mail of this round, and now it is a repeat.
                Err(SubmitError::KeyInFlight) => submitted_when_free(mailer, &caller, message).await,
                known => known,
            };
            if let Err(error) = outcome {
                tell(&hook, message, &error);
            }
        }
        for done in flushes {
            if done.send(()).is_err() {
                tracing::debug!("who closes has stopped waiting");
            }
        }
    }
}

/// A panic is the end of this message alone.
async fn submitted(mailer: &Mailer, caller: &Caller, message: &Message) -> Result<(), SubmitError> {
    let storing = AssertUnwindSafe(mailer.submit_admitted(caller, message)).catch_unwind();
    let panicked = || SubmitError::Store("there was a panic on the way to the store".into());
    storing.await.unwrap_or_else(|_| Err(panicked())).map(drop)
}

async fn submitted_when_free(mailer: &Mailer, caller: &Caller, message: &Message) -> Result<(), SubmitError> {
    let until = Instant::now() + KEY_WAIT;
    loop {
        let freed = mailer.in_flight().freed();
        let outcome = submitted(mailer, caller, message).await;
        let again =
            matches!(outcome, Err(SubmitError::KeyInFlight)) && timeout_at(until, freed).await.is_ok();
        if !again {
            return outcome;
        }
    }
}

/// The reference's log line, without any of the body.
fn tell(hook: &Hook, message: &Message, error: &SubmitError) {
    let to: Vec<String> = message.draft.to.iter().map(shown).collect();
    let info = message.options.info.as_deref().unwrap_or_default();
    tracing::error!("Failed to send emails [{}]: {} - {error}", to.join(", "), info.escape_debug());
    if catch_unwind(AssertUnwindSafe(|| hook(message, error))).is_err() {
        tracing::error!("the on_error hook panicked; other mail goes on");
    }
}

fn shown(written: &Written) -> String {
    match written {
        Written::Text(text) => text.escape_debug().to_string(),
        Written::Parts { address, .. } => address.escape_debug().to_string(),
    }
}
