//! DKIM signatures: rsa-sha256 and ed25519-sha256 (RFC 6376, RFC 8301, RFC 8463).
//!
//! Pure functions: the body goes through [`BodyHash`] piece by piece, time and DNS records are
//! arguments, and a signature is a block to put in front of the header. What we sign is
//! relaxed/relaxed, without `l=`; fields of [`SignedFields`] are signed once more than they stand in
//! the header, so that nobody can add another. The random source of the cryptographic library is
//! used by [`SigningKey::generate`] alone.
//!
//! ```
//! use jiff::Timestamp;
//! use postrider_message::dkim::{BodyHash, KeyKind, SignedFields, Signer, SigningKey, sign, verify};
//!
//! let (key, pem) = SigningKey::generate(KeyKind::Ed25519)?; // `pem` goes into a file of mode 0600
//! let (header, body) = ("From: a@x.example\r\nSubject: Hi\r\n\r\n", "Hello\r\n");
//!
//! let mut hash = BodyHash::default();
//! hash.update(body.as_bytes()); // once for each piece
//! let signer = Signer { domain: "x.example", selector: "s1", key: &key, expires: None };
//! let now = Timestamp::from_second(1_700_000_000)?;
//! let fields = sign(header.as_bytes(), hash.finish(), &[signer], &SignedFields::default(), now)?;
//!
//! let whole = [&fields[..], header.as_bytes()].concat();
//! let seen = verify(&whole, body.as_bytes(), now, |name| {
//!     (name == "s1._domainkey.x.example").then(|| key.record())
//! });
//! assert_eq!(seen[0].outcome, Ok(KeyKind::Ed25519));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod author;
mod body;
mod error;
mod field;
mod key;
mod record;
mod sign;
mod tags;
mod verify;

pub use author::{author_domain, is_signed};
pub use body::BodyHash;
pub use error::{DkimFault, KeyError, SignError};
pub use field::SignedFields;
pub use key::{KeyKind, SigningKey};
pub use record::{KeyRecord, record_name, zone_line};
pub use sign::{Signer, sign};
pub use verify::{MAX_SIGNATURES, Verified, verify};
