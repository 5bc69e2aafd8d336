//! The JSON of the border: what comes in, field by field, and what goes out.

mod attachment;
mod conditions;
mod fields;
mod json;
mod message;
mod queued;
mod select;
#[cfg(test)]
mod tests;
mod time;
mod view;
mod waits;

pub(crate) use conditions::Where;
pub(crate) use json::read;
pub use message::{HeaderMode, parse_message};
pub(crate) use message::{batch, message, rescheduled};
pub(crate) use queued::queued;
pub(crate) use select::{Paused, Selection, Verb, Which, paused, selection};
pub(crate) use time::{shown, wait};
pub(crate) use view::{Shown, Standing, address, email, listed, relays, stats};
pub(crate) use waits::{Waits, waits};
