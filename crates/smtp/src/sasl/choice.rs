//! Which mechanisms to try and in which order: never one that shows the secret to the line, never none instead of one.

use super::{Means, Mechanism};
use crate::Capabilities;

/// Why we do not log in. Sending without login is never the answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AuthRefusal {
    #[error(
        "the server offers no AUTH; remove the user and password from the relay's settings if it needs none"
    )]
    NotOffered,
    #[error(
        "the server offers only {0} and the connection is not encrypted, so the password would go in clear; use smtps:// or smtp+starttls://"
    )]
    InClear(String),
    #[error("none of the mechanisms the server offers ({0}) is one we can use")]
    NoneFits(String),
    #[error("none of the mechanisms the server offers ({0}) takes a token; XOAUTH2 or OAUTHBEARER would")]
    NoToken(String),
    #[error("the settings pin AUTH to {wanted}, the server offers {offered}")]
    Pinned { wanted: &'static str, offered: String },
    #[error(
        "the settings pin AUTH to {0}, which is bound to TLS 1.3, and this connection has none; pin it without -PLUS"
    )]
    NotBound(&'static str),
}

/// The mechanism that worked, and the offer it was chosen from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    pub offered: Vec<Box<str>>,
    pub mechanism: Mechanism,
}

/// What the choice depends on beside the offer.
#[derive(Debug, Clone, Copy)]
pub struct Wishes<'a> {
    pub means: Means,
    /// The only mechanism to use.
    pub pin: Option<Mechanism>,
    /// Nobody can listen: TLS, loopback or a unix socket.
    pub private: bool,
    /// There is something to bind to.
    pub binding: bool,
    /// Tried first where the offer is the same.
    pub proven: Option<&'a Proven>,
}

/// The mechanisms to try, at least one.
pub fn candidates(caps: &Capabilities, wishes: Wishes<'_>) -> Result<Vec<Mechanism>, AuthRefusal> {
    if caps.auth.is_empty() {
        return Err(AuthRefusal::NotOffered);
    }
    let ours = Mechanism::ALL.into_iter().filter(|mechanism| match wishes.pin {
        Some(pin) => pin == *mechanism,
        None => mechanism.means() == wishes.means,
    });
    let offered: Vec<Mechanism> = ours.filter(|mechanism| caps.offers_auth(mechanism.name())).collect();
    let bound = |mechanism: &&Mechanism| wishes.binding || !mechanism.is_bound();
    let hidden = |mechanism: &&Mechanism| wishes.private || !mechanism.shows_secret();
    let mut fitting: Vec<Mechanism> = offered.iter().filter(bound).filter(hidden).copied().collect();
    if fitting.is_empty() {
        return Err(refusal(caps, wishes, offered.first().copied()));
    }
    if let Some(proven) = wishes.proven.filter(|proven| proven.offered == caps.auth) {
        fitting.sort_by_key(|mechanism| *mechanism != proven.mechanism);
    }
    Ok(fitting)
}

fn refusal(caps: &Capabilities, wishes: Wishes<'_>, unfit: Option<Mechanism>) -> AuthRefusal {
    // Foreign text on its way to an operator: names are words, anything else is not repeated.
    let words: Vec<&str> = caps
        .auth
        .iter()
        .map(|name| &**name)
        .filter(|name| name.len() <= 20 && name.bytes().all(|b| b.is_ascii_graphic()))
        .take(16)
        .collect();
    let offered = words.join(", ");
    match (unfit, wishes.pin) {
        (Some(bound), Some(_)) if bound.is_bound() => AuthRefusal::NotBound(bound.name()),
        (Some(shown), _) if shown.shows_secret() => AuthRefusal::InClear(offered),
        (_, Some(pin)) => AuthRefusal::Pinned { wanted: pin.name(), offered },
        (_, None) if wishes.means == Means::Token => AuthRefusal::NoToken(offered),
        (_, None) => AuthRefusal::NoneFits(offered),
    }
}
