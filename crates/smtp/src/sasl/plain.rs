//! PLAIN (RFC 4616): authorization identity (none), user, password, in one message.

use super::{Credentials, Fault, Secret};

pub(super) fn message(credentials: &Credentials) -> Result<Secret, Fault> {
    let (user, secret) = (credentials.user.as_bytes(), credentials.secret.expose());
    if user.contains(&0) || secret.contains(&0) {
        return Err(Fault::Unsuitable("PLAIN cannot carry a NUL in user or password"));
    }
    Ok(Secret::from([&[0], user, &[0], secret].concat()))
}
