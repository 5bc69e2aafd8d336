//! One mail address: `local-part "@" domain` (RFC 5321 4.1.2, RFC 6531, RFC 5890).

use crate::domain;
use std::borrow::Cow;
use std::fmt;

/// Octets of a local part (RFC 5321 4.5.3.1.1).
const MAX_LOCAL: usize = 64;
/// Octets of an address: a path of 256 without its angle brackets (RFC 5321 4.5.3.1.3).
const MAX_ADDRESS: usize = 254;

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
    #[error("the address is empty; write it as name@domain")]
    Empty,
    #[error("there is no \"@\" in it; write it as name@domain")]
    NoAt,
    #[error("the part before \"@\" is not valid: {0}")]
    Local(&'static str),
    #[error("the domain is not valid: {0}")]
    Domain(&'static str),
    #[error("it is longer than {0} octets; check that it is one address")]
    TooLong(usize),
}

impl Address {
    /// Parses one bare address: no display name, no angle brackets, no blanks around it. At most 64
    /// octets before `@`, 255 after it, 254 in all. Control characters and a leading `-`, which a
    /// program that gets the address as argument would take for an option, are refused.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.is_empty() {
            return Err(AddressError::Empty);
        }
        let (local, domain) = match text.strip_prefix('"') {
            Some(rest) => quoted(rest)?,
            None => {
                let (local, domain) = text.split_once('@').ok_or(AddressError::NoAt)?;
                check_dot_string(local)?;
                (Cow::Borrowed(local), domain)
            }
        };
        if local.len() > MAX_LOCAL {
            return Err(AddressError::TooLong(MAX_LOCAL));
        }
        let domain = domain::canonical(domain)?;
        let whole = local.len() + 1 + domain.len();
        if whole > MAX_ADDRESS {
            return Err(AddressError::TooLong(MAX_ADDRESS));
        }
        let at = local.len() as u32;
        if text.len() == whole && matches!((&local, &domain), (Cow::Borrowed(_), Cow::Borrowed(_))) {
            return Ok(Self { text: text.into(), at });
        }
        let mut joined = String::with_capacity(whole);
        joined.push_str(&local);
        joined.push('@');
        joined.push_str(&domain);
        Ok(Self { text: joined.into(), at })
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

    /// The address as people read it: the domain in Unicode. It parses back to this address.
    pub fn display(&self) -> Cow<'_, str> {
        match domain::readable(self.domain()) {
            Cow::Borrowed(_) => Cow::Borrowed(&self.text),
            Cow::Owned(domain) => Cow::Owned(format!("{}@{domain}", self.local())),
        }
    }

    /// Whether the address can travel only with SMTPUTF8 (RFC 6531): its local part is not ASCII.
    pub fn needs_smtputf8(&self) -> bool {
        !self.text.is_ascii()
    }
}

/// `atext` of RFC 5322 3.2.3, and every character above ASCII that prints (RFC 6531 3.3).
fn is_atext(c: char) -> bool {
    match c {
        _ if c.is_ascii_alphanumeric() => true,
        '!' | '#' | '$' | '%' | '&' | '\'' | '*' | '+' | '-' | '/' | '=' | '?' | '^' | '_' | '`' | '{'
        | '|' | '}' | '~' => true,
        _ => !c.is_ascii() && prints(c) && !c.is_whitespace(),
    }
}

/// Not a control character and no line end of Unicode's either.
fn prints(c: char) -> bool {
    !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}')
}

fn check_dot_string(local: &str) -> Result<(), AddressError> {
    let problem = match local {
        "" => "it is empty; write a name before \"@\"",
        _ if local.starts_with('-') => "it begins with \"-\"; no mail program takes such an address",
        _ if local.starts_with('.') || local.ends_with('.') || local.contains("..") => {
            "a dot may stand only between two other characters; put the part in double quotes if it is meant so"
        }
        _ if local.chars().all(|c| c == '.' || is_atext(c)) => return Ok(()),
        _ if !local.chars().all(prints) => "it holds a control character; remove it",
        _ => "it holds a blank or a character that needs double quotes around the part",
    };
    Err(AddressError::Local(problem))
}

/// Reads a quoted local part behind its first quote, up to the domain; in its canonical form.
fn quoted(rest: &str) -> Result<(Cow<'_, str>, &str), AddressError> {
    let mut content = String::new();
    let mut chars = rest.char_indices();
    let tail = loop {
        let c = match chars.next() {
            None => return Err(AddressError::Local("its closing quote is missing; add it")),
            Some((i, '"')) => break rest.get(i + 1..).unwrap_or_default(),
            Some((_, '\\')) => chars.next().map_or('\0', |(_, c)| c),
            Some((_, c)) => c,
        };
        if !prints(c) {
            return Err(AddressError::Local("it holds a control character; remove it"));
        }
        // Unescaped text is never longer than the canonical form, which may have 64 octets.
        if content.len() > MAX_LOCAL {
            return Err(AddressError::TooLong(MAX_LOCAL));
        }
        content.push(c);
    };
    let domain = tail.strip_prefix('@').ok_or(AddressError::NoAt)?;
    if content.starts_with('-') {
        return Err(AddressError::Local("it begins with \"-\"; no mail program takes such an address"));
    }
    if check_dot_string(&content).is_err() {
        content = format!("\"{}\"", content.replace('\\', "\\\\").replace('"', "\\\""));
    }
    Ok((Cow::Owned(content), domain))
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
