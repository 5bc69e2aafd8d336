//! Hostile bytes for every reader of foreign input, by mutation from a seed.
//!
//! A target is a plain function over bytes that panics when something is wrong; `targets` is the table
//! of them. `corpus/NAME` holds inputs to start from and those that once failed; the tests replay them.

pub mod corpus;
pub mod mutate;
pub mod runner;
pub mod targets;
