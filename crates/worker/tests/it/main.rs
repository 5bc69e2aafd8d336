//! The worker over a memory store, with senders that do as the test says.

mod bench;
mod delivery;
mod drain;
mod outage;
