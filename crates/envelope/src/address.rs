//! One mail address: `local-part "@" domain` (RFC 5321 4.1.2, RFC 6531, RFC 5890).

use std::fmt;

/// A parsed address. Held as it travels: the local part quoted only when it must be, the domain in
/// lower-case A-labels, or an address literal in brackets.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Address {
    text: Box<str>,
    at: u32,
}

/// Why a text is not one address. `Display` is a sentence for the sender of the mail.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    #[error("the address is empty")]
    Empty,
    #[error("there is no \"@\" in it")]
    NoAt,
    #[error("the part before \"@\" is not valid: {0}")]
    Local(&'static str),
    #[error("the domain is not valid: {0}")]
    Domain(&'static str),
    #[error("it is longer than {0} octets")]
    TooLong(usize),
}

impl Address {
    /// Parses one bare address, no display name, no angle brackets.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let at = text.rfind('@').ok_or(AddressError::NoAt)?;
        Ok(Self { text: text.into(), at: at as u32 })
    }

    /// The address as it travels in `MAIL` and `RCPT`: `local@domain`.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The local part as it travels, with its quotes if it needs them.
    pub fn local(&self) -> &str {
        self.text.get(..self.at as usize).unwrap_or_default()
    }

    /// The domain: lower-case A-labels, or an address literal in brackets.
    pub fn domain(&self) -> &str {
        self.text.get(self.at as usize + 1..).unwrap_or_default()
    }

    /// Whether the address can travel only with SMTPUTF8 (RFC 6531): its local part is not ASCII.
    pub fn needs_smtputf8(&self) -> bool {
        !self.text.is_ascii()
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

impl std::str::FromStr for Address {
    type Err = AddressError;
    fn from_str(s: &str) -> Result<Self, Self::Err> {
        Self::parse(s)
    }
}
