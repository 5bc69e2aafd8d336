//! The HTTP door: the API in the shape of Resend's, and the inbox console.
//!
//! A request passes `gate` (host, origin, key), is read by `intake` within the byte budget, is
//! understood by `wire` and answered by `calls` or `console`; every error becomes a `problem`.
//! Where a key is needed, it is a bearer token or the password of HTTP Basic with any user name, so
//! that a browser can sign in to the console.

mod calls;
mod console;
mod door;
mod gate;
mod intake;
mod letter;
mod problem;
mod query;
mod serve;
mod settings;
mod share;
mod wire;

pub use calls::events::Events;
pub use calls::reload::{Reload, ReloadAsk, Reloaded};
pub use door::router;
pub use letter::{LETTER, MAX_SLIP, Slip, read_letter};
pub use serve::{Listener, Peer, serve};
pub use settings::{HttpLimits, HttpSettings, Trust};
pub use wire::{HeaderMode, parse_message};
