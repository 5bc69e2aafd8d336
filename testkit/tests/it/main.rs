//! The harness itself: what it claims to have seen is what was sent.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test ends by panic")]

mod link;
mod peers;
mod postfix;
mod redis;
