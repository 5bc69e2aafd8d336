//! A mailbox as people write it: a display name and an address (RFC 5322 3.4).

use crate::{Address, AddressError};

/// `Name <a@b>` or `a@b`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailbox {
    /// Decoded display name, without quotes; `None` when there is none.
    pub name: Option<Box<str>>,
    pub address: Address,
}

/// Why a text is not a mailbox or a list of them. `Display` is a sentence for the sender.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailboxError {
    #[error("{0}")]
    Address(#[from] AddressError),
    #[error("a group (\"name: a, b;\") is not accepted; list the addresses")]
    Group,
    #[error("{0}")]
    Syntax(&'static str),
}

impl Mailbox {
    /// Parses exactly one mailbox.
    pub fn parse(text: &str) -> Result<Self, MailboxError> {
        let mut all = Self::parse_list(text)?;
        match (all.pop(), all.is_empty()) {
            (Some(one), true) => Ok(one),
            _ => Err(MailboxError::Syntax("expected a single address")),
        }
    }

    /// Parses a comma-separated list; at least one mailbox.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, MailboxError> {
        text.split(',').map(|t| Ok(Self { name: None, address: Address::parse(t.trim())? })).collect()
    }
}
