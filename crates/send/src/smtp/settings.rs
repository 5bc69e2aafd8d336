//! What a relay's settings say, as plain values.

use super::limits;
use crate::token::TokenSource;
use smtp::sasl::Secret;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Where the relay listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Endpoint {
    /// Name or address (IPv6 without brackets); every address it resolves to is tried, IPv6 first (RFC 8305).
    Tcp {
        host: Box<str>,
        port: u16,
    },
    Unix {
        path: PathBuf,
    },
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix { path } => write!(f, "unix:{}", path.display()),
        }
    }
}

/// How the line is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// `smtp://`, `smtp+unix://`.
    Plain,
    /// `smtp+starttls://`; when not `required`, mail goes in clear if the relay offers no TLS and
    /// there are no credentials.
    StartTls { required: bool },
    /// `smtps://`.
    Implicit,
}

/// User and password. The password is wiped after use and never printed.
#[derive(Debug, Clone)]
pub struct Credentials {
    pub user: Box<str>,
    pub secret: Secret,
}

/// Whom to trust, and who we are to a relay that asks for a certificate. All files are PEM.
#[derive(Debug, Clone, Default)]
pub struct TlsSettings {
    /// FORCE_TRUST_SERVER_CERT: any certificate will do, and who sits in between reads and alters all.
    pub trust_any: bool,
    /// Roots beside the system's; a server's own certificate in it is believed for itself.
    pub ca_file: Option<PathBuf>,
    /// SHA-256 of the certificates to believe, whoever signed them, whatever their names and dates; empty: no
    /// matter.
    pub fingerprints: Vec<[u8; 32]>,
    /// Certificate chain and key.
    pub client_cert: Option<(PathBuf, PathBuf)>,
    /// The name the certificate must bear; the host when `None`.
    pub server_name: Option<Box<str>>,
}

/// How long each step may take, over the whole reply (RFC 5321 4.5.3.2).
#[derive(Debug, Clone)]
pub struct Deadlines {
    /// To one address, and for its name to resolve.
    pub connect: Duration,
    /// To any of the addresses; after so long no further one is begun.
    pub connect_all: Duration,
    /// A second address is tried beside the first after so long (RFC 8305 5).
    pub stagger: Duration,
    pub greeting: Duration,
    /// Silence after which a second connection finds out whether the port speaks TLS from the start.
    pub suspicion: Duration,
    /// EHLO, AUTH, RSET and the handshake of TLS.
    pub hello: Duration,
    pub mail: Duration,
    pub rcpt: Duration,
    pub data: Duration,
    /// Without any progress of the text; beside it the whole must make [`MINIMUM_RATE`](super::MINIMUM_RATE).
    pub block: Duration,
    pub end: Duration,
    pub quit: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        limits::DEADLINES
    }
}

/// All of one relay.
#[derive(Debug, Clone)]
pub struct SmtpSettings {
    pub endpoint: Endpoint,
    /// The host's addresses, in place of what the system's resolver says; usually empty.
    pub addresses: Vec<IpAddr>,
    pub security: Security,
    /// Speak LMTP.
    pub lmtp: bool,
    /// The name in EHLO; `localhost` when there is none to give.
    pub helo: Box<str>,
    pub credentials: Option<Credentials>,
    /// Access tokens, in place of the password.
    pub token: Option<TokenSource>,
    /// The only mechanism to use.
    pub auth: Option<Box<str>>,
    pub tls: TlsSettings,
    pub deadlines: Deadlines,
    /// How long an unused connection is kept.
    pub max_idle: Duration,
    /// How long a connection is used at most, so that mail follows a relay whose addresses change.
    pub max_age: Duration,
    /// Mails over one connection before QUIT; the relay's own LIMITS (RFC 9422) may make it fewer.
    pub messages_per_connection: u32,
    /// Texts that may be unanswered at once on a connection, 1 or more: each is in doubt when it breaks.
    pub max_in_doubt: usize,
    /// Seconds since 1970, for NTLM with servers that do not tell the time.
    pub unix_time: fn() -> u64,
}

impl SmtpSettings {
    /// Defaults for all but where and how.
    pub fn new(endpoint: Endpoint, security: Security) -> Self {
        Self {
            endpoint,
            addresses: Vec::new(),
            security,
            lmtp: false,
            helo: "localhost".into(),
            credentials: None,
            token: None,
            auth: None,
            tls: TlsSettings::default(),
            deadlines: Deadlines::default(),
            max_idle: limits::MAX_IDLE,
            max_age: limits::MAX_AGE,
            messages_per_connection: limits::MESSAGES_PER_CONNECTION,
            max_in_doubt: limits::MAX_IN_DOUBT,
            unix_time: || 0,
        }
    }

    /// A relay on port 25 of this machine or network, in clear.
    pub fn plain(host: impl Into<Box<str>>) -> Self {
        Self::new(Endpoint::Tcp { host: host.into(), port: 25 }, Security::Plain)
    }

    /// A relay on port 587 that must offer STARTTLS.
    pub fn starttls(host: impl Into<Box<str>>) -> Self {
        Self::new(Endpoint::Tcp { host: host.into(), port: 587 }, Security::StartTls { required: true })
    }

    /// A relay on port 465, in TLS from the first byte.
    pub fn tls(host: impl Into<Box<str>>) -> Self {
        Self::new(Endpoint::Tcp { host: host.into(), port: 465 }, Security::Implicit)
    }

    /// Another port; nothing where the endpoint is a socket.
    pub fn port(mut self, other: u16) -> Self {
        if let Endpoint::Tcp { port, .. } = &mut self.endpoint {
            *port = other;
        }
        self
    }

    /// Signs in with this name and password.
    pub fn login(mut self, user: impl Into<Box<str>>, password: &str) -> Self {
        self.credentials = Some(Credentials { user: user.into(), secret: password.into() });
        self
    }

    /// Our name in EHLO.
    pub fn greet_as(mut self, name: impl Into<Box<str>>) -> Self {
        self.helo = name.into();
        self
    }
}

/// Settings no connection can be made with.
#[derive(Debug, thiserror::Error)]
pub enum SettingsError {
    #[error("{path}: {cause}", path = path.display())]
    File { path: PathBuf, cause: String },
    #[error("{0:?} cannot be said in EHLO")]
    Helo(Box<str>),
    #[error("AUTH = {0:?} is no mechanism we speak")]
    Mechanism(Box<str>),
    #[error("TOKEN_URL = {0:?} is no URL with https:// and a host, or has a user in it")]
    TokenUrl(Box<str>),
    #[error("{0:?} is no name a certificate could bear")]
    ServerName(Box<str>),
    #[error("TLS cannot be set up: {0}")]
    Tls(String),
}
