//! Plain values of mail transport: addresses, the envelope, the peer's reply, the enhanced status.
//!
//! Floor 0: no I/O, no time, no async. A value that exists is valid: it was parsed once, strictly,
//! and every later user (policy, header, `RCPT`) reads the same parsed value.

mod address;
mod domain;
mod encoded_word;
mod envelope;
mod mailbox;
mod reply;
mod status;

pub use address::{Address, AddressError};
pub use encoded_word::decode_words;
pub use envelope::{Envelope, Notify, Recipient, Ret, ReversePath};
pub use mailbox::{Mailbox, MailboxError};
pub use reply::Reply;
pub use status::{Class, EnhancedStatus};
