//! The worker over a memory store, with senders that do as the test says.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panic"
)]

mod bench;
mod bounds;
mod cut;
mod delivery;
mod drain;
mod hostile;
mod leaving;
mod nodes;
mod outage;
mod refusals;
mod relays;
mod simulation;
mod strain;
