//! The words commands are made of, each refused at birth if it could break out of its place.

use crate::limits;
use envelope::{Address, ReversePath};
use std::fmt;

macro_rules! shown {
    ($name:ident) => {
        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

/// The name a client gives in EHLO. Domain, address literal or whatever it said: real clients say
/// much, so only blanks, control characters and length are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HelloName(Box<str>);
shown!(HelloName);

impl HelloName {
    pub fn parse(text: &str) -> Option<Self> {
        let fits = !text.is_empty() && text.len() <= limits::HELLO_NAME;
        let plain = !text.chars().any(|c| c.is_whitespace() || c.is_control());
        (fits && plain).then(|| Self(text.into()))
    }

    /// What to say when there is no name to give.
    pub fn localhost() -> Self {
        Self("localhost".into())
    }
}

/// A single printable word: a mechanism name, the argument of VRFY.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Word(Box<str>);
shown!(Word);

impl Word {
    pub fn parse(text: &str) -> Option<Self> {
        let plain = !text.is_empty() && !text.chars().any(char::is_control);
        plain.then(|| Self(text.into()))
    }
}

/// Text in the encoding of RFC 3461 4: printable ASCII, `+` and `=` only as `+XX`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Xtext(Box<str>);
shown!(Xtext);

impl Xtext {
    /// Takes text that is already encoded, of at most `limit` octets.
    pub fn parse(text: &str, limit: usize) -> Option<Self> {
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            let hex = |byte: Option<u8>| byte.is_some_and(|b| matches!(b, b'0'..=b'9' | b'A'..=b'F'));
            let good = match byte {
                b'+' => hex(bytes.next()) && hex(bytes.next()),
                b'=' => false,
                byte => byte.is_ascii_graphic(),
            };
            if !good {
                return None;
            }
        }
        (!text.is_empty() && text.len() <= limit).then(|| Self(text.into()))
    }

    /// Encodes any text.
    pub fn encode(text: &str) -> Self {
        let mut out = String::with_capacity(text.len());
        for byte in text.bytes() {
            match byte {
                b'+' | b'=' => out.push_str(&format!("+{byte:02X}")),
                byte if byte.is_ascii_graphic() => out.push(char::from(byte)),
                byte => out.push_str(&format!("+{byte:02X}")),
            }
        }
        Self(out.into())
    }

    /// The text behind it; `None` when that is not UTF-8.
    pub fn decode(&self) -> Option<String> {
        let mut bytes = self.0.bytes();
        let mut out = Vec::with_capacity(self.0.len());
        let digit = |byte: Option<u8>| byte.and_then(|b| char::from(b).to_digit(16));
        while let Some(byte) = bytes.next() {
            if byte == b'+' {
                let (high, low) = (digit(bytes.next())?, digit(bytes.next())?);
                out.push((high * 16 + low) as u8);
            } else {
                out.push(byte);
            }
        }
        String::from_utf8(out).ok()
    }
}

/// What stands between the angle brackets of MAIL and RCPT. Printing an address that holds a control
/// character is impossible: the address type refuses it, and so does this.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Path(Option<Address>);

impl Path {
    /// `None` when the address could not travel on one line.
    pub fn new(path: &ReversePath) -> Option<Self> {
        let safe = !path.as_str().chars().any(char::is_control);
        safe.then(|| Self(path.0.clone()))
    }

    /// As [`Path::new`], for a forward-path.
    pub fn forward(address: &Address) -> Option<Self> {
        Self::new(&ReversePath(Some(address.clone())))
    }

    /// The address; `None` for the null path `<>`.
    pub fn address(&self) -> Option<&Address> {
        self.0.as_ref()
    }
}

impl From<Path> for ReversePath {
    fn from(path: Path) -> Self {
        Self(path.0)
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.as_ref().map_or(Ok(()), |address| f.write_str(address.as_str()))
    }
}
