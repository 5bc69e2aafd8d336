//! What is accepted and refused as address and mailbox.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test ends by panic")]

mod address;
mod mailbox;
