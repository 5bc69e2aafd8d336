//! Why an exchange does not go on, and whether another mechanism may be tried then.

/// What ended an exchange on our side. Holds nothing the peer said and no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A challenge that the mechanism does not know.
    #[error("the server's challenge makes no sense: {0}")]
    Malformed(&'static str),
    /// This mechanism cannot carry these credentials, or not on this connection.
    #[error("{0}")]
    Unsuitable(&'static str),
    /// More challenges than the mechanism has.
    #[error("the server asks again and again")]
    Endless,
    /// The server says no in the exchange itself.
    #[error("{0}")]
    Refused(&'static str),
    /// The server did not prove that it knows us: it may be another one.
    #[error("the server did not prove that it knows the password ({0}); somebody may sit in between")]
    Unproven(&'static str),
}

impl Fault {
    /// Whether the next mechanism may do better, and nothing is lost by trying.
    pub fn allows_another(self) -> bool {
        matches!(self, Self::Malformed(_) | Self::Unsuitable(_) | Self::Endless)
    }
}
