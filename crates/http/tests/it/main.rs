//! The door over a real mailer with a store in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panic, also in what its cases share"
)]

mod access;
mod acting;
mod console;
mod events;
mod hostile;
mod house;
mod letters;
mod problems;
mod reading;
mod reload;
mod selecting;
mod sending;
mod serving;
mod steering;
mod throttle;
