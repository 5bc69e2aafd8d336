//! Durable outbound mail as a library.
//!
//! `Mailer::submit` composes a message and returns its id once it is durable; a worker delivers it
//! through a `Sender`. This crate reads no file, environment or clock: settings are plain structs,
//! the store and the clock are passed in.

mod access;
mod budget;
mod error;
mod guesses;
mod hops;
mod inflight;
mod mailer;
mod message;
mod options;
mod origin;
mod permit;
mod settings;
mod steer;
mod submit;

pub use access::{Access, Caller, Scope};
pub use budget::{Budget, Permit};
pub use error::SubmitError;
pub use guesses::Guesses;
pub use mailer::{Mailer, Receipt};
pub use message::{Came, Message, Options, RawSubmission};
pub use options::DEFAULT_ROUTE;
pub use origin::{Crowd, Origin, Place};
pub use settings::{Limits, MailerSettings};

pub use ::message::{Attachment, Draft, FieldError, MessageIdStyle, Profile, Written};
pub use envelope::{Address, Envelope, Mailbox, Recipient, Reply, ReversePath};
pub use queue::{
    ActError, Action, AnyStore, Attempt, AttemptRecipient, Change, Clock, Content, ContentError, Door,
    Filter, JobId, JobView, Page, Priority, RecipientState, RecipientView, Stats, Status, Store, StoreError,
};
pub use worker::{RelayStatus, Relays};
