//! Key records in DNS (RFC 6376 3.6.1).

use super::{DkimFault, KeyKind, tags};
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{
    ED25519, RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY as RSA, UnparsedPublicKey,
};
use base64::Engine;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

/// Octets of one string of a TXT record (RFC 1035 3.3).
const MAX_STRING: usize = 255;

/// The name a key record stands at: `selector._domainkey.domain`.
pub fn record_name(selector: &str, domain: &str) -> String {
    format!("{selector}._domainkey.{domain}")
}

/// A line for a zone file, the text cut into strings of at most 255 octets.
pub fn zone_line(selector: &str, domain: &str, record: &str) -> String {
    let mut line = format!("{}. IN TXT (", record_name(selector, domain));
    let mut rest = record;
    while !rest.is_empty() {
        let (part, tail) = rest.split_at_checked(MAX_STRING).unwrap_or((rest, ""));
        line.push_str(" \"");
        line.push_str(part);
        line.push('"');
        rest = tail;
    }
    line.push_str(" )");
    line
}

/// A public key as published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyRecord {
    pub kind: KeyKind,
    /// `t=y`: the domain tests; a failure should be treated as no signature.
    pub testing: bool,
    /// `t=s`: the identity must be of the very domain.
    pub strict: bool,
    public: Vec<u8>,
}

/// Blanks in the record and missing padding are forgiven, as receivers do.
const FORGIVING: GeneralPurpose = GeneralPurpose::new(
    &base64::alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

pub(super) fn decode(value: &str) -> Option<Vec<u8>> {
    FORGIVING.decode(tags::packed(value)).ok()
}

impl KeyRecord {
    /// Reads the text of a TXT record, its strings joined.
    pub fn parse(text: &str) -> Result<Self, DkimFault> {
        let all = tags::parse(text).ok_or(DkimFault::Record("it is not a list of tags"))?;
        let find = |name: &str| tags::find(&all, name);
        let is_first = all.first().is_some_and(|(name, _)| *name == "v");
        if find("v").is_some_and(|v| v != "DKIM1" || !is_first) {
            return Err(DkimFault::Record("it does not begin with v=DKIM1"));
        }
        let lists = |name: &str, wanted: &[&str]| {
            find(name).is_none_or(|list| list.split(':').any(|one| wanted.contains(&one.trim())))
        };
        if !lists("h", &["sha256"]) {
            return Err(DkimFault::Record("h= does not allow sha256"));
        }
        if !lists("s", &["*", "email"]) {
            return Err(DkimFault::Record("s= does not allow mail"));
        }
        let kind = match find("k").unwrap_or("rsa") {
            "rsa" => KeyKind::Rsa,
            "ed25519" => KeyKind::Ed25519,
            _ => return Err(DkimFault::Record("k= is neither rsa nor ed25519")),
        };
        let public = match find("p") {
            None => return Err(DkimFault::Record("p= is missing")),
            Some("") => return Err(DkimFault::Revoked),
            Some(value) => decode(value).ok_or(DkimFault::Record("p= is not base64"))?,
        };
        let flag = |flag: &str| find("t").is_some_and(|t| t.split(':').any(|one| one.trim() == flag));
        Ok(Self { kind, testing: flag("y"), strict: flag("s"), public })
    }

    /// Whether both publish one key, whatever else they say.
    pub fn is_same_key(&self, other: &Self) -> bool {
        (self.kind, &self.public) == (other.kind, &other.public)
    }

    /// Whether the signature is this key's over what is hashed of a header. RSA below 1024 bits never
    /// verifies (RFC 8301).
    pub(super) fn verifies(&self, signed: &[u8], signature: &[u8]) -> bool {
        match self.kind {
            KeyKind::Rsa => UnparsedPublicKey::new(&RSA, &self.public).verify(signed, signature),
            KeyKind::Ed25519 => {
                let hash = digest(&SHA256, signed);
                UnparsedPublicKey::new(&ED25519, &self.public).verify(hash.as_ref(), signature)
            }
        }
        .is_ok()
    }
}
