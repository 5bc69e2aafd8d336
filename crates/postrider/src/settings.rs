//! What the library must be told.

use ::message::Profile;
use std::time::Duration;

/// Settings of a `Mailer`.
#[derive(Debug, Clone)]
pub struct MailerSettings {
    pub profile: Profile,
    pub limits: Limits,
    /// How long a message is tried unless it says otherwise.
    pub expire_after: Duration,
    /// Relays a message may pin by name.
    pub relays: Vec<String>,
    /// Our name in `Received` fields.
    pub hostname: String,
    /// How long a submission waits for the end of its mail's first try before it is answered, as with a queue
    /// that is none; zero: it does not, the worker delivers behind its back.
    pub first_try: Duration,
}

/// Bounds on what one message may be (contract 4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Octets of a finished message: 50 MB.
    pub message: usize,
    /// Envelope recipients: 1,000.
    pub recipients: usize,
    /// Octets of the header block: 100 KB.
    pub header: usize,
    /// Messages in a batch: 100.
    pub batch: usize,
    /// Octets that all doors together may hold in memory (`MEMORY`): 128 MiB.
    pub memory: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { message: 50_000_000, recipients: 1_000, header: 102_400, batch: 100, memory: 128 << 20 }
    }
}
