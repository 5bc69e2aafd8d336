//! The queue through its public face: one contract for every store, and what a disk store survives.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test ends by panic")]

mod contract;
mod crash;
mod damage;
mod house;
mod reclaim;
