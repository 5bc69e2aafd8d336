//! Events become mail: the notifier over a real mailer with a store in memory.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panic, also in what its cases share"
)]

mod data;
mod golden;
mod house;
mod reading;
mod recipients;
mod reference;
mod repeats;
