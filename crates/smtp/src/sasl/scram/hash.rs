//! The arithmetic of SCRAM (RFC 5802 3), for both hashes.

use crate::sasl::Secret;
use aws_lc_rs::{digest, hmac, pbkdf2};
use std::num::NonZeroU32;

/// The hash a mechanism is named for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::sasl) enum Hash {
    Sha1,
    Sha256,
}

impl Hash {
    fn hmac(self, key: &[u8], text: &[u8]) -> Secret {
        let algorithm = match self {
            Self::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => hmac::HMAC_SHA256,
        };
        Secret::from(hmac::sign(&hmac::Key::new(algorithm, key), text).as_ref().to_vec())
    }

    pub(super) fn digest(self, octets: &[u8]) -> Secret {
        let algorithm = match self {
            Self::Sha1 => &digest::SHA1_FOR_LEGACY_USE_ONLY,
            Self::Sha256 => &digest::SHA256,
        };
        Secret::from(digest::digest(algorithm, octets).as_ref().to_vec())
    }

    /// `Hi`.
    fn salted(self, password: &[u8], salt: &[u8], iterations: NonZeroU32) -> Secret {
        let (algorithm, length) = match self {
            Self::Sha1 => (pbkdf2::PBKDF2_HMAC_SHA1, digest::SHA1_OUTPUT_LEN),
            Self::Sha256 => (pbkdf2::PBKDF2_HMAC_SHA256, digest::SHA256_OUTPUT_LEN),
        };
        let mut out = zeroize::Zeroizing::new(vec![0; length]);
        pbkdf2::derive(algorithm, iterations, salt, password, &mut out);
        Secret::from(std::mem::take(&mut *out))
    }

    /// What signs for whoever holds this key.
    pub(super) fn signature(self, key: &[u8], signed: &[u8]) -> Secret {
        self.hmac(key, signed)
    }
}

/// What a password, a salt and a count make.
pub(super) struct Keys {
    hash: Hash,
    client: Secret,
    server: Secret,
}

impl Keys {
    pub(super) fn derive(hash: Hash, password: &[u8], salt: &[u8], iterations: NonZeroU32) -> Self {
        let salted = hash.salted(password, salt, iterations);
        let key = |name: &[u8]| hash.hmac(salted.expose(), name);
        Self { hash, client: key(b"Client Key"), server: key(b"Server Key") }
    }

    /// StoredKey and ServerKey of SHA-256.
    pub(super) fn kept(&self) -> ([u8; 32], [u8; 32]) {
        let fixed = |octets: &Secret| {
            let mut out = [0; 32];
            out.iter_mut().zip(octets.expose()).for_each(|(to, from)| *to = *from);
            out
        };
        (fixed(&self.hash.digest(self.client.expose())), fixed(&self.server))
    }

    pub(super) fn proof(&self, signed: &[u8]) -> Secret {
        let stored = self.hash.digest(self.client.expose());
        let signature = self.hash.signature(stored.expose(), signed);
        xor(self.client.expose(), signature.expose())
    }

    pub(super) fn server_signature(&self, signed: &[u8]) -> Secret {
        self.hash.signature(self.server.expose(), signed)
    }
}

pub(super) fn xor(one: &[u8], other: &[u8]) -> Secret {
    Secret::from(one.iter().zip(other).map(|(a, b)| a ^ b).collect::<Vec<u8>>())
}
