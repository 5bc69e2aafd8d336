//! What is meant: plain values, every default filled in.

use message::dkim::SigningKey;
use queue::RedisPlace;
use send::DummyScript;
use std::ffi::OsString;
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use zeroize::Zeroizing;

/// Everything the binary needs to know.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    /// Octets all doors together may hold.
    pub(crate) memory: usize,
    pub(crate) http: HttpDoor,
    pub(crate) smtp: SmtpDoor,
    pub(crate) identity: Identity,
    /// Where mail goes, by priority: each is for when those before it fail. Never empty.
    pub(crate) relays: Vec<Relay>,
    pub(crate) queue: Queue,
    pub(crate) dkim: Dkim,
    pub(crate) templates: TemplateFolder,
}

/// How mail is signed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Dkim {
    pub(crate) keys: Vec<SignedBy>,
    /// Whether DNS is asked for the record of a key before it is used.
    pub(crate) check: bool,
    /// Whom to ask; empty: as /etc/resolv.conf says.
    pub(crate) resolvers: Vec<SocketAddr>,
}

/// A key and whose mail it signs.
#[derive(Debug, Clone)]
pub(crate) struct SignedBy {
    /// As A-labels.
    pub(crate) domain: String,
    pub(crate) selector: String,
    pub(crate) key: Arc<SigningKey>,
    /// Seconds after which a signature is void.
    pub(crate) expires: Option<u32>,
    /// Whether mail of the domain waits when no key of it can be used.
    pub(crate) required: bool,
}

/// Which fields are signed on the way to a relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SignedHeader {
    All,
    /// All but Date and Message-ID, which the relay writes anew.
    WithoutDateAndId,
    /// No signature.
    Off,
}

/// Where templates are, beside those built in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct TemplateFolder {
    pub(crate) dir: Option<PathBuf>,
    /// Of what names no other.
    pub(crate) language: postrider::Language,
}

/// How our messages look and what we call ourselves.
#[derive(Debug, Clone)]
pub(crate) struct Identity {
    pub(crate) profile: message::Profile,
    /// Our name in `Received` fields.
    pub(crate) hostname: String,
    pub(crate) notify: notify::NotifySettings,
}

/// Where a door listens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listen {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => address.fmt(f),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

#[derive(Debug, Clone)]
pub(crate) struct HttpDoor {
    pub(crate) listen: Listen,
    pub(crate) public_url: Option<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct SmtpDoor {
    pub(crate) listen: Option<Listen>,
    /// Mail from this machine needs no sign-in.
    pub(crate) allow_local: bool,
    /// Octets of one message.
    pub(crate) max_size: usize,
    pub(crate) tls: Option<CertFiles>,
}

/// A PEM certificate chain and its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct CertFiles {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// Where mail goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Relay {
    /// `default`, or `NAME` of `[postrider.relay.NAME]`.
    pub(crate) name: String,
    /// Without secrets.
    pub(crate) url: String,
    pub(crate) way: Way,
    /// The section and key that name it.
    pub(crate) key: (String, &'static str),
    pub(crate) connections: usize,
    pub(crate) batch: usize,
    /// The lowest comes first.
    pub(crate) priority: u32,
    /// So many mails in so long.
    pub(crate) rate: Option<(u32, Duration)>,
    /// Mails sent on a connection ahead of their answers.
    pub(crate) max_in_doubt: usize,
    pub(crate) signed: SignedHeader,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Way {
    Smtp(Box<SmtpRelay>),
    Sendmail(Box<Sendmail>),
    Inbox,
    Dummy(DummyScript),
}

/// A program with sendmail's command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sendmail {
    /// Absolute once it is found.
    pub(crate) path: PathBuf,
    pub(crate) args: Vec<String>,
    pub(crate) timeout: Duration,
    pub(crate) convert_crlf: bool,
    /// `PATH`, where it is looked for and what it gets.
    pub(crate) search_path: OsString,
    pub(crate) home: Option<OsString>,
    pub(crate) lang: Option<OsString>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SmtpRelay {
    pub(crate) place: Place,
    /// Spoken as LMTP.
    pub(crate) lmtp: bool,
    pub(crate) security: Security,
    /// Refuse to go on where TLS is not to be had.
    pub(crate) require_tls: bool,
    /// Take any certificate.
    pub(crate) trust_any: bool,
    /// Certificates to trust beside the system's, PEM.
    pub(crate) ca_file: Option<PathBuf>,
    /// The certificates to take, whoever signed them; empty: as roots and names say.
    pub(crate) fingerprints: Vec<Fingerprint>,
    pub(crate) client_cert: Option<CertFiles>,
    pub(crate) helo: String,
    pub(crate) login: Option<Login>,
    /// In place of the login's password.
    pub(crate) token: Option<Token>,
    /// The one mechanism to use, in capitals.
    pub(crate) mechanism: Option<String>,
}

/// SHA-256 of a certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fingerprint(pub(crate) [u8; 32]);

/// An OAuth 2 access token, for XOAUTH2 and OAUTHBEARER.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) source: TokenSource,
    /// The section and key that name it.
    pub(crate) key: (String, &'static str),
}

/// Where a token is taken from each time a new one is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum TokenSource {
    /// Its first line.
    File(PathBuf),
    /// Program and arguments, run without a shell; the first line it prints.
    Command(Vec<String>),
    Endpoint(Box<TokenEndpoint>),
}

/// Where tokens are fetched (RFC 6749 section 3.2), and as whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TokenEndpoint {
    /// `https://`, or `http://` on this machine.
    pub(crate) url: String,
    pub(crate) client_id: String,
    pub(crate) client_secret: Option<Secret>,
    pub(crate) grant: Grant,
    pub(crate) scope: Option<String>,
}

/// By what right a token is asked for (RFC 6749 sections 4.4 and 6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Grant {
    ClientCredentials,
    Refresh { refresh_token: Secret },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Place {
    Host { host: String, port: u16 },
    Unix(PathBuf),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Security {
    Off,
    /// STARTTLS when offered.
    StartTls,
    /// From the first byte.
    Implicit,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Login {
    pub(crate) user: String,
    pub(crate) password: Secret,
}

/// A text that no `Debug` shows.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(pub(crate) Zeroizing<String>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text))
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Queue {
    pub(crate) kept: Kept,
    /// Where Redis is, whether `kept` says so or it is only written.
    pub(crate) redis: Option<RedisPlace>,
    /// Unsettled mail that may wait; `None`: the disk is the bound.
    pub(crate) length: Option<usize>,
    /// Empty: the default profile.
    pub(crate) retry: Vec<Duration>,
    pub(crate) expire: Duration,
    pub(crate) keep_history: Duration,
    pub(crate) keep_body: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    OnDisk,
    InRedis,
    InMemory,
    /// In memory, and a submission is answered once its mail was tried.
    TriedAtOnce,
}

impl Kept {
    /// Whether what waits is lost when we end.
    pub(crate) fn is_in_memory(self) -> bool {
        matches!(self, Self::InMemory | Self::TriedAtOnce)
    }
}
