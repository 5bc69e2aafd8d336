//! SCRAM (RFC 5802, RFC 7677): neither side shows the password, and each proves that it knows it.

mod hash;
mod message;
mod server;

pub use server::{ScramServer, ServerBinding, Verifier};

pub(super) use hash::Hash;

use super::{Credentials, Fault, Secret};
use crate::limits;
use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hash::Keys;
use message::{attributes, saslname};
use std::borrow::Cow;
use std::num::NonZeroU32;

/// Random octets of our nonce.
const NONCE: usize = 24;

/// What the exchange is tied to (RFC 5802 6, the GS2 flag).
#[derive(Debug, Clone)]
pub(super) enum Binding {
    /// `n`: we cannot bind, or do not want to.
    None,
    /// `y`: we could bind, and the server offers no mechanism that does. One that does offer it then knows that
    /// somebody took it out of its offer.
    NotOffered,
    /// `p=tls-exporter` (RFC 9266).
    Exporter(Secret),
}

impl Binding {
    fn header(&self) -> &'static str {
        match self {
            Self::None => "n,,",
            Self::NotOffered => "y,,",
            Self::Exporter(_) => "p=tls-exporter,,",
        }
    }

    /// The `c` attribute: header and value.
    fn encoded(&self) -> String {
        let value: &[u8] = if let Self::Exporter(value) = self { value.expose() } else { b"" };
        STANDARD.encode([self.header().as_bytes(), value].concat())
    }
}

/// The client's side.
#[derive(Debug)]
pub(super) struct Scram {
    hash: Hash,
    password: Secret,
    binding: Binding,
    nonce: String,
    /// client-first-message-bare.
    bare: String,
    state: State,
}

#[derive(Debug)]
enum State {
    /// The server's nonce, salt and count are awaited.
    First,
    /// The server's signature is, which must be this.
    Signature(Secret),
    Verified,
}

impl Scram {
    pub(super) fn new(hash: Hash, who: &Credentials, binding: Binding) -> Result<Self, Fault> {
        let mut octets = [0; NONCE];
        aws_lc_rs::rand::fill(&mut octets)
            .map_err(|_| Fault::Unsuitable("this system has no random numbers"))?;
        Self::with_nonce(hash, who, binding, URL_SAFE_NO_PAD.encode(octets))
    }

    fn with_nonce(hash: Hash, who: &Credentials, binding: Binding, nonce: String) -> Result<Self, Fault> {
        let unsuitable = Fault::Unsuitable("user or password hold characters that SCRAM does not allow");
        let password = std::str::from_utf8(who.secret.expose()).map_err(|_| unsuitable)?;
        let password = prepared(password).ok_or(unsuitable)?;
        let user = prepared(&who.user).filter(|user| !user.is_empty()).ok_or(unsuitable)?;
        let bare = format!("n={},r={nonce}", saslname(&user));
        Ok(Self { hash, password: Secret::from(&*password), binding, nonce, bare, state: State::First })
    }

    /// client-first-message.
    pub(super) fn first(&self) -> Secret {
        Secret::from(&*format!("{}{}", self.binding.header(), self.bare))
    }

    pub(super) fn respond(&mut self, challenge: &[u8]) -> Result<Secret, Fault> {
        let text = std::str::from_utf8(challenge).map_err(|_| Fault::Malformed("it is no UTF-8"))?;
        match std::mem::replace(&mut self.state, State::First) {
            State::First => self.prove(text),
            State::Signature(expected) => {
                verify(text, &expected)?;
                self.state = State::Verified;
                Ok(Secret::from(""))
            }
            State::Verified => {
                self.state = State::Verified;
                Err(Fault::Endless)
            }
        }
    }

    pub(super) fn is_verified(&self) -> bool {
        matches!(self.state, State::Verified)
    }

    /// client-final-message in answer to server-first-message (RFC 5802 3, 5.1).
    fn prove(&mut self, challenge: &str) -> Result<Secret, Fault> {
        let all = attributes(challenge).ok_or(Fault::Malformed("it is no SCRAM message"))?;
        let (nonce, salt, count) = match all.as_slice() {
            // RFC 5802 5.1: extensions that we may ignore stand behind.
            [('r', nonce), ('s', salt), ('i', count), ..] => (*nonce, *salt, *count),
            [('e', error), ..] => return Err(refused(error)),
            _ => return Err(Fault::Malformed("it lacks nonce, salt or count")),
        };
        // A nonce of the server's own, or one that adds nothing, would let it replay another exchange.
        if !nonce.starts_with(&self.nonce) || nonce.len() == self.nonce.len() {
            return Err(Fault::Malformed("its nonce does not continue ours"));
        }
        let salt = STANDARD.decode(salt).ok().filter(|salt| !salt.is_empty());
        let salt = salt.ok_or(Fault::Malformed("its salt is no base64"))?;
        let count: u32 = count.parse().map_err(|_| Fault::Malformed("its count is no number"))?;
        let count = NonZeroU32::new(count).filter(|count| limits::SCRAM_ITERATIONS.contains(&count.get()));
        let count = count.ok_or(Fault::Malformed("it wants too few or too many rounds of hashing"))?;
        let keys = Keys::derive(self.hash, self.password.expose(), &salt, count);
        let without_proof = format!("c={},r={nonce}", self.binding.encoded());
        let signed = format!("{},{challenge},{without_proof}", self.bare);
        self.state = State::Signature(keys.server_signature(signed.as_bytes()));
        let proof = STANDARD.encode(keys.proof(signed.as_bytes()).expose());
        Ok(Secret::from(&*format!("{without_proof},p={proof}")))
    }
}

/// server-final-message.
fn verify(text: &str, expected: &Secret) -> Result<(), Fault> {
    let all = attributes(text).ok_or(Fault::Unproven("what it says is no SCRAM message"))?;
    match all.first() {
        Some(('v', signature)) => {
            let signature = STANDARD.decode(signature).unwrap_or_default();
            verify_slices_are_equal(&signature, expected.expose())
                .map_err(|_| Fault::Unproven("its signature is wrong"))
        }
        Some(('e', error)) => Err(refused(error)),
        _ => Err(Fault::Unproven("it gives no signature")),
    }
}

/// RFC 5802 7, server-error-value. Only those that speak of the mechanism, not of us, let another one be tried.
fn refused(error: &str) -> Fault {
    match error {
        "channel-binding-not-supported" | "unsupported-channel-binding-type" => {
            Fault::Unsuitable("the server cannot bind to TLS by tls-exporter")
        }
        "channel-bindings-dont-match" => Fault::Refused(
            "the server sees another TLS connection than we do: something in between takes it apart (a proxy, or \
             an attacker)",
        ),
        "server-does-support-channel-binding" => Fault::Refused(
            "the server offers SCRAM with -PLUS, and something in between took that out of its offer",
        ),
        "invalid-username-encoding" | "extensions-not-supported" | "invalid-encoding" => {
            Fault::Unsuitable("the server does not understand our SCRAM message")
        }
        _ => Fault::Refused("the server refuses user and password"),
    }
}

/// SASLprep (RFC 4013); nothing is done to visible ASCII.
fn prepared(text: &str) -> Option<Cow<'_, str>> {
    stringprep::saslprep(text).ok()
}

#[cfg(test)]
mod tests;
