//! Checking signatures.

use super::body::BodyHash;
use super::field::{Header, put_relaxed};
use super::record::{KeyRecord, decode, record_name};
use super::{DkimFault, KeyKind, tags};
use jiff::Timestamp;

/// Signatures of one mail that are looked at; each costs a look-up and a public-key operation.
pub const MAX_SIGNATURES: usize = 8;

/// Names in one `h=`.
const MAX_NAMES: usize = 200;

/// One signature of a mail and what became of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// `d=` as given; empty when the field is malformed.
    pub domain: String,
    pub selector: String,
    pub outcome: Result<KeyKind, DkimFault>,
}

/// Checks the signatures of a mail from the top, at most [`MAX_SIGNATURES`] of them. `lookup` returns the text
/// of the TXT record at a name. A signature with `l=` is not accepted, since it lets text be added.
pub fn verify(
    header: &[u8],
    body: &[u8],
    now: Timestamp,
    mut lookup: impl FnMut(&str) -> Option<String>,
) -> Vec<Verified> {
    let header = Header::read(header);
    let mut hashes = Hashes { body, relaxed: None, simple: None };
    let fields = header.all("DKIM-Signature").take(MAX_SIGNATURES);
    fields
        .map(|field| {
            let mut seen = Verified {
                domain: String::new(),
                selector: String::new(),
                outcome: Err(DkimFault::Malformed("it is not UTF-8")),
            };
            if let Ok(field) = std::str::from_utf8(field) {
                seen.outcome =
                    one(field, &header, &mut hashes, now, &mut lookup, &mut seen.domain, &mut seen.selector);
            }
            seen
        })
        .collect()
}

/// The body's hashes, each made once.
struct Hashes<'a> {
    body: &'a [u8],
    relaxed: Option<[u8; 32]>,
    simple: Option<[u8; 32]>,
}

impl Hashes<'_> {
    fn get(&mut self, relaxed: bool) -> [u8; 32] {
        let body = self.body;
        let slot = if relaxed { &mut self.relaxed } else { &mut self.simple };
        *slot.get_or_insert_with(|| {
            let mut hash = BodyHash::new(relaxed);
            hash.update(body);
            hash.finish()
        })
    }
}

/// What a signature field says.
struct Claim<'a> {
    kind: KeyKind,
    relaxed_header: bool,
    relaxed_body: bool,
    domain: &'a str,
    selector: &'a str,
    identity: Option<&'a str>,
    names: Vec<&'a str>,
    body: Vec<u8>,
    signature: Vec<u8>,
    expires: Option<i64>,
}

impl<'a> Claim<'a> {
    fn read(field: &'a str) -> Result<Self, DkimFault> {
        let malformed = DkimFault::Malformed;
        let (_, list) = field.split_once(':').ok_or(malformed("it has no value"))?;
        let all = tags::parse(list).ok_or(malformed("it is not a list of tags"))?;
        let find = |name: &str| tags::find(&all, name);
        if find("v") != Some("1") {
            return Err(malformed("v= is not 1"));
        }
        let kind = match find("a") {
            Some("rsa-sha256") => KeyKind::Rsa,
            Some("ed25519-sha256") => KeyKind::Ed25519,
            _ => return Err(DkimFault::Unsupported("the algorithm")),
        };
        let form = |name: &str| match name {
            "relaxed" => Ok(true),
            "simple" => Ok(false),
            _ => Err(DkimFault::Unsupported("the canonical form")),
        };
        let (head, body) =
            find("c").map_or(("simple", "simple"), |c| c.split_once('/').unwrap_or((c, "simple")));
        if find("l").is_some() {
            return Err(DkimFault::Unsupported("a body length (l=)"));
        }
        if find("q").is_some_and(|q| !q.split(':').any(|one| one.trim() == "dns/txt")) {
            return Err(DkimFault::Unsupported("the query method"));
        }
        let names = find("h").ok_or(malformed("h= is missing"))?;
        let names: Vec<&str> = names.split(':').map(str::trim).take(MAX_NAMES + 1).collect();
        if names.len() > MAX_NAMES {
            return Err(malformed("h= names more than 200 fields"));
        }
        let bytes =
            |name: &'static str, fault: &'static str| find(name).and_then(decode).ok_or(malformed(fault));
        let expires =
            find("x").map(|x| x.parse().map_err(|_| malformed("x= is not a number"))).transpose()?;
        Ok(Self {
            kind,
            relaxed_header: form(head)?,
            relaxed_body: form(body)?,
            domain: find("d").filter(|d| !d.is_empty()).ok_or(malformed("d= is missing"))?,
            selector: find("s").filter(|s| !s.is_empty()).ok_or(malformed("s= is missing"))?,
            identity: find("i"),
            names,
            body: bytes("bh", "bh= is missing or not base64")?,
            signature: bytes("b", "b= is missing or not base64")?,
            expires,
        })
    }

    /// Whether `i=` is of the domain, or, where the key allows it, below it.
    fn identity_is_good(&self, strict: bool) -> bool {
        let Some(identity) = self.identity else { return true };
        let Some((_, host)) = identity.rsplit_once('@') else { return false };
        let (host, domain) = (host.to_ascii_lowercase(), self.domain.to_ascii_lowercase());
        host == domain || !strict && host.strip_suffix(&domain).is_some_and(|sub| sub.ends_with('.'))
    }
}

fn one(
    field: &str,
    header: &Header<'_>,
    hashes: &mut Hashes<'_>,
    now: Timestamp,
    lookup: &mut impl FnMut(&str) -> Option<String>,
    domain: &mut String,
    selector: &mut String,
) -> Result<KeyKind, DkimFault> {
    let claim = Claim::read(field)?;
    (*domain, *selector) = (claim.domain.to_owned(), claim.selector.to_owned());
    if !claim.names.iter().any(|name| name.eq_ignore_ascii_case("From")) {
        return Err(DkimFault::FromNotSigned);
    }
    if claim.expires.is_some_and(|at| at < now.as_second()) {
        return Err(DkimFault::Expired);
    }
    let text = lookup(&record_name(claim.selector, claim.domain)).ok_or(DkimFault::NoRecord)?;
    let key = KeyRecord::parse(&text)?;
    if key.kind != claim.kind {
        return Err(DkimFault::Record("k= is another algorithm than the signature's"));
    }
    if !claim.identity_is_good(key.strict) {
        return Err(DkimFault::Malformed("i= is not of the signing domain"));
    }
    if hashes.get(claim.relaxed_body) != claim.body.as_slice() {
        return Err(DkimFault::Body);
    }
    let mut signed = header.canonical(&claim.names, claim.relaxed_header);
    let bare = tags::without_signature(field);
    if claim.relaxed_header {
        put_relaxed(&mut signed, bare.as_bytes());
    } else {
        signed.extend_from_slice(bare.strip_suffix("\r\n").unwrap_or(&bare).as_bytes());
    }
    if key.verifies(&signed, &claim.signature) { Ok(claim.kind) } else { Err(DkimFault::Signature) }
}
