//! The Date of mail that waited for its hour: it has none until it leaves (RFC 5322 3.6.1: when the message is
//! complete and ready to enter the mail system).

use crate::desk::Desk;
use bytes::Bytes;
use message::{date_field, has_date};
use queue::{Lease, Store};
use send::Mail;

/// Puts a Date in front of every header that has none: the time of the mail's first attempt, so that a mail that
/// arrives twice carries the same one.
pub(crate) async fn complete(desk: &Desk, mails: &mut [Mail], leases: &[Lease]) {
    for (mail, lease) in mails.iter_mut().zip(leases) {
        if has_date(&mail.header) {
            continue;
        }
        let first = match desk.store.get(lease.job.id).await {
            Ok(view) => view.and_then(|view| view.attempts.first().map(|attempt| attempt.at)),
            Err(error) => {
                tracing::warn!(id = %lease.job.id, %error, "the first attempt is not known; the Date is of now");
                None
            }
        };
        let date = date_field(first.unwrap_or_else(|| desk.clock.now()));
        mail.header = Bytes::from([date.as_bytes(), &mail.header].concat());
    }
}
