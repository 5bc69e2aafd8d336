//! SASL for the client (RFC 4954): which mechanism, and its side of the exchange.

mod choice;
mod login;
mod plain;
mod secret;

pub use choice::{AuthRefusal, choose};
pub use secret::Secret;

use crate::{Violation, limits};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// Who we are to the relay.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub user: Box<str>,
    pub secret: Secret,
}

/// The mechanisms we speak. In TLS they are tried in this order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// RFC 4616.
    Plain,
    /// Never standardised (draft-murchison-sasl-login), everywhere in use.
    Login,
}

impl Mechanism {
    /// In order of preference within TLS.
    pub const ALL: [Self; 2] = [Self::Plain, Self::Login];

    /// The name in EHLO and AUTH.
    pub fn name(self) -> &'static str {
        match self {
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
        }
    }

    /// A mechanism by its name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }

    /// Whether whoever listens on the line learns the secret.
    pub fn shows_secret(self) -> bool {
        match self {
            Self::Plain | Self::Login => true,
        }
    }
}

/// One exchange under way.
#[derive(Debug)]
pub struct Exchange {
    step: Step,
    credentials: Credentials,
    rounds: u8,
}

#[derive(Debug)]
enum Step {
    Plain,
    Login(login::Login),
}

impl Exchange {
    pub fn new(mechanism: Mechanism, credentials: Credentials) -> Self {
        let step = match mechanism {
            Mechanism::Plain => Step::Plain,
            Mechanism::Login => Step::Login(login::Login::default()),
        };
        Self { step, credentials, rounds: 0 }
    }

    /// What goes on the AUTH line, in base64; `None` when the server speaks first.
    pub fn initial(&self) -> Option<Secret> {
        match self.step {
            Step::Plain => Some(encode(plain::message(&self.credentials).expose())),
            Step::Login(_) => None,
        }
    }

    /// The answer, in base64, to the text of a 334 reply.
    pub fn respond(&mut self, challenge: &str) -> Result<Secret, Violation> {
        self.rounds += 1;
        if self.rounds > limits::AUTH_ROUNDS {
            return Err(Violation::EndlessAuth);
        }
        if challenge.len() > limits::AUTH_LINE {
            return Err(Violation::BadChallenge);
        }
        let answer = match &mut self.step {
            // The initial response was ignored; some servers ask for it with a challenge of any text.
            Step::Plain if self.rounds == 1 => plain::message(&self.credentials),
            Step::Plain => return Err(Violation::EndlessAuth),
            Step::Login(login) => login.respond(&decode(challenge)?, &self.credentials)?,
        };
        Ok(encode(answer.expose()))
    }
}

fn encode(bytes: &[u8]) -> Secret {
    Secret::from(STANDARD.encode(bytes).as_str())
}

fn decode(challenge: &str) -> Result<Vec<u8>, Violation> {
    STANDARD.decode(challenge.trim()).map_err(|_| Violation::BadChallenge)
}

#[cfg(test)]
mod tests;
