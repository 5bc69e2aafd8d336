//! Lease, send, judge, settle: the loop between queue and senders.
//!
//! One task per connection of a relay leases a batch from its route, streams it to the relay's
//! sender and settles what comes back. `judge` alone decides what an outcome means; `breaker` alone
//! decides whether a relay may be used.

mod batch;
mod breaker;
mod connection;
mod date;
mod desk;
mod fellows;
mod health;
mod judge;
mod past;
mod relays;
mod retry;
mod settings;
mod signal;
mod status;
mod verdicts;
mod words;
mod worker;

pub use breaker::{Breaker, Pace};
pub use judge::{Case, Verdict, judge};
pub use relays::Relays;
pub use retry::RetryProfile;
pub use settings::{Rate, Relay, Route, WorkerSettings};
pub use status::{Program, RelayStatus};
pub use worker::{Drained, Worker};
