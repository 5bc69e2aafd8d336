//! A relay as operators see it.

use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// How a relay does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayStatus {
    pub name: Arc<str>,
    /// The route it belongs to.
    pub route: Arc<str>,
    pub url: Arc<str>,
    /// Why it is not used at the moment; `None`: it is, or was paused by hand.
    pub trouble: Option<String>,
    /// When it is tried again, from now; `None`: it is in use, or being tried.
    pub again_in: Option<Duration>,
    /// Why an operator paused it.
    pub paused: Option<String>,
    /// Connections that may work at the moment.
    pub connections: usize,
    /// When it last took a mail.
    pub last_success: Option<Timestamp>,
    /// Mails it took since start.
    pub sent: u64,
    /// The programs at work for it.
    pub running: Vec<Program>,
}

/// A program that a relay of kind sendmail runs for one mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    pub pid: u32,
    /// Recipients of its mail.
    pub recipients: usize,
    pub since: Timestamp,
}
