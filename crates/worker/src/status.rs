//! A relay as operators see it.

use jiff::Timestamp;
use std::sync::Arc;

/// How a relay does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayStatus {
    pub name: Arc<str>,
    pub url: Arc<str>,
    /// Why it is not used at the moment; `None`: it is.
    pub trouble: Option<String>,
    /// When it last took a mail.
    pub last_success: Option<Timestamp>,
    /// Mails it took since start.
    pub sent: u64,
}
