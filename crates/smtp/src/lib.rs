//! SMTP and LMTP: grammar, client and server state machines, SASL. No I/O, no clock.
//!
//! Bytes go in, bytes and decisions come out; who owns the socket is another's matter. What a peer
//! can make us hold is bounded in `limits`, what it can do wrong is listed in [`Violation`].

pub mod capabilities;
pub mod client;
pub mod command;
pub mod dot;
mod escape;
pub mod limits;
pub mod reply;
pub mod sasl;
pub mod server;
mod violation;

pub use capabilities::Capabilities;
pub use command::{Command, CommandError};
pub use escape::{escape, shorten};
pub use reply::{ReplyParser, write_reply};
pub use violation::Violation;
