//! The Date of mail that waited for its hour: it has none until it leaves (RFC 5322 3.6.1: when the message is
//! complete and ready to enter the mail system).

use crate::desk::Desk;
use bytes::Bytes;
use jiff::Timestamp;
use message::{UNDATED, date_field};
use queue::{Job, Lease, Settlement, Store};
use send::Mail;
use std::collections::BTreeMap;

/// The mails of a batch that get their Date now, by ticket.
#[derive(Debug, Default)]
pub(crate) struct Dated(BTreeMap<u64, Timestamp>);

impl Dated {
    /// The attempt bears the time of the Date, so that the next one finds it there.
    pub(crate) fn note(&self, ticket: u64, settlement: &mut Settlement) {
        if let (Some(at), Some(attempt)) = (self.0.get(&ticket), &mut settlement.attempt) {
            attempt.at = *at;
        }
    }
}

/// Fills the Date of every header that waits for one: with the time of the mail's first attempt on record, so that a
/// mail that arrives twice carries the same one.
pub(crate) async fn complete(desk: &Desk, mails: &mut [Mail], leases: &[Lease]) -> Dated {
    let mut dated = Dated::default();
    for (mail, lease) in mails.iter_mut().zip(leases) {
        let Some(rest) = mail.header.strip_prefix(UNDATED) else { continue };
        let at = first_attempt(desk, &lease.job).await.unwrap_or_else(|| {
            let now = desk.clock.now();
            dated.0.insert(mail.ticket, now);
            now
        });
        mail.header = Bytes::from([date_field(at).as_bytes(), rest].concat());
    }
    dated
}

async fn first_attempt(desk: &Desk, job: &Job) -> Option<Timestamp> {
    match desk.store.get(job.id).await {
        Ok(view) => view.and_then(|view| view.attempts.first().map(|attempt| attempt.at)),
        Err(error) => {
            tracing::warn!(id = %job.id, %error, "the first attempt is not known; the Date is of now");
            None
        }
    }
}
