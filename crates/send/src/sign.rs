//! Signing as the mail leaves (RFC 6376): a sender around another.
//!
//! The signature is a prefix of the header; nothing else of the mail is touched, and what is stored stays
//! unsigned. So a key that was changed while mail waited signs that mail too, and which fields are
//! signed is a matter of the relay (ADR 14).

mod keyring;

pub use keyring::{DkimKey, Keyring, Published};

use crate::{BoxStream, Mail, MailOutcome, Phase, RecipientOutcome, Running, Sender};
use bytes::Bytes;
use envelope::Reply;
use futures_util::StreamExt;
use futures_util::stream::poll_fn;
use jiff::Timestamp;
use message::dkim::SignedFields;
use std::sync::Arc;
use std::task::Poll;
use tokio::sync::mpsc;

/// Signs every mail whose author's domain has a key, then hands it on.
pub struct SigningSender {
    inner: Arc<dyn Sender>,
    keyring: Arc<Keyring>,
    fields: SignedFields,
    now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

impl SigningSender {
    /// `fields`: what is signed on the way of `inner`; `now`: the wall clock, for `t=`.
    pub fn new(
        inner: Arc<dyn Sender>,
        keyring: Arc<Keyring>,
        fields: SignedFields,
        now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
    ) -> Self {
        Self { inner, keyring, fields, now }
    }

    /// The mail as it leaves; a mail that must not leave unsigned, and has to, is refused for now.
    fn sign(&self, mut mail: Mail) -> Result<Mail, MailOutcome> {
        match self.keyring.sign(&mail.header, &mail.body, &self.fields, (self.now)()) {
            Ok(None) => Ok(mail),
            Ok(Some(signatures)) => {
                mail.header = Bytes::from([&signatures[..], &mail.header].concat());
                Ok(mail)
            }
            Err(cause) => {
                let reply = Reply::new(451, format!("4.7.5 postrider waits: {cause}"));
                let refused = RecipientOutcome::Refused { phase: Phase::Mail, reply };
                Err(MailOutcome::all(mail.ticket, mail.to.len(), refused, "not sent"))
            }
        }
    }
}

impl Sender for SigningSender {
    fn send_batch<'a>(&'a self, mails: BoxStream<'a, Mail>) -> BoxStream<'a, MailOutcome> {
        let (refuse, mut refused) = mpsc::unbounded_channel();
        let refuse = Arc::new(refuse);
        let signed = mails.filter_map(move |mail| {
            let refuse = refuse.clone();
            async move {
                // Others do not wait for DNS.
                if self.keyring.signs(&mail.header) {
                    self.keyring.ready().await;
                }
                self.sign(mail).map_err(|outcome| drop(refuse.send(outcome))).ok()
            }
        });
        let mut sent = Some(self.inner.send_batch(signed.boxed()));
        // With the inner stream goes its feed, and with that the end of what is refused.
        let both = poll_fn(move |context| {
            if let Some(stream) = &mut sent {
                match stream.poll_next_unpin(context) {
                    Poll::Ready(None) => sent = None,
                    Poll::Ready(outcome) => return Poll::Ready(outcome),
                    Poll::Pending => {}
                }
            }
            match refused.poll_recv(context) {
                Poll::Ready(None) if sent.is_some() => Poll::Pending,
                other => other,
            }
        });
        both.boxed()
    }

    fn running(&self) -> Vec<Running> {
        self.inner.running()
    }
}

#[cfg(test)]
mod tests;
