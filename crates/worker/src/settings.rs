//! What the worker must be told.

use crate::RetryProfile;
use queue::Priority;
use send::Sender;
use std::sync::Arc;

pub use crate::health::rate::Rate;

/// A relay: a way out with its bounds.
#[derive(Clone)]
pub struct Relay {
    pub name: Arc<str>,
    /// As an operator knows it, without secrets: `smtp://mail.example:25`.
    pub url: Arc<str>,
    pub sender: Arc<dyn Sender>,
    /// Connections at one time (`MAX_WORKERS`): 1 or more.
    pub connections: usize,
    /// Jobs a connection leases at once (`BATCH_LENGTH`): 1 or more.
    pub batch: usize,
    /// Mails per time (`RATE`); `None`: as many as it takes.
    pub rate: Option<Rate>,
}

impl Relay {
    /// A relay with ten connections of up to 64 mails at once, shown by its name.
    pub fn new(name: impl Into<Arc<str>>, sender: Arc<dyn Sender>) -> Self {
        let name = name.into();
        Self { url: name.clone(), name, sender, connections: 10, batch: 64, rate: None }
    }
}

/// The relays that jobs of one route may take.
#[derive(Clone)]
pub struct Route {
    pub name: Arc<str>,
    /// By priority: a relay is given mail while all before it are in trouble or paused.
    pub relays: Vec<Relay>,
}

/// What holds for all routes.
#[derive(Debug, Clone)]
pub struct WorkerSettings {
    /// For normal and bulk mail.
    pub retry: RetryProfile,
    /// For urgent mail.
    pub urgent: RetryProfile,
}

impl Default for WorkerSettings {
    fn default() -> Self {
        Self::new(RetryProfile::default())
    }
}

impl WorkerSettings {
    /// Urgent mail has a profile of its own, and never waits longer than other mail.
    pub fn new(retry: RetryProfile) -> Self {
        Self { urgent: RetryProfile::urgent().no_later_than(&retry), retry }
    }

    /// The profile of mail with this priority.
    pub fn profile(&self, priority: Priority) -> &RetryProfile {
        if priority == Priority::Urgent { &self.urgent } else { &self.retry }
    }
}
