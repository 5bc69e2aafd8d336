//! What the door must be told.

use rustls::ServerConfig;
use std::sync::Arc;
use std::time::Duration;

/// Settings of one listener.
#[derive(Debug, Clone)]
pub struct SubmissionSettings {
    /// Our name in greeting and EHLO.
    pub hostname: String,
    /// Whether peers on loopback and unix sockets may send without AUTH.
    pub allow_local: bool,
    /// `None`: STARTTLS is not offered, so AUTH only to local peers.
    pub tls: Option<Arc<ServerConfig>>,
    /// Octets of a message.
    pub max_size: usize,
    /// Clients at one time; more are sent away with 421.
    pub max_connections: usize,
    /// Of them from one address (IPv6: one /64). This machine's own are not counted.
    pub max_per_peer: usize,
    pub timeouts: Timeouts,
    /// `dev`: as `allow_local`, whatever that says. Peers from elsewhere still need AUTH.
    pub open: bool,
}

/// How long we wait (RFC 5321 4.5.3.2.7).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For the next whole command, or the next octets of a message.
    pub command: Duration,
    /// For a session between two messages, whatever it says meanwhile.
    pub useless: Duration,
    /// For storing a message; later it is given up with 451. Clients wait 10 minutes for our 250
    /// (RFC 5321 4.5.3.2.6), many of them less.
    pub store: Duration,
    pub handshake: Duration,
    /// For taking what we write.
    pub write: Duration,
    /// For a message before `rate` counts.
    pub body: Duration,
    /// Octets of a message that buy one more second.
    pub rate: u64,
}

impl Default for Timeouts {
    fn default() -> Self {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        Self {
            command: minutes(5),
            useless: minutes(30),
            store: minutes(4),
            handshake: minutes(1),
            write: minutes(5),
            body: minutes(5),
            rate: 1024,
        }
    }
}
