//! The server's side of SCRAM-SHA-256: what it keeps proves a client and betrays no password.

use super::hash::{Hash, Keys, xor};
use super::message::{attributes, from_saslname};
use crate::sasl::Secret;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use std::num::NonZeroU32;

/// Random octets of the server's part of the nonce.
const NONCE: usize = 18;

/// What a server keeps of a password.
#[derive(Clone, PartialEq, Eq)]
pub struct Verifier {
    pub salt: [u8; 16],
    pub iterations: u32,
    pub stored_key: [u8; 32],
    pub server_key: [u8; 32],
}

impl Verifier {
    /// What to keep of a password, which is taken as it is.
    pub fn of(password: &[u8], salt: [u8; 16], iterations: NonZeroU32) -> Self {
        let keys = Keys::derive(Hash::Sha256, password, &salt, iterations);
        let (stored_key, server_key) = keys.kept();
        Self { salt, iterations: iterations.get(), stored_key, server_key }
    }
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("iterations", &self.iterations).finish_non_exhaustive()
    }
}

/// What the server makes of channel binding (RFC 5802 6).
#[derive(Debug, Clone)]
pub enum ServerBinding {
    /// No mechanism with -PLUS is offered.
    NotOffered,
    /// One is offered, and the client chose one without.
    NotChosen,
    /// The client chose it; the tls-exporter value of the connection (RFC 9266).
    Exporter(Secret),
}

impl ServerBinding {
    fn allows(&self, flag: &str) -> bool {
        match self {
            Self::NotOffered => matches!(flag, "n" | "y"),
            // `y` says that our offer did not arrive: somebody took it out.
            Self::NotChosen => flag == "n",
            Self::Exporter(_) => flag == "p=tls-exporter",
        }
    }

    fn value(&self) -> &[u8] {
        if let Self::Exporter(value) = self { value.expose() } else { b"" }
    }
}

/// An exchange whose client has said who it is.
#[derive(Debug)]
pub struct ScramServer {
    user: String,
    /// The GS2 header and what is bound, which the client repeats.
    bound: Secret,
    nonce: String,
    client_first: String,
    proof: Option<(Verifier, String)>,
}

impl ScramServer {
    /// Reads client-first-message; `None`: malformed, or it asks for what is not offered.
    pub fn new(message: &[u8], binding: &ServerBinding) -> Option<Self> {
        let mut octets = [0; NONCE];
        aws_lc_rs::rand::fill(&mut octets).ok()?;
        Self::with_nonce(message, binding, &URL_SAFE_NO_PAD.encode(octets))
    }

    pub(super) fn with_nonce(message: &[u8], binding: &ServerBinding, ours: &str) -> Option<Self> {
        let text = std::str::from_utf8(message).ok()?;
        let (flag, rest) = text.split_once(',')?;
        let (acting, bare) = rest.split_once(',')?;
        if !binding.allows(flag) {
            return None;
        }
        // `m=` would be an extension that must be understood.
        let all = attributes(bare)?;
        let [('n', name), ('r', theirs), ..] = all.as_slice() else { return None };
        let user = from_saslname(name)?;
        let sound =
            !user.is_empty() && !theirs.is_empty() && theirs.len() <= crate::limits::SCRAM_CLIENT_NONCE;
        // To act for another user is not offered.
        let itself = acting.is_empty() || acting.strip_prefix("a=") == Some(name);
        (sound && itself).then(|| Self {
            user,
            bound: Secret::from([format!("{flag},{acting},").as_bytes(), binding.value()].concat()),
            nonce: format!("{theirs}{ours}"),
            client_first: bare.to_owned(),
            proof: None,
        })
    }

    /// Whom the client claims to be.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// server-first-message.
    pub fn challenge(&mut self, verifier: Verifier) -> String {
        let (salt, iterations) = (STANDARD.encode(verifier.salt), verifier.iterations);
        let said = format!("r={},s={salt},i={iterations}", self.nonce);
        self.proof = Some((verifier, said.clone()));
        said
    }

    /// Reads client-final-message: server-final-message when it proves the password, else `None`.
    pub fn finish(&mut self, message: &[u8]) -> Option<String> {
        let (verifier, said) = self.proof.take()?;
        let text = std::str::from_utf8(message).ok()?;
        let (without_proof, proof) = text.rsplit_once(",p=")?;
        let all = attributes(without_proof)?;
        let [('c', binding), ('r', nonce), ..] = all.as_slice() else { return None };
        let proof = STANDARD.decode(proof).ok()?;
        let bound = STANDARD.decode(binding).ok()? == self.bound.expose();
        if !bound || *nonce != self.nonce || proof.len() != verifier.stored_key.len() {
            return None;
        }
        let signed = format!("{},{said},{without_proof}", self.client_first);
        let signature = Hash::Sha256.signature(&verifier.stored_key, signed.as_bytes());
        let client_key = xor(&proof, signature.expose());
        let stored: Secret = Hash::Sha256.digest(client_key.expose());
        verify_slices_are_equal(stored.expose(), &verifier.stored_key).ok()?;
        let signature = Hash::Sha256.signature(&verifier.server_key, signed.as_bytes());
        Some(format!("v={}", STANDARD.encode(signature.expose())))
    }
}
