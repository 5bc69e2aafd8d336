//! PLAIN (RFC 4616): authorization identity (none), user, password, in one message.

use super::{Credentials, Secret};

pub(super) fn message(credentials: &Credentials) -> Secret {
    let mut text = Vec::with_capacity(credentials.user.len() + credentials.secret.expose().len() + 2);
    text.push(0);
    text.extend_from_slice(credentials.user.as_bytes());
    text.push(0);
    text.extend_from_slice(credentials.secret.expose());
    Secret::from(text)
}
