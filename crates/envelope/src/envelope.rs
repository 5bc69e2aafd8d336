//! The envelope: who is told about trouble, who receives (RFC 5321 2.3.1, RFC 3461).

use crate::Address;

/// The reverse-path of `MAIL FROM`; `None` is the null reverse-path `<>`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct ReversePath(pub Option<Address>);

impl ReversePath {
    /// The text between the angle brackets; empty for the null reverse-path.
    pub fn as_str(&self) -> &str {
        self.0.as_ref().map_or("", Address::as_str)
    }
}

impl From<Address> for ReversePath {
    fn from(address: Address) -> Self {
        Self(Some(address))
    }
}

/// What a recipient's sender wants to be told (RFC 3461 4.1). Default: nothing said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Notify {
    pub never: bool,
    pub success: bool,
    pub failure: bool,
    pub delay: bool,
}

/// One forward-path with its DSN parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    pub address: Address,
    pub notify: Notify,
    /// `ORCPT` as given, still in xtext.
    pub orcpt: Option<Box<str>>,
}

impl From<Address> for Recipient {
    fn from(address: Address) -> Self {
        Self { address, notify: Notify::default(), orcpt: None }
    }
}

/// How much of a message a failure report returns (RFC 3461 4.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ret {
    Full,
    Headers,
}

/// Reverse-path, forward-paths and the options that travel with them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Envelope {
    pub from: ReversePath,
    /// At least one; no address twice.
    pub to: Vec<Recipient>,
    pub ret: Option<Ret>,
    /// `ENVID` as given, still in xtext.
    pub envid: Option<Box<str>>,
}

impl Envelope {
    /// An envelope without DSN options; repeated addresses are kept once, in order.
    pub fn new(from: ReversePath, to: impl IntoIterator<Item = Address>) -> Self {
        let all: Vec<Address> = to.into_iter().collect();
        let mut seen = std::collections::HashSet::with_capacity(all.len());
        let first: Vec<bool> = all.iter().map(|address| seen.insert(address)).collect();
        let kept = all.into_iter().zip(first).filter(|(_, first)| *first);
        let unique = kept.map(|(address, _)| address.into()).collect();
        Self { from, to: unique, ret: None, envid: None }
    }
}
