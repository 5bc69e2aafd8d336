//! The SMTP door: ESMTP submission on TCP and unix sockets (RFC 6409).
//!
//! Four storeys: `listener` accepts, `client` answers the events of one session, `connection` moves
//! octets within deadlines, and `smtp::server` knows the protocol. What is taken goes to the
//! library; `250` is said only after that is durable. Without login only local peers may send, and
//! only when the settings say so: this is never an open relay.

mod client;
mod connection;
mod intake;
mod listener;
mod reply;
mod room;
mod settings;

pub use listener::{Listener, serve};
pub use settings::{SubmissionSettings, Timeouts};

#[cfg(test)]
mod tests;
