//! The contract every store keeps, and what the disk store keeps beyond it.

mod actions;
mod bench;
mod contract;
mod lists;
mod order;
mod outcomes;
