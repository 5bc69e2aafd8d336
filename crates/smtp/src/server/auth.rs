//! The server's side of AUTH PLAIN and LOGIN (RFC 4954, RFC 4616).

use super::lines::Line;
use super::{Event, Phase, Question, Session};
use crate::sasl::{Mechanism, Secret};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;

/// The answer that is awaited.
#[derive(Debug)]
pub(super) enum Exchange {
    Plain,
    User,
    Password { user: String },
}

/// What an answer led to.
enum Step {
    Ask(Exchange, &'static str),
    Check { user: String, secret: Secret },
    Malformed,
}

impl Exchange {
    /// Takes the client's answer, decoded.
    fn take(self, answer: Vec<u8>) -> Step {
        match self {
            Self::Plain => plain(&Secret::from(answer)).unwrap_or(Step::Malformed),
            Self::User => match String::from_utf8(answer) {
                // "Password:" in base64.
                Ok(user) => Step::Ask(Self::Password { user }, "UGFzc3dvcmQ6"),
                Err(_) => Step::Malformed,
            },
            Self::Password { user } => Step::Check { user, secret: Secret::from(answer) },
        }
    }
}

/// `authorization NUL user NUL password`; to act for another user is not offered.
fn plain(message: &Secret) -> Option<Step> {
    let mut parts = message.expose().split(|byte| *byte == 0);
    let (acting, user, password) = (parts.next()?, parts.next()?, parts.next()?);
    let sound = parts.next().is_none() && (acting.is_empty() || acting == user);
    let user = String::from_utf8(user.to_vec()).ok()?;
    sound.then(|| Step::Check { user, secret: Secret::from(password.to_vec()) })
}

impl Session {
    pub(super) fn auth(&mut self, mechanism: &str, initial: Option<Secret>) -> Option<Event> {
        let refusal = match () {
            () if !self.settings.private => Some((538, "5.7.11 Encryption required for authentication")),
            () if !self.extended => Some((503, "5.5.1 Send EHLO first")),
            () if self.authenticated => Some((503, "5.5.1 Already authenticated")),
            () if self.transaction.is_some() => Some((503, "5.5.1 Not within a transaction")),
            () => None,
        };
        if let Some((code, text)) = refusal {
            self.refuse_with(code, text);
            return None;
        }
        let (exchange, prompt) = match Mechanism::parse(mechanism) {
            Some(Mechanism::Plain) => (Exchange::Plain, ""),
            // "Username:" in base64.
            Some(Mechanism::Login) => (Exchange::User, "VXNlcm5hbWU6"),
            // Whatever else the client side speaks is not offered here.
            _ => {
                self.refuse_with(504, "5.5.4 Mechanism not offered");
                return None;
            }
        };
        match initial {
            None => {
                self.say(334, prompt);
                self.phase = Phase::Auth(exchange);
                None
            }
            // An initial response of no octets (RFC 4954 4).
            Some(initial) if initial.expose() == b"=" => self.auth_answer(exchange, b""),
            Some(initial) => self.auth_answer(exchange, initial.expose()),
        }
    }

    pub(super) fn next_auth_line(&mut self) -> Option<Event> {
        let line = match self.lines.next(true) {
            Line::Partial => return Some(Event::Input),
            Line::Whole(line) => Secret::from(line),
            Line::BareLf | Line::TooLong => {
                self.phase = Phase::Command;
                self.refuse_with(500, "5.5.6 Authentication exchange line is too long or malformed");
                return None;
            }
            Line::Hostile => return self.hostile(),
        };
        let Phase::Auth(exchange) = std::mem::replace(&mut self.phase, Phase::Command) else { return None };
        if line.expose() == b"*" {
            self.refuse_with(501, "5.7.0 Authentication cancelled");
            return None;
        }
        self.auth_answer(exchange, line.expose())
    }

    fn auth_answer(&mut self, exchange: Exchange, answer: &[u8]) -> Option<Event> {
        let step = STANDARD.decode(answer).map_or(Step::Malformed, |decoded| exchange.take(decoded));
        match step {
            Step::Ask(exchange, prompt) => {
                self.say(334, prompt);
                self.phase = Phase::Auth(exchange);
                None
            }
            Step::Check { user, secret } => self.ask(Question::Login, Event::Authenticate { user, secret }),
            Step::Malformed => {
                self.refuse_with(501, "5.5.2 Malformed authentication response");
                None
            }
        }
    }
}
