//! Parameters of MAIL and RCPT (RFC 5321 4.1.1.11 and the extensions named).

use super::{CommandError, Xtext};
use crate::limits;
use envelope::{Notify, Ret};
use std::fmt;

/// RFC 6152, RFC 3030.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Body {
    SevenBit,
    EightBitMime,
    BinaryMime,
}

/// What MAIL can carry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MailParameters {
    /// RFC 1870, octets.
    pub size: Option<u64>,
    pub body: Option<Body>,
    /// RFC 6531.
    pub smtputf8: bool,
    /// RFC 3461 4.3.
    pub ret: Option<Ret>,
    /// RFC 3461 4.4.
    pub envid: Option<Xtext>,
    /// RFC 4954 5; the inner `None` is `AUTH=<>`.
    pub auth: Option<Option<Xtext>>,
}

/// What RCPT can carry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RcptParameters {
    /// RFC 3461 4.1.
    pub notify: Notify,
    /// RFC 3461 4.2: `type;xtext`.
    pub orcpt: Option<Orcpt>,
}

/// An original recipient: an address type and xtext.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Orcpt(Box<str>);

impl Orcpt {
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, address) = text.split_once(';')?;
        let kind = !kind.is_empty() && kind.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let good = kind && text.len() <= limits::ORCPT && Xtext::parse(address, limits::ORCPT).is_some();
        good.then(|| Self(text.into()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MailParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(octets) = self.size {
            write!(f, " SIZE={octets}")?;
        }
        match self.body {
            Some(Body::SevenBit) => f.write_str(" BODY=7BIT")?,
            Some(Body::EightBitMime) => f.write_str(" BODY=8BITMIME")?,
            Some(Body::BinaryMime) => f.write_str(" BODY=BINARYMIME")?,
            None => {}
        }
        if self.smtputf8 {
            f.write_str(" SMTPUTF8")?;
        }
        match self.ret {
            Some(Ret::Full) => f.write_str(" RET=FULL")?,
            Some(Ret::Headers) => f.write_str(" RET=HDRS")?,
            None => {}
        }
        if let Some(envid) = &self.envid {
            write!(f, " ENVID={envid}")?;
        }
        match &self.auth {
            Some(Some(address)) => write!(f, " AUTH={address}"),
            Some(None) => f.write_str(" AUTH=<>"),
            None => Ok(()),
        }
    }
}

impl fmt::Display for RcptParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Notify { never, success, failure, delay } = self.notify;
        if never {
            f.write_str(" NOTIFY=NEVER")?;
        } else {
            let asked = [(success, "SUCCESS"), (failure, "FAILURE"), (delay, "DELAY")];
            let asked: Vec<&str> = asked.iter().filter(|(on, _)| *on).map(|(_, name)| *name).collect();
            if !asked.is_empty() {
                write!(f, " NOTIFY={}", asked.join(","))?;
            }
        }
        self.orcpt.as_ref().map_or(Ok(()), |orcpt| write!(f, " ORCPT={}", orcpt.0))
    }
}

impl MailParameters {
    pub(super) fn parse(text: &str) -> Result<Self, CommandError> {
        let mut all = Self::default();
        for parameter in text.split_ascii_whitespace() {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            let bad = CommandError::BadParameter;
            match name.to_ascii_uppercase().as_str() {
                "SIZE" if all.size.is_none() => all.size = Some(number(value).ok_or(bad)?),
                "BODY" if all.body.is_none() => all.body = Some(body(value).ok_or(bad)?),
                "SMTPUTF8" if value.is_empty() => all.smtputf8 = true,
                "RET" if all.ret.is_none() => all.ret = Some(ret(value).ok_or(bad)?),
                "ENVID" if all.envid.is_none() => {
                    all.envid = Some(Xtext::parse(value, limits::ENVID).ok_or(bad)?);
                }
                "AUTH" if all.auth.is_none() && value == "<>" => all.auth = Some(None),
                "AUTH" if all.auth.is_none() => {
                    all.auth = Some(Some(Xtext::parse(value, limits::MAIL_AUTH).ok_or(bad)?));
                }
                "SIZE" | "BODY" | "SMTPUTF8" | "RET" | "ENVID" | "AUTH" => return Err(bad),
                _ => return Err(CommandError::UnknownParameter),
            }
        }
        Ok(all)
    }
}

impl RcptParameters {
    pub(super) fn parse(text: &str) -> Result<Self, CommandError> {
        let mut all = Self::default();
        for parameter in text.split_ascii_whitespace() {
            let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
            match name.to_ascii_uppercase().as_str() {
                "NOTIFY" if all.notify == Notify::default() => {
                    all.notify = notify(value).ok_or(CommandError::BadParameter)?;
                }
                "ORCPT" if all.orcpt.is_none() => {
                    all.orcpt = Some(Orcpt::parse(value).ok_or(CommandError::BadParameter)?);
                }
                "NOTIFY" | "ORCPT" => return Err(CommandError::BadParameter),
                _ => return Err(CommandError::UnknownParameter),
            }
        }
        Ok(all)
    }
}

pub(super) fn number(text: &str) -> Option<u64> {
    let plain = text.len() <= limits::SIZE_DIGITS && text.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| text.parse().ok()).flatten()
}

fn body(text: &str) -> Option<Body> {
    match text.to_ascii_uppercase().as_str() {
        "7BIT" => Some(Body::SevenBit),
        "8BITMIME" => Some(Body::EightBitMime),
        "BINARYMIME" => Some(Body::BinaryMime),
        _ => None,
    }
}

fn ret(text: &str) -> Option<Ret> {
    match text.to_ascii_uppercase().as_str() {
        "FULL" => Some(Ret::Full),
        "HDRS" => Some(Ret::Headers),
        _ => None,
    }
}

/// `NEVER` stands alone (RFC 3461 4.1).
fn notify(text: &str) -> Option<Notify> {
    let mut asked = Notify::default();
    for word in text.split(',') {
        match word.to_ascii_uppercase().as_str() {
            "NEVER" => asked.never = true,
            "SUCCESS" => asked.success = true,
            "FAILURE" => asked.failure = true,
            "DELAY" => asked.delay = true,
            _ => return None,
        }
    }
    let alone = !asked.never || !(asked.success || asked.failure || asked.delay);
    alone.then_some(asked)
}
