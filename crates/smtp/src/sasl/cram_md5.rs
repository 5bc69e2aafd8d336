//! CRAM-MD5 (RFC 2195): the server's text, hashed with the password.

use super::{Credentials, Fault, Secret};
use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;
use std::fmt::Write;

pub(super) fn respond(challenge: &[u8], who: &Credentials) -> Result<Secret, Fault> {
    // Without anything of the server's own the answer would be good for ever.
    if challenge.is_empty() || challenge.len() > crate::limits::CRAM_CHALLENGE {
        return Err(Fault::Malformed("an empty or endless text to hash"));
    }
    let mut text = format!("{} ", who.user);
    for octet in hmac_md5(who.secret.expose(), &[challenge]) {
        // To write to a String cannot fail.
        write!(text, "{octet:02x}").unwrap_or_default();
    }
    Ok(Secret::from(&*text))
}

pub(super) fn hmac_md5(key: &[u8], parts: &[&[u8]]) -> [u8; 16] {
    let Ok(mut mac) = Hmac::<Md5>::new_from_slice(key) else { return [0; 16] };
    parts.iter().for_each(|part| mac.update(part));
    mac.finalize().into_bytes().into()
}
