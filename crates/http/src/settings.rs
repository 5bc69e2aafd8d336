//! What the door must be told.

use std::time::Duration;

/// Settings of the HTTP door.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HttpSettings {
    /// `PUBLIC_URL`: how people reach us, e.g. `https://mail.example.com`. Its host is one that an
    /// open door answers to.
    pub public_url: Option<String>,
    pub limits: HttpLimits,
}

/// Bounds on what a client may take of us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HttpLimits {
    /// Connections open at a time: 1,024. Further ones wait.
    pub connections: usize,
    /// Of them from one address elsewhere (IPv6: one /64): 512. Further ones are sent away with 429.
    pub per_peer: usize,
    /// Calls of one project under way at a time: 512. Further ones get 429.
    pub per_project: usize,
    /// Time for the head of a request, idle time of a kept connection included: 30 s.
    pub header_timeout: Duration,
    /// Time without a single octet of the body: 30 s.
    pub body_idle: Duration,
    /// Time for the whole body: 10 minutes.
    pub body_total: Duration,
    /// How long open requests may go on once the door closes: 20 s.
    pub drain: Duration,
}

impl Default for HttpLimits {
    fn default() -> Self {
        Self {
            connections: 1_024,
            per_peer: 512,
            per_project: 512,
            header_timeout: Duration::from_secs(30),
            body_idle: Duration::from_secs(30),
            body_total: Duration::from_secs(600),
            drain: Duration::from_secs(20),
        }
    }
}

/// Who may come in, by the way they came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trust {
    /// `serve`: everything but `/livez` needs a key; `/readyz` is free on loopback.
    Keys,
    /// `dev`: clients of this machine need no key, but one that is given must be good. Others need one.
    Open,
    /// `control.sock`: the operator of this machine.
    Control,
    /// `submit.sock`: a user of this machine, who may send and read.
    Submit,
}
