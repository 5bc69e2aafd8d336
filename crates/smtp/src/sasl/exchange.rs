//! One exchange under way, whatever the mechanism: what goes on the AUTH line, the answer to each challenge, and
//! whether a success may be believed.

use super::ntlm::Ntlm;
use super::scram::{Binding, Hash, Scram};
use super::{Channel, Credentials, Fault, Mechanism, Secret, cram_md5, login, oauth, plain};
use crate::{Capabilities, escape, limits};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// One exchange under way.
#[derive(Debug)]
pub struct Exchange {
    mechanism: Mechanism,
    step: Step,
    credentials: Credentials,
    /// What the client says first, until the server has asked for more than that.
    first: Option<Secret>,
    /// The first message is on the AUTH line.
    announced: bool,
    rounds: u8,
    explanation: Option<Box<str>>,
}

#[derive(Debug)]
enum Step {
    /// All is said in the first message.
    Said,
    Login(login::Login),
    CramMd5 {
        answered: bool,
    },
    Ntlm(Ntlm),
    Scram(Box<Scram>),
}

impl Exchange {
    /// Begins. `caps` is the offer this mechanism was chosen from.
    ///
    /// # Errors
    /// The mechanism cannot carry these credentials.
    pub fn start(
        mechanism: Mechanism,
        credentials: Credentials,
        channel: &Channel,
        caps: &Capabilities,
    ) -> Result<Self, Fault> {
        let (step, first) = match mechanism {
            Mechanism::Plain => (Step::Said, Some(plain::message(&credentials)?)),
            Mechanism::External => (Step::Said, Some(Secret::from(&*credentials.user))),
            Mechanism::OAuthBearer => (Step::Said, Some(oauth::bearer(&credentials, channel)?)),
            Mechanism::XOAuth2 => (Step::Said, Some(oauth::xoauth2(&credentials)?)),
            Mechanism::Login => (Step::Login(login::Login::default()), None),
            Mechanism::CramMd5 => (Step::CramMd5 { answered: false }, None),
            Mechanism::Ntlm => {
                let ntlm = Ntlm::new(&credentials, channel)?;
                let first = ntlm.negotiate();
                (Step::Ntlm(ntlm), Some(first))
            }
            Mechanism::ScramSha256Plus
            | Mechanism::ScramSha1Plus
            | Mechanism::ScramSha256
            | Mechanism::ScramSha1 => {
                let scram = scram(mechanism, &credentials, channel, caps)?;
                let first = scram.first();
                (Step::Scram(Box::new(scram)), Some(first))
            }
        };
        let exchange =
            Self { mechanism, step, credentials, first, announced: false, rounds: 0, explanation: None };
        match &exchange.first {
            Some(first) if first.expose().len() / 3 * 4 + 8 > limits::AUTH_LINE => {
                Err(Fault::Unsuitable("user and secret are longer than an AUTH line may be"))
            }
            _ => Ok(exchange),
        }
    }

    pub fn mechanism(&self) -> Mechanism {
        self.mechanism
    }

    /// What goes on the AUTH line, in base64; `None` when the server speaks first, or the line would grow beyond
    /// what RFC 5321 4.5.3.1.4 lets a server read (RFC 4954 4).
    pub fn initial(&mut self) -> Option<Secret> {
        let first = self.first.as_ref()?;
        let encoded = match first.expose() {
            b"" => Secret::from("="),
            octets => encode(octets),
        };
        let line = "AUTH  \r\n".len() + self.mechanism.name().len() + encoded.expose().len();
        self.announced = line <= limits::AUTH_COMMAND;
        self.announced.then_some(encoded)
    }

    /// In place of [`initial`](Self::initial): nothing goes on the AUTH line.
    pub fn withhold(&mut self) -> Option<Secret> {
        self.announced = false;
        None
    }

    /// The answer, in base64, to the text of a 334 reply.
    ///
    /// # Errors
    /// The exchange cannot go on: cancel it with `*`.
    pub fn respond(&mut self, challenge: &str) -> Result<Secret, Fault> {
        self.rounds = self.rounds.saturating_add(1);
        if self.rounds > limits::AUTH_ROUNDS {
            return Err(Fault::Endless);
        }
        if challenge.len() > limits::AUTH_LINE {
            return Err(Fault::Malformed("it is too long"));
        }
        let challenge = challenge.trim();
        if let Some(first) = self.first.take().filter(|_| self.wants_first(challenge)) {
            return Ok(encode(first.expose()));
        }
        let challenge = decode(challenge)?;
        let answer = match &mut self.step {
            Step::Said => return self.explained(&challenge),
            Step::Login(login) => login.respond(&challenge, &self.credentials)?,
            Step::CramMd5 { answered: true } => return Err(Fault::Endless),
            Step::CramMd5 { answered } => {
                *answered = true;
                cram_md5::respond(&challenge, &self.credentials)?
            }
            Step::Ntlm(ntlm) => ntlm.respond(&challenge)?,
            Step::Scram(scram) => scram.respond(&challenge)?,
        };
        Ok(encode(answer.expose()))
    }

    /// Whether the server's success may be believed.
    ///
    /// # Errors
    /// It came before the server had proved what the mechanism makes it prove.
    pub fn finish(&self) -> Result<(), Fault> {
        match &self.step {
            Step::Scram(scram) if !scram.is_verified() => {
                Err(Fault::Unproven("it says yes without its signature"))
            }
            _ => Ok(()),
        }
    }

    /// What the server said of its refusal in a challenge: escaped, short, without the secret.
    pub fn explanation(&self) -> Option<&str> {
        self.explanation.as_deref()
    }

    /// Some servers ask for the first message, whether or not it was on the AUTH line, with a text of their own.
    fn wants_first(&self, challenge: &str) -> bool {
        let ignored = matches!(self.mechanism, Mechanism::Plain | Mechanism::External);
        self.rounds == 1 && (!self.announced || ignored || matches!(challenge, "" | "="))
    }

    /// RFC 7628 3.2.2: a refusal is explained in a challenge, and the answer to it brings the refusal itself.
    fn explained(&mut self, challenge: &[u8]) -> Result<Secret, Fault> {
        let end = match self.mechanism {
            Mechanism::OAuthBearer => oauth::BEARER_END,
            Mechanism::XOAuth2 => b"",
            _ => return Err(Fault::Endless),
        };
        if self.explanation.is_some() {
            return Err(Fault::Endless);
        }
        let text = String::from_utf8_lossy(challenge);
        let secret = String::from_utf8_lossy(self.credentials.secret.expose());
        self.explanation = Some(escape(&text.replace(&*secret, "***"), crate::limits::EXPLANATION).into());
        Ok(encode(end))
    }
}

/// RFC 5802 6: `p` with what is bound, `y` when we could bind and the server offers nothing to bind, else `n`.
fn scram(
    mechanism: Mechanism,
    who: &Credentials,
    channel: &Channel,
    caps: &Capabilities,
) -> Result<Scram, Fault> {
    let hash = match mechanism {
        Mechanism::ScramSha1 | Mechanism::ScramSha1Plus => Hash::Sha1,
        _ => Hash::Sha256,
    };
    let offered = Mechanism::ALL.into_iter().any(|m| m.is_bound() && caps.offers_auth(m.name()));
    let binding = match (&channel.binding, mechanism.is_bound()) {
        (Some(value), true) => Binding::Exporter(value.clone()),
        (None, true) => return Err(Fault::Unsuitable("this connection has nothing to bind to")),
        (Some(_), false) if !offered => Binding::NotOffered,
        (_, false) => Binding::None,
    };
    Scram::new(hash, who, binding)
}

pub(super) fn encode(octets: &[u8]) -> Secret {
    Secret::from(STANDARD.encode(octets).as_str())
}

fn decode(challenge: &str) -> Result<Vec<u8>, Fault> {
    let text = if challenge == "=" { "" } else { challenge };
    STANDARD.decode(text).map_err(|_| Fault::Malformed("it is no base64"))
}
