//! SCRAM-SHA-256 verifiers (RFC 5802 3, RFC 7677): what a server keeps instead of a password.

use aws_lc_rs::{digest, hmac, pbkdf2};
use std::fmt;
use std::num::NonZeroU32;

/// RFC 7677 4 asks for 4096 at least; the keys are random, so more would protect nothing.
pub(super) const ITERATIONS: NonZeroU32 = NonZeroU32::new(4096).unwrap();

/// What checks a client's proof, and proves us to the client.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramVerifier {
    pub salt: [u8; 16],
    pub iterations: u32,
    pub stored_key: [u8; 32],
    pub server_key: [u8; 32],
}

impl fmt::Debug for ScramVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramVerifier").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

impl ScramVerifier {
    /// `password` is ASCII here, so SASLprep leaves it as it is.
    pub(super) fn new(password: &[u8], salt: [u8; 16], iterations: NonZeroU32) -> Self {
        let mut salted = [0; 32];
        pbkdf2::derive(pbkdf2::PBKDF2_HMAC_SHA256, iterations, &salt, password, &mut salted);
        let client_key = tag(&salted, b"Client Key");
        let mut stored_key = [0; 32];
        stored_key.copy_from_slice(digest::digest(&digest::SHA256, &client_key).as_ref());
        let server_key = tag(&salted, b"Server Key");
        Self { salt, iterations: iterations.get(), stored_key, server_key }
    }

    /// The verifier of a user who is not there: fixed by the name and a secret of this database.
    pub(super) fn of_nobody(name: &str, secret: &[u8; 32]) -> Self {
        let part = |label: &str| tag(secret, format!("{label} {name}").as_bytes());
        let mut salt = [0; 16];
        for (to, from) in salt.iter_mut().zip(part("salt")) {
            *to = from;
        }
        let (stored_key, server_key) = (part("stored"), part("server"));
        Self { salt, iterations: ITERATIONS.get(), stored_key, server_key }
    }
}

fn tag(key: &[u8; 32], text: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text).as_ref());
    out
}
