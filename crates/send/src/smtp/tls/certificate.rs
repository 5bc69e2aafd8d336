//! What a certificate says of itself (RFC 5280), read far enough to explain why it is not trusted and to check
//! the dates of one that is trusted by being listed. Foreign bytes: anything odd reads as absent.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Characters of a name that are shown.
const NAME: usize = 128;
/// Names that are kept.
const NAMES: usize = 32;
const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];
const ALTERNATIVE_NAMES: &[u8] = &[0x55, 0x1d, 0x11];
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

const BOOLEAN: u8 = 0x01;
const OCTETS: u8 = 0x04;
const OID: u8 = 0x06;
const UTC_TIME: u8 = 0x17;
const GENERAL_TIME: u8 = 0x18;
const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const VERSION: u8 = 0xa0;
const EXTENSIONS: u8 = 0xa3;
const DNS_NAME: u8 = 0x82;
const ADDRESS: u8 = 0x87;

/// Printable fields of one certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// Its Common Name, or else its organisation.
    pub subject: Box<str>,
    /// Who signed it, in the same way.
    pub issuer: Box<str>,
    /// Host names and addresses it is for (Subject Alternative Names).
    pub names: Vec<Box<str>>,
    pub not_before: Timestamp,
    pub not_after: Timestamp,
    /// Marked as an authority: CA:TRUE.
    pub is_authority: bool,
    /// Subject and issuer are the same.
    pub is_self_signed: bool,
    /// SHA-256 of the whole, in hexadecimal.
    pub fingerprint: Box<str>,
}

impl CertificateFacts {
    /// Reads DER; `None` when it is no certificate.
    pub fn read(der: &[u8]) -> Option<Self> {
        let mut whole = Der(der).inner(SEQUENCE)?;
        let mut body = whole.inner(SEQUENCE)?;
        body.skip_if(VERSION);
        body.next()?; // serial number
        body.next()?; // algorithm of the signature
        let issuer = body.inner(SEQUENCE)?;
        let mut validity = body.inner(SEQUENCE)?;
        let (not_before, not_after) = (validity.time()?, validity.time()?);
        let subject = body.inner(SEQUENCE)?;
        body.next()?; // public key
        let mut facts = Self {
            subject: name(subject).unwrap_or_default(),
            issuer: name(issuer).unwrap_or_default(),
            names: Vec::new(),
            not_before,
            not_after,
            is_authority: false,
            is_self_signed: subject.0 == issuer.0,
            fingerprint: hexadecimal(&fingerprint(der)),
        };
        while let Some((tag, content)) = body.next() {
            if tag == EXTENSIONS {
                let mut list = Der(content).inner(SEQUENCE)?;
                while let Some(extension) = list.inner(SEQUENCE) {
                    facts.add(extension);
                }
            }
        }
        Some(facts)
    }

    fn add(&mut self, mut extension: Der<'_>) {
        let Some((OID, oid)) = extension.next() else { return };
        extension.skip_if(BOOLEAN);
        let Some((OCTETS, value)) = extension.next() else { return };
        let Some(mut value) = Der(value).inner(SEQUENCE) else { return };
        if oid == BASIC_CONSTRAINTS {
            self.is_authority = matches!(value.next(), Some((BOOLEAN, [octet])) if *octet != 0);
        } else if oid == ALTERNATIVE_NAMES {
            while let Some((tag, content)) = value.next().filter(|_| self.names.len() < NAMES) {
                self.names.extend(alternative_name(tag, content));
            }
        }
    }
}

/// SHA-256, what FINGERPRINT lists.
pub(super) fn fingerprint(der: &[u8]) -> [u8; 32] {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, der);
    digest.as_ref().try_into().unwrap_or_default()
}

pub(super) fn hexadecimal(octets: &[u8]) -> Box<str> {
    octets.iter().map(|octet| format!("{octet:02x}")).collect::<String>().into()
}

fn alternative_name(tag: u8, content: &[u8]) -> Option<Box<str>> {
    match tag {
        DNS_NAME => Some(shown(content)),
        ADDRESS => {
            let v4 = <[u8; 4]>::try_from(content).map(|octets| Ipv4Addr::from(octets).to_string());
            let v6 = <[u8; 16]>::try_from(content).map(|octets| Ipv6Addr::from(octets).to_string());
            v4.or(v6).ok().map(Into::into)
        }
        _ => None,
    }
}

/// The Common Name of a distinguished name, else its organisation.
fn name(mut distinguished: Der<'_>) -> Option<Box<str>> {
    let mut organisation = None;
    while let Some(mut set) = distinguished.inner(SET) {
        let mut pair = set.inner(SEQUENCE)?;
        let ((OID, oid), (_, text)) = (pair.next()?, pair.next()?) else { return None };
        if oid == COMMON_NAME {
            return Some(shown(text));
        }
        if oid == ORGANISATION {
            organisation = Some(shown(text));
        }
    }
    organisation
}

fn shown(text: &[u8]) -> Box<str> {
    ::smtp::escape(&String::from_utf8_lossy(text), NAME).into()
}

/// A run of DER elements.
#[derive(Debug, Clone, Copy)]
struct Der<'a>(&'a [u8]);

impl<'a> Der<'a> {
    /// The next element's tag and content; tags of one octet are all that a certificate has.
    fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, first], rest) = self.0.split_first_chunk::<2>()?;
        let (length, rest) = match first {
            0..=0x7f => (usize::from(first), rest),
            0x81..=0x84 => {
                let (octets, rest) = rest.split_at_checked(usize::from(first & 0x7f))?;
                (octets.iter().fold(0, |length, octet| length << 8 | usize::from(*octet)), rest)
            }
            _ => return None,
        };
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next element, if it has this tag.
    fn inner(&mut self, tag: u8) -> Option<Der<'a>> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| Der(content))
    }

    fn skip_if(&mut self, tag: u8) {
        if self.0.first() == Some(&tag) {
            self.next();
        }
    }

    /// RFC 5280 4.1.2.5: two digits of a year mean 1950 to 2049.
    fn time(&mut self) -> Option<Timestamp> {
        let (tag, content) = self.next()?;
        let text = std::str::from_utf8(content).ok()?.strip_suffix('Z')?;
        let (century, digits) = match tag {
            UTC_TIME => (if text.starts_with(['0', '1', '2', '3', '4']) { "20" } else { "19" }, text),
            GENERAL_TIME => ("", text),
            _ => return None,
        };
        let digits = format!("{century}{digits}");
        let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i8>().ok();
        let year = digits.get(0..4)?.parse::<i16>().ok()?;
        let time =
            DateTime::new(year, part(4, 6)?, part(6, 8)?, part(8, 10)?, part(10, 12)?, part(12, 14)?, 0);
        TimeZone::UTC.to_timestamp(time.ok()?).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};

    fn made() -> Vec<u8> {
        let mut params =
            CertificateParams::new(["mx.example".into(), "127.0.0.1".into(), "::1".into()]).unwrap();
        params.distinguished_name.push(DnType::CommonName, "the\nrelay");
        params.not_before = date_time_ymd(1999, 12, 31);
        params.not_after = date_time_ymd(2061, 2, 3);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.self_signed(&KeyPair::generate().unwrap()).unwrap().der().to_vec()
    }

    #[test]
    fn a_certificate_is_read() {
        let facts = CertificateFacts::read(&made()).unwrap();
        assert_eq!((&*facts.subject, &facts.subject), ("the\\nrelay", &facts.issuer));
        assert_eq!(facts.names, ["mx.example", "127.0.0.1", "::1"].map(Box::from));
        assert_eq!(facts.not_before.to_string(), "1999-12-31T00:00:00Z");
        assert_eq!(facts.not_after.to_string(), "2061-02-03T00:00:00Z");
        assert!(facts.is_authority && facts.is_self_signed);
        assert_eq!(facts.fingerprint.len(), 64);
    }

    #[test]
    fn damaged_bytes_are_no_certificate_and_no_panic() {
        let good = made();
        for cut in 0..good.len() {
            let _nothing_or_less = CertificateFacts::read(&good[..cut]);
            let mut bad = good.clone();
            bad[cut] = bad[cut].wrapping_add(0x55);
            let _something_else = CertificateFacts::read(&bad);
        }
        assert_eq!(CertificateFacts::read(&good[..good.len() - 1]), None);
        assert_eq!(CertificateFacts::read(&[0x30, 0x84, 0xff, 0xff, 0xff, 0xff]), None);
        assert_eq!(CertificateFacts::read(b""), None);
    }
}
