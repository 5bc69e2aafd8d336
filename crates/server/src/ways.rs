//! The ways out and the SMTP door, built from settings.

use crate::config::{Relay, Settings, Way};
use crate::exit::Failure;
use envelope::Reply;
use futures_util::StreamExt;
use postrider::Mailer;
use send::{BoxStream, Mail, MailOutcome, RecipientOutcome, Sender};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;

/// Takes every mail and leaves it where the queue keeps it: what the console shows.
struct Keeps(&'static str);

impl Sender for Keeps {
    fn send_batch<'a>(&'a self, mails: BoxStream<'a, Mail>) -> BoxStream<'a, MailOutcome> {
        Box::pin(mails.map(|mail| {
            let taken = RecipientOutcome::Accepted(Reply::new(250, "2.0.0 Ok: taken"));
            MailOutcome::all(mail.ticket, mail.to.len(), taken, self.0)
        }))
    }
}

/// The sender of a relay.
pub(crate) fn sender(relay: &Relay) -> Result<Arc<dyn Sender>, Failure> {
    match &relay.way {
        Way::Inbox => Ok(Arc::new(Keeps("inbox"))),
        Way::Dummy => Ok(Arc::new(Keeps("dummy"))),
        Way::Smtp(_) => Err(Failure::Settings("SMTP is not linked".into())),
    }
}

/// Serves SMTP until told to stop.
pub(crate) fn smtp_door(
    doors: &mut JoinSet<()>,
    listener: TcpListener,
    _settings: &Settings,
    _mailer: &Mailer,
    mut stopped: watch::Receiver<bool>,
) -> Result<(), Failure> {
    doors.spawn(async move {
        let ended = stopped.wait_for(|end| *end).await.is_ok();
        tracing::debug!(ended, "the SMTP door closes");
        drop(listener);
    });
    Ok(())
}
