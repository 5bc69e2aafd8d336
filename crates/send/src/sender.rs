//! The trait every way out implements.

use crate::{Mail, MailOutcome, Running};
use futures_util::StreamExt;
use std::pin::Pin;
use std::sync::Arc;

/// A boxed future; one allocation per call, not per message of a batch.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
/// A boxed stream.
pub type BoxStream<'a, T> = Pin<Box<dyn futures_util::Stream<Item = T> + Send + 'a>>;

/// A way out. Object-safe, so that users may bring their own; boxed once per batch.
///
/// Contract: every mail taken from `mails` yields exactly one outcome, in any order, with one
/// entry per recipient. A sender takes the next mail only when it can work on it. Dropping the
/// returned stream abandons what is in flight: such mails have no outcome and the caller must
/// treat them as unknown.
pub trait Sender: Send + Sync {
    /// Sends mails over one connection as they come and yields an outcome for each.
    fn send_batch<'a>(&'a self, mails: BoxStream<'a, Mail>) -> BoxStream<'a, MailOutcome>;

    /// Sends one mail.
    fn send(&self, mail: Mail) -> BoxFuture<'_, Option<MailOutcome>> {
        Box::pin(async move {
            let one = futures_util::stream::once(std::future::ready(mail));
            self.send_batch(Box::pin(one)).next().await
        })
    }

    /// The programs it runs at the moment; most run none.
    fn running(&self) -> Vec<Running> {
        Vec::new()
    }
}

/// A sender that somebody else looks at, too.
impl<S: Sender + ?Sized> Sender for Arc<S> {
    fn send_batch<'a>(&'a self, mails: BoxStream<'a, Mail>) -> BoxStream<'a, MailOutcome> {
        (**self).send_batch(mails)
    }

    fn send(&self, mail: Mail) -> BoxFuture<'_, Option<MailOutcome>> {
        (**self).send(mail)
    }

    fn running(&self) -> Vec<Running> {
        (**self).running()
    }
}
