//! Making signatures.

use super::field::{Header, SignedFields, put_relaxed};
use super::{SignError, SigningKey};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;

/// Columns of a line of the field.
const FOLD: usize = 78;

/// Who signs: a domain, the selector of the key, and the key.
#[derive(Debug, Clone, Copy)]
pub struct Signer<'a> {
    /// `d=`, in ASCII; for DMARC the domain of From or a parent of it. The caller sees to it that the
    /// sender may use it.
    pub domain: &'a str,
    pub selector: &'a str,
    pub key: &'a SigningKey,
    /// Seconds after which the signature is void (`x=`); `None`: never.
    pub expires: Option<u32>,
}

/// The signature fields to put in front of the header, one for each signer, in their order. `header` is
/// the header block as it will leave, `body` the hash of the whole body ([`super::BodyHash`]), `now` the time
/// of signing. All or none: one signer that cannot sign is an error.
pub fn sign(
    header: &[u8],
    body: [u8; 32],
    signers: &[Signer<'_>],
    fields: &SignedFields,
    now: Timestamp,
) -> Result<Vec<u8>, SignError> {
    let header = Header::read(header);
    if header.count("From") == 0 {
        return Err(SignError::NoFrom);
    }
    let mut names = fields.names(&header);
    if !names.iter().any(|name| name.eq_ignore_ascii_case("From")) {
        names.splice(0..0, std::iter::repeat_n("From", header.count("From") + 1));
    }
    let canonical = header.canonical(&names, true);
    let mut out = Vec::with_capacity(signers.len() * 1024);
    for signer in signers {
        let mut field = unsigned(signer, &names, body, now)?;
        let mut signed = Vec::with_capacity(canonical.len() + field.text.len());
        signed.extend_from_slice(&canonical);
        put_relaxed(&mut signed, field.text.as_bytes());
        field.pieces(&signer.key.sign(&signed).ok_or(SignError::Key)?);
        out.extend_from_slice(field.text.as_bytes());
        out.extend_from_slice(b"\r\n");
    }
    Ok(out)
}

/// The field up to and with `b=`, folded as it will leave.
fn unsigned(
    signer: &Signer<'_>,
    names: &[&str],
    body: [u8; 32],
    now: Timestamp,
) -> Result<Folded, SignError> {
    if !is_name(signer.domain) || !signer.domain.contains('.') {
        return Err(SignError::Domain);
    }
    if !is_name(signer.selector) {
        return Err(SignError::Selector);
    }
    let mut field = Folded { text: String::with_capacity(1024), column: 15 };
    field.text.push_str("DKIM-Signature:");
    field.word(&[" v=1;"]);
    field.word(&[" a=", signer.key.kind().algorithm(), ";"]);
    field.word(&[" c=relaxed/relaxed;"]);
    field.word(&[" d=", &signer.domain.to_ascii_lowercase(), ";"]);
    field.word(&[" s=", signer.selector, ";"]);
    let now = now.as_second();
    field.word(&[" t=", &now.to_string(), ";"]);
    if let Some(seconds) = signer.expires {
        field.word(&[" x=", &now.saturating_add(i64::from(seconds)).to_string(), ";"]);
    }
    for (i, name) in names.iter().enumerate() {
        let before = if i == 0 { " h=" } else { ":" };
        let behind = if i + 1 == names.len() { ";" } else { "" };
        field.word(&[before, name, behind]);
    }
    field.word(&[" bh=", &STANDARD.encode(body), ";"]);
    field.word(&[" b="]);
    Ok(field)
}

/// A domain name or selector: labels of letters, digits, hyphen and underscore.
fn is_name(text: &str) -> bool {
    let is_label = |label: &str| {
        (1..=63).contains(&label.len())
            && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
    };
    text.len() <= 253 && text.split('.').all(is_label)
}

struct Folded {
    text: String,
    column: usize,
}

impl Folded {
    /// Appends a word, on a new line when this one is full.
    fn word(&mut self, parts: &[&str]) {
        let length: usize = parts.iter().map(|part| part.len()).sum();
        if self.column + length > FOLD {
            self.text.push_str("\r\n");
            self.column = 0;
            // A fold needs a blank; a word with its own brings it.
            if !parts.iter().any(|part| part.starts_with(' ')) {
                self.text.push(' ');
                self.column = 1;
            }
        }
        parts.iter().for_each(|part| self.text.push_str(part));
        self.column += length;
    }

    /// Appends base64, which may be folded anywhere.
    fn pieces(&mut self, value: &str) {
        let mut rest = value;
        while !rest.is_empty() {
            let room = FOLD.saturating_sub(self.column).max(1);
            let (piece, tail) = rest.split_at_checked(room).unwrap_or((rest, ""));
            self.text.push_str(piece);
            self.column += piece.len();
            rest = tail;
            if !rest.is_empty() {
                self.text.push_str("\r\n ");
                self.column = 1;
            }
        }
    }
}
