//! DKIM signatures: rsa-sha256 and ed25519-sha256 (RFC 6376, RFC 8301, RFC 8463).
//!
//! Pure functions: the body goes through [`BodyHash`] piece by piece, time and DNS records are
//! arguments, and a signature is a block to put in front of the header. What we sign is
//! relaxed/relaxed, without `l=`; fields of [`SignedFields`] are signed once more than they stand in
//! the header, so that nobody can add another. The random source of the cryptographic library is
//! used by [`SigningKey::generate`] alone.

mod body;
mod error;
mod field;
mod key;
mod record;
mod sign;
mod tags;
mod verify;

pub use body::BodyHash;
pub use error::{DkimFault, KeyError, SignError};
pub use field::SignedFields;
pub use key::{KeyKind, SigningKey};
pub use record::{KeyRecord, record_name, zone_line};
pub use sign::{Signer, sign};
pub use verify::{MAX_SIGNATURES, Verified, verify};
