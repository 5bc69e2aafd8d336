//! The real binary, spawned: what it prints, what it answers, how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panic, also in what its cases share"
)]

mod apps;
mod bad_input;
mod check;
mod dev;
mod dkim;
mod events;
mod flood;
mod full;
mod go;
mod guide;
mod paper;
mod queue;
mod reference;
mod relays;
mod reload;
mod run;
mod send_many;
mod sendmail;
mod serve;
mod templates;
