//! SASL for the client (RFC 4422, RFC 4954): which mechanisms, and its side of each exchange. No I/O, no clock.

mod choice;
mod cram_md5;
mod exchange;
mod fault;
mod login;
mod ntlm;
mod oauth;
mod plain;
pub mod scram;
mod secret;

pub use choice::{AuthRefusal, Proven, Wishes, candidates};
pub use exchange::Exchange;
pub use fault::Fault;
pub use secret::Secret;

/// What we sign in by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Means {
    Password,
    /// An OAuth 2 access token.
    Token,
    /// The client certificate of the TLS connection.
    Certificate,
}

/// Who we are to the relay.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// With a certificate: whom to act for, empty for whom the certificate names.
    pub user: Box<str>,
    /// Nothing with a certificate.
    pub secret: Secret,
    pub means: Means,
}

impl Credentials {
    pub fn password(user: &str, secret: Secret) -> Self {
        Self { user: user.into(), secret, means: Means::Password }
    }

    pub fn token(user: &str, token: Secret) -> Self {
        Self { user: user.into(), secret: token, means: Means::Token }
    }

    pub fn certificate(user: &str) -> Self {
        Self { user: user.into(), secret: Secret::from(""), means: Means::Certificate }
    }
}

/// What some mechanisms must know of the connection.
#[derive(Debug, Clone, Default)]
pub struct Channel {
    /// As we asked for it, for OAUTHBEARER; empty when there is none.
    pub host: Box<str>,
    /// 0 when there is none.
    pub port: u16,
    /// The tls-exporter value of the TLS connection (RFC 9266).
    pub binding: Option<Secret>,
    /// Seconds since 1970, for NTLM with servers that do not tell the time; 0 when unknown.
    pub unix_time: u64,
}

/// The mechanisms we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mechanism {
    /// RFC 7677, bound to the TLS connection (RFC 5802 6, RFC 9266).
    ScramSha256Plus,
    ScramSha1Plus,
    /// RFC 7677.
    ScramSha256,
    /// RFC 5802.
    ScramSha1,
    /// RFC 4616.
    Plain,
    /// Never standardised (draft-murchison-sasl-login), everywhere in use.
    Login,
    /// RFC 2195.
    CramMd5,
    /// MS-NLMP, version 2, as MS-SMTPNTLM carries it.
    Ntlm,
    /// RFC 7628.
    OAuthBearer,
    /// Google's and Microsoft's forerunner of it.
    XOAuth2,
    /// RFC 4422 appendix A.
    External,
}

impl Mechanism {
    /// In order of preference.
    pub const ALL: [Self; 11] = [
        Self::ScramSha256Plus,
        Self::ScramSha1Plus,
        Self::ScramSha256,
        Self::ScramSha1,
        Self::Plain,
        Self::Login,
        Self::CramMd5,
        Self::Ntlm,
        Self::OAuthBearer,
        Self::XOAuth2,
        Self::External,
    ];

    /// The name in EHLO and AUTH.
    pub fn name(self) -> &'static str {
        match self {
            Self::ScramSha256Plus => "SCRAM-SHA-256-PLUS",
            Self::ScramSha1Plus => "SCRAM-SHA-1-PLUS",
            Self::ScramSha256 => "SCRAM-SHA-256",
            Self::ScramSha1 => "SCRAM-SHA-1",
            Self::Plain => "PLAIN",
            Self::Login => "LOGIN",
            Self::CramMd5 => "CRAM-MD5",
            Self::Ntlm => "NTLM",
            Self::OAuthBearer => "OAUTHBEARER",
            Self::XOAuth2 => "XOAUTH2",
            Self::External => "EXTERNAL",
        }
    }

    /// A mechanism by its name, in any case.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
    }

    /// What it proves who we are by.
    pub fn means(self) -> Means {
        match self {
            Self::OAuthBearer | Self::XOAuth2 => Means::Token,
            Self::External => Means::Certificate,
            _ => Means::Password,
        }
    }

    /// Whether whoever listens on the line learns the secret.
    pub fn shows_secret(self) -> bool {
        matches!(self, Self::Plain | Self::Login | Self::OAuthBearer | Self::XOAuth2)
    }

    /// Whether it is tied to the TLS connection.
    pub fn is_bound(self) -> bool {
        matches!(self, Self::ScramSha256Plus | Self::ScramSha1Plus)
    }
}

#[cfg(test)]
mod tests;
