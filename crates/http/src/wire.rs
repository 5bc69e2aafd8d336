//! The JSON of the border: what comes in, field by field, and what goes out.

mod attachment;
mod fields;
mod json;
mod message;
mod select;
#[cfg(test)]
mod tests;
mod time;
mod view;

pub(crate) use json::read;
pub use message::{HeaderMode, parse_message};
pub(crate) use message::{batch, message, rescheduled};
pub(crate) use select::{Selection, Verb, Where, Which, selection};
pub(crate) use time::wait;
pub(crate) use view::{Shown, address, email, listed, relays, stats};
