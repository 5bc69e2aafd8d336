//! Private keys: reading, making, signing.

use super::KeyError;
use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair as RsaKeyPair, KeySize};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::fmt;
use zeroize::Zeroizing;

/// The two algorithms of RFC 8463.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyKind {
    /// rsa-sha256: every receiver knows it.
    Rsa,
    /// ed25519-sha256: small and quick; some receivers do not know it yet, so sign with both.
    Ed25519,
}

impl KeyKind {
    /// The name in the key record.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rsa => "rsa",
            Self::Ed25519 => "ed25519",
        }
    }

    pub(super) fn algorithm(self) -> &'static str {
        match self {
            Self::Rsa => "rsa-sha256",
            Self::Ed25519 => "ed25519-sha256",
        }
    }
}

enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
}

/// A private key. Its `Debug` shows the kind only.
pub struct SigningKey(Pair);

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({:?})", self.kind())
    }
}

impl SigningKey {
    /// Reads PEM: PKCS#8 (`PRIVATE KEY`) of either kind, or `RSA PRIVATE KEY`. RSA below 2048 bits is
    /// refused.
    pub fn from_pem(pem: &str) -> Result<Self, KeyError> {
        if pem.contains("ENCRYPTED") {
            return Err(KeyError::Encrypted);
        }
        let (label, der) = der_of(pem).ok_or(KeyError::NoKey)?;
        if label == "RSA PRIVATE KEY" {
            let pair = RsaKeyPair::from_der(&der).map_err(|_| KeyError::Unusable)?;
            return Ok(Self(Pair::Rsa(Box::new(pair))));
        }
        if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der) {
            return Ok(Self(Pair::Ed25519(Box::new(pair))));
        }
        let pair = RsaKeyPair::from_pkcs8(&der).map_err(|_| KeyError::Unusable)?;
        Ok(Self(Pair::Rsa(Box::new(pair))))
    }

    /// Makes a key (RSA of 2048 bits) and its PKCS#8 PEM, which is wiped when dropped.
    pub fn generate(kind: KeyKind) -> Result<(Self, Zeroizing<String>), KeyError> {
        let failed = |_| KeyError::Generate;
        let (pair, der) = match kind {
            KeyKind::Rsa => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                let der = Zeroizing::new(AsDer::as_der(&pair).map_err(failed)?.as_ref().to_vec());
                (Pair::Rsa(Box::new(pair)), der)
            }
            KeyKind::Ed25519 => {
                let pair = Ed25519KeyPair::generate().map_err(failed)?;
                let der = Zeroizing::new(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec());
                (Pair::Ed25519(Box::new(pair)), der)
            }
        };
        let text = Zeroizing::new(STANDARD.encode(&*der));
        let mut pem = Zeroizing::new(String::with_capacity(text.len() * 2));
        pem.push_str("-----BEGIN PRIVATE KEY-----\n");
        let mut rest = text.as_str();
        while !rest.is_empty() {
            let (line, tail) = rest.split_at_checked(64).unwrap_or((rest, ""));
            pem.push_str(line);
            pem.push('\n');
            rest = tail;
        }
        pem.push_str("-----END PRIVATE KEY-----\n");
        Ok((Self(pair), pem))
    }

    pub fn kind(&self) -> KeyKind {
        match self.0 {
            Pair::Rsa(_) => KeyKind::Rsa,
            Pair::Ed25519(_) => KeyKind::Ed25519,
        }
    }

    /// The text of the key record that receivers look up: `v=DKIM1; k=…; p=…`.
    pub fn record(&self) -> String {
        let public = match &self.0 {
            Pair::Ed25519(pair) => STANDARD.encode(pair.public_key()),
            Pair::Rsa(pair) => {
                // A key that signs has a public half; its DER form cannot fail.
                AsDer::as_der(pair.public_key()).map(|der| STANDARD.encode(der.as_ref())).unwrap_or_default()
            }
        };
        format!("v=DKIM1; k={}; p={public}", self.kind().name())
    }

    /// Signs what is hashed of the header.
    pub(super) fn sign(&self, signed: &[u8]) -> Option<String> {
        match &self.0 {
            // RFC 8463 3: the signature is over the hash.
            Pair::Ed25519(pair) => {
                Some(STANDARD.encode(pair.try_sign(digest(&SHA256, signed).as_ref()).ok()?))
            }
            Pair::Rsa(pair) => {
                let mut out = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), signed, &mut out).ok()?;
                Some(STANDARD.encode(out))
            }
        }
    }
}

/// Label and content of the first private key in a PEM text.
fn der_of(pem: &str) -> Option<(&str, Zeroizing<Vec<u8>>)> {
    for block in pem.split("-----BEGIN ").skip(1) {
        let (label, rest) = block.split_once("-----")?;
        if !label.ends_with("PRIVATE KEY") {
            continue;
        }
        let (text, _) = rest.split_once("-----END ")?;
        let text: Zeroizing<String> =
            Zeroizing::new(text.chars().filter(|c| !c.is_ascii_whitespace()).collect());
        return Some((label, Zeroizing::new(STANDARD.decode(text.as_bytes()).ok()?)));
    }
    None
}
