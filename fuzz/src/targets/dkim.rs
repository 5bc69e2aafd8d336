//! Signatures on foreign mail: malformed ones are named, and the hash of a body is the same by any pieces.

use jiff::Timestamp;
use message::dkim::{BodyHash, KeyRecord, MAX_SIGNATURES, SigningKey, verify};

pub(super) const WORDS: &[&str] = &[
    "DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed; d=x.example; s=s; h=from; bh=AA==; b=AA==\r\n",
    "DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=x.example; s=s; h=from:to; bh=AA==; b=AA==\r\n",
    "From: a@x.example\r\n",
    "from:",
    "v=DKIM1; k=rsa; p=AAAA",
    "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=",
    "; t=y:s",
    "; h=sha256",
    "; l=0",
    "; x=0",
    "; i=@x.example",
    "-----BEGIN PRIVATE KEY-----\n",
    "-----END PRIVATE KEY-----\n",
    "=",
    ";",
    ":",
    " ",
    "\t",
    "\r\n ",
    "\r\n",
    "\r\n\r\n",
    "\r",
    "\n",
    "é",
];

pub(super) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    drop(KeyRecord::parse(&text));
    drop(SigningKey::from_pem(&text));
    let (header, body) = match text.split_once("\r\n\r\n") {
        Some((header, body)) => (format!("{header}\r\n\r\n"), body),
        None => (text.clone().into_owned(), ""),
    };
    let record = "v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";
    let seen = verify(header.as_bytes(), body.as_bytes(), Timestamp::UNIX_EPOCH, |_| Some(record.to_owned()));
    assert!(seen.len() <= MAX_SIGNATURES, "{} signatures", seen.len());
    let (mut at_once, mut by_pieces) = (BodyHash::default(), BodyHash::default());
    at_once.update(bytes);
    let mut rest = bytes;
    for size in (1..).map(|n| n * n % 97 + 1) {
        let (piece, tail) = rest.split_at(size.min(rest.len()));
        by_pieces.update(piece);
        rest = tail;
        if rest.is_empty() {
            break;
        }
    }
    assert_eq!(at_once.finish(), by_pieces.finish(), "the hash depends on the pieces");
}
