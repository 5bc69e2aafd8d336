//! Which mechanism to use: never one that shows the secret to the line, never none instead of one.

use super::Mechanism;
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
    #[error("the settings pin AUTH to {wanted}, the server offers {offered}")]
    Pinned { wanted: &'static str, offered: String },
}

/// Picks the mechanism. `private` says that nobody can listen: TLS, loopback or a unix socket.
pub fn choose(caps: &Capabilities, pin: Option<Mechanism>, private: bool) -> Result<Mechanism, AuthRefusal> {
    if caps.auth.is_empty() {
        return Err(AuthRefusal::NotOffered);
    }
    // Foreign text on its way to an operator: names are words, anything else is not repeated.
    let offered: Vec<&str> = caps
        .auth
        .iter()
        .map(|name| &**name)
        .filter(|name| name.len() <= 20 && name.bytes().all(|b| b.is_ascii_graphic()))
        .take(16)
        .collect();
    let offered = offered.join(", ");
    let ours = Mechanism::ALL.into_iter().filter(|mechanism| pin.is_none_or(|pin| pin == *mechanism));
    let fitting: Vec<Mechanism> = ours.filter(|mechanism| caps.offers_auth(mechanism.name())).collect();
    match (fitting.iter().find(|mechanism| private || !mechanism.shows_secret()), pin) {
        (Some(mechanism), _) => Ok(*mechanism),
        (None, _) if !fitting.is_empty() => Err(AuthRefusal::InClear(offered)),
        (None, Some(pin)) => Err(AuthRefusal::Pinned { wanted: pin.name(), offered }),
        (None, None) => Err(AuthRefusal::NoneFits(offered)),
    }
}
