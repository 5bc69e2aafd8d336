//! The part after `@`: a domain name as A-labels, or an address literal (RFC 5321 4.1.2, 4.1.3).

use crate::AddressError;
use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use std::borrow::Cow;
use std::net::{Ipv4Addr, Ipv6Addr};

/// Octets of a domain as written, before it becomes A-labels; bounds the work of a conversion.
const MAX_WRITTEN: usize = 1020;
/// Octets of a domain on the wire (RFC 5321 4.5.3.1.2).
const MAX_DOMAIN: usize = 255;
/// Octets of a label (RFC 1035 2.3.4).
const MAX_LABEL: usize = 63;

/// The one form in which this domain travels: lower-case A-labels, or a literal in brackets.
pub(crate) fn canonical(text: &str) -> Result<Cow<'_, str>, AddressError> {
    if text.is_empty() {
        return Err(AddressError::Domain("it is empty; write the domain after \"@\""));
    }
    if text.len() > MAX_WRITTEN {
        return Err(AddressError::TooLong(MAX_DOMAIN));
    }
    if let Some(rest) = text.strip_prefix('[') {
        return literal(rest).map(Cow::Owned);
    }
    let plain = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.');
    let name = if plain && !text.contains("xn--") { Cow::Borrowed(text) } else { to_a_labels(text)? };
    check_labels(&name)?;
    Ok(name)
}

/// The domain as people read it; unchanged where it has no Unicode form.
pub(crate) fn readable(name: &str) -> Cow<'_, str> {
    if !name.contains("xn--") {
        return Cow::Borrowed(name);
    }
    let (shown, fault) = Uts46::new().to_unicode(name.as_bytes(), AsciiDenyList::STD3, Hyphens::Allow);
    if fault.is_err() { Cow::Borrowed(name) } else { shown }
}

fn to_a_labels(text: &str) -> Result<Cow<'_, str>, AddressError> {
    if text.bytes().any(|b| b.is_ascii() && !b.is_ascii_alphanumeric() && b != b'-' && b != b'.') {
        return Err(AddressError::Domain(
            "only letters, digits, \"-\" and \".\" may stand in it; remove the others",
        ));
    }
    Uts46::new()
        .to_ascii(text.as_bytes(), AsciiDenyList::STD3, Hyphens::Allow, DnsLength::Ignore)
        .map_err(|_| AddressError::Domain("it is not a valid international domain name; check its spelling"))
}

fn check_labels(name: &str) -> Result<(), AddressError> {
    if name.len() > MAX_DOMAIN {
        return Err(AddressError::TooLong(MAX_DOMAIN));
    }
    if name.ends_with('.') {
        return Err(AddressError::Domain("it ends with a dot; remove the dot"));
    }
    for label in name.split('.') {
        let problem = match label {
            "" => "two dots stand together or it begins with a dot; remove one",
            _ if label.len() > MAX_LABEL => {
                "a part between dots is longer than 63 octets; check its spelling"
            }
            _ if label.starts_with('-') || label.ends_with('-') => {
                "a part between dots begins or ends with \"-\"; check its spelling"
            }
            _ => continue,
        };
        return Err(AddressError::Domain(problem));
    }
    Ok(())
}

fn literal(rest: &str) -> Result<String, AddressError> {
    let bad = AddressError::Domain("an address literal must read [192.0.2.1] or [IPv6:2001:db8::1]");
    let Some(inside) = rest.strip_suffix(']') else { return Err(bad) };
    match inside.split_at_checked(5) {
        Some((tag, six)) if tag.eq_ignore_ascii_case("IPv6:") => {
            six.parse::<Ipv6Addr>().map(|ip| format!("[IPv6:{ip}]")).map_err(|_| bad)
        }
        _ => inside.parse::<Ipv4Addr>().map(|ip| format!("[{ip}]")).map_err(|_| bad),
    }
}
