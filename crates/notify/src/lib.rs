//! Events become mail: who gets one, in which language, from whom, and which header fields thread it.
//!
//! An application hands over an event: who did what, whom it concerns, and data. A `Notifier` finds its
//! kind by name, leaves out whom it should not reach, fills the template once for each language and
//! reason, and submits one mail for each recipient: never two addresses in one mail. Kinds for the mails
//! of a forge are there; an application adds its own.

mod context;
mod error;
mod event;
mod forge;
mod from;
mod headers;
mod ids;
mod kind;
mod manifest;
mod notifier;
mod plan;
mod read;
mod recipients;
mod templates;

pub use error::NotifyError;
pub use event::{Actor, Event, List, Precedence, Recipient, Thread, Unsubscribe};
pub use from::{FromFormat, FromFormatError};
pub use kind::{Class, EventKind, Facts, Model, Sender, Shape};
pub use manifest::{ManifestError, read_manifest};
pub use notifier::{Builder, Mailed, Notified, Notifier, NotifySettings, is_event_name};
pub use plan::{Group, Letter, Plan};
pub use recipients::{Skip, Skipped};
pub use templates::{built_in, built_in_for};
