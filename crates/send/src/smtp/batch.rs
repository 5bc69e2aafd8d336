//! A batch over one connection: a stale one is replaced once, trouble with the relay answers the rest.

use super::connection::{Connection, Refused};
use super::{Relay, content, idle, map};
use crate::{BoxStream, Mail, MailOutcome, RecipientOutcome};
use envelope::{Class, EnhancedStatus};
use futures_util::{StreamExt, stream};
use smtp::client::{Failure, FailureKind, Outcome};
use std::sync::Arc;

struct Batch<'a> {
    relay: Arc<Relay>,
    mails: BoxStream<'a, Mail>,
    connection: Option<Connection>,
    /// What keeps the relay from taking any more of this batch.
    trouble: Option<Refused>,
}

pub(super) fn send(relay: Arc<Relay>, mails: BoxStream<'_, Mail>) -> BoxStream<'_, MailOutcome> {
    let batch = Batch { relay, mails, connection: None, trouble: None };
    stream::unfold(batch, |mut batch| async {
        let mail = batch.mails.next().await?;
        let outcome = batch.attempt(&mail).await;
        Some((outcome, batch))
    })
    .boxed()
}

/// However the batch ends, a connection between two mails is kept; one in the middle of a mail is not
/// here but in the future that was dropped.
impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            idle::keep(&self.relay, connection);
        }
    }
}

impl Batch<'_> {
    async fn attempt(&mut self, mail: &Mail) -> MailOutcome {
        if !content::is_sound(mail) {
            return self.unsound(mail);
        }
        let mut may_retry = true;
        loop {
            let mut connection = match self.connect().await {
                Ok(connection) => connection,
                Err(refused) => {
                    let outcome = self.not_attempted(mail, &refused);
                    self.trouble = Some(refused);
                    return outcome;
                }
            };
            let used = connection.is_used();
            match connection.deliver(mail).await {
                Ok(outcome) => {
                    self.put_back(connection).await;
                    return map::outcome(mail, outcome, &self.relay.peer);
                }
                Err((failure, outcome)) if used && may_retry && died_unnoticed(&failure, &outcome) => {
                    may_retry = false;
                }
                Err((failure, outcome)) => {
                    if matches!(failure.kind, FailureKind::Busy | FailureKind::Auth) {
                        self.trouble =
                            Some(Box::new((map::trouble(failure), outcome.transcript.to_string())));
                    }
                    return map::outcome(mail, outcome, &self.relay.peer);
                }
            }
        }
    }

    /// The batch's connection, an idle one, or a new one.
    async fn connect(&mut self) -> Result<Connection, Refused> {
        if let Some(refused) = &self.trouble {
            return Err(refused.clone());
        }
        if let Some(mut connection) = self.connection.take()
            && !connection.is_stale().await
        {
            return Ok(connection);
        }
        match idle::take(&self.relay).await {
            Some(connection) => Ok(connection),
            None => Connection::open(&self.relay).await,
        }
    }

    async fn put_back(&mut self, connection: Connection) {
        if connection.reusable() {
            self.connection = Some(connection);
        } else {
            connection.close().await;
        }
    }

    fn not_attempted(&self, mail: &Mail, refused: &Refused) -> MailOutcome {
        let outcome = RecipientOutcome::NotAttempted(refused.0.clone());
        let mut all = MailOutcome::all(mail.ticket, mail.to.len(), outcome, &self.relay.peer);
        all.transcript = refused.1.as_str().into();
        all
    }

    fn unsound(&self, mail: &Mail) -> MailOutcome {
        let status = EnhancedStatus { class: Class::Permanent, subject: 6, detail: 0 };
        let text = "the message holds a CR or LF alone, which a relay could take for its end".into();
        let outcome = RecipientOutcome::Undeliverable { status, text };
        MailOutcome::all(mail.ticket, mail.to.len(), outcome, &self.relay.peer)
    }
}

/// A connection that had served before failed without the mail being in doubt: nobody's fault.
fn died_unnoticed(failure: &Failure, outcome: &Outcome) -> bool {
    use smtp::client::RecipientResult::{Accepted, Unknown};
    let in_doubt = outcome.recipients.iter().any(|result| matches!(result, Unknown(_) | Accepted(_)));
    failure.kind != FailureKind::Timeout && !in_doubt
}
