//! The queue through its public face: one contract for every store, and what a disk store survives.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panic"
)]

mod actions;
mod bench;
mod bodies;
mod contract;
mod crash;
mod damage;
mod fellows;
mod filing;
mod flips;
mod hazards;
mod history;
mod hostile;
mod house;
mod index;
mod intake;
mod jumps;
mod lists;
mod model;
mod order;
mod outcomes;
mod reclaim;
mod redis;
mod regress;
mod relays;
mod restart;
mod segments;
