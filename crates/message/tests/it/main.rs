//! The composer against its cases and an independent parser; the raw door.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends by panic")]

mod cases;
mod compose;
mod corpus;
mod dkim;
mod html;
mod pages;
mod python;
mod raw;
mod seven_bit;
