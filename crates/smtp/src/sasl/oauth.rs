//! OAUTHBEARER (RFC 7628) and XOAUTH2: an access token in one message; a refusal explains itself in a challenge.

use super::{Channel, Credentials, Fault, Secret};

/// What ends the exchange once a refusal was explained: RFC 7628 3.2.3 sends %x01, XOAUTH2 nothing.
pub(super) const BEARER_END: &[u8] = b"\x01";

pub(super) fn bearer(who: &Credentials, channel: &Channel) -> Result<Secret, Fault> {
    check(who)?;
    // RFC 5801 4: the saslname of the GS2 header.
    let user = who.user.replace('=', "=3D").replace(',', "=2C");
    let mut text = format!("n,a={user},\x01");
    if !channel.host.is_empty() {
        text.push_str(&format!("host={}\x01", channel.host));
    }
    if channel.port != 0 {
        text.push_str(&format!("port={}\x01", channel.port));
    }
    Ok(Secret::from([text.as_bytes(), b"auth=Bearer ", who.secret.expose(), b"\x01\x01"].concat()))
}

pub(super) fn xoauth2(who: &Credentials) -> Result<Secret, Fault> {
    check(who)?;
    let user = format!("user={}\x01", who.user);
    Ok(Secret::from([user.as_bytes(), b"auth=Bearer ", who.secret.expose(), b"\x01\x01"].concat()))
}

/// RFC 6750 2.1: a token is visible ASCII. Anything else, a line end above all, would break the message.
fn check(who: &Credentials) -> Result<(), Fault> {
    let token = who.secret.expose();
    if token.is_empty() || !token.iter().all(u8::is_ascii_graphic) {
        return Err(Fault::Unsuitable("the token is empty or no single word"));
    }
    if who.user.chars().any(char::is_control) {
        return Err(Fault::Unsuitable("a token's user cannot hold control characters"));
    }
    Ok(())
}
