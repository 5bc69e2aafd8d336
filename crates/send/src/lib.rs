//! The ways out: one trait, `Sender`, and its implementations.
//!
//! A sender gets mails and answers, for each recipient, what the next hop said. It does not decide
//! what happens next (that is the worker's judge) and knows nothing of the queue.

pub mod dns;
pub mod dummy;
pub mod inbox;
mod mail;
mod outcome;
mod running;
mod sender;
pub mod sendmail;
pub mod sign;
pub mod smtp;
pub mod token;

pub use dummy::{DummyScript, DummySender};
pub use inbox::InboxSender;
pub use mail::Mail;
pub use outcome::{MailOutcome, Phase, RecipientOutcome, Trouble, TroubleKind};
pub use running::Running;
pub use sender::{BoxFuture, BoxStream, Sender};
pub use sendmail::{SendmailSender, SendmailSettings};
pub use sign::{DkimKey, Keyring, Published, SigningSender};
pub use smtp::{SmtpSender, SmtpSettings};
pub use token::TokenSource;
