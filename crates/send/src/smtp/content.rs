//! Whether a mail's text may go over the wire.

use crate::Mail;
use smtp::dot::LineEnds;

/// Whether CR and LF come only as CRLF: anything else could end the mail early at the peer.
pub(super) fn is_sound(mail: &Mail) -> bool {
    let mut ends = LineEnds::default();
    ends.check(&mail.header).and_then(|()| ends.check(&mail.body)).and_then(|()| ends.finish()).is_ok()
}
