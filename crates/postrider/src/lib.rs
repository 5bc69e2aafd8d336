//! Durable outbound mail as a library.
//!
//! [`Mailer::submit`] composes a message and returns its id once it is durable; a worker delivers it through a
//! [`Sender`], again and again until it is accepted or visibly failed. docs/library.md in the repository is
//! the guide, `examples/` has whole programs.
//!
//! ```
//! use postrider::{InboxSender, Mailer, Message, Status, Timestamp};
//! use std::time::Duration;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! let mailer = Mailer::builder()
//!     .disk(folder.path())
//!     .clock(Timestamp::now)
//!     .sender(InboxSender) // in earnest: SmtpSender::new(SmtpSettings::starttls("mail.example.com")…)?
//!     .from("Shop <shop@example.com>")
//!     .open()
//!     .await?;
//!
//! let message = Message::new().to("ada@example.org").subject("Your order").html("<p>It is on its way.</p>");
//! let outcome = mailer.send_within(message, Duration::from_secs(30)).await?;
//! assert_eq!(outcome.status, Status::Sent);
//!
//! mailer.close(Duration::from_secs(10)).await?;
//! # Ok(())
//! # }
//! ```
//!
//! This crate reads no file but its store's, no environment and no clock: settings are plain values, the clock
//! is passed in. The daemon's doors use it as applications do, by the forms that end in `_as` and name who asks.

mod access;
pub mod blocking;
mod budget;
mod builder;
mod clock;
mod error;
mod guesses;
mod hops;
mod inflight;
mod library;
mod mailer;
mod message;
mod options;
mod origin;
mod own;
mod permit;
mod room;
mod settings;
mod steer;
mod submit;
mod template;
mod waiting;
mod weight;
mod write;

pub use self::template::Template;
pub use access::{Access, Caller, Scope};
pub use budget::{Budget, Permit};
pub use builder::{MailerBuilder, OpenError};
pub(crate) use clock::SteadyClock;
pub use error::SubmitError;
pub use guesses::Guesses;
pub use mailer::{Mailer, Receipt};
pub use message::{Came, Message, Options, RawSubmission};
pub use options::DEFAULT_ROUTE;
pub use origin::{Crowd, Origin, Place};
pub use settings::{Limits, MailerSettings};

pub use ::message::dkim::{KeyError, KeyKind, SignedFields, SigningKey};
pub use ::message::{
    Attachment, ComposeError, Composed, Draft, FieldError, MessageIdStyle, Profile, SharedBody, Written,
};
pub use ::template::{Language, RenderError, Rendered, Source, TemplateError, Templates};
pub use bytes::Bytes;
pub use envelope::{Address, EnhancedStatus, Envelope, Mailbox, Recipient, Reply, ReversePath};
pub use jiff::Timestamp;
pub use queue::{
    ActError, Action, AnyStore, Attempt, AttemptRecipient, Change, Clock, Content, ContentError, Door,
    Filter, HostPort, JobId, JobView, NodeStats, Page, Priority, RecipientState, RecipientView, RedisPlace,
    RedisTls, RedisWay, Stats, Status, Store, StoreError,
};
pub use send::{
    BoxFuture, BoxStream, DkimKey, DummySender, InboxSender, Keyring, Mail, MailOutcome, Phase, Published,
    RecipientOutcome, Running, Sender, SendmailSender, SendmailSettings, SigningSender, SmtpSender,
    SmtpSettings, Trouble, TroubleKind, dummy, sendmail, smtp, token,
};
pub use worker::{Drained, Program, Rate, Relay, RelayStatus, Relays};

/// The Rust of the documents, compiled with our tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
mod readme {}

#[cfg(doctest)]
#[doc = include_str!("../../../docs/library.md")]
mod guide {}
