//! OAuth 2 access tokens for XOAUTH2 and OAUTHBEARER: from a file, a command, or an endpoint that gives them out.

mod answer;
mod command;
mod endpoint;
mod request;

use crate::smtp::SettingsError;
use endpoint::Endpoint;
use smtp::sasl::Secret;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::sync::Mutex;
use tokio::time::Instant;

/// Octets of a file, a command's output or an endpoint's answer.
const LENGTH: u64 = 64 * 1024;
/// How long what a command printed is used again.
const COMMAND_LIFE: Duration = Duration::from_secs(60);

/// Where tokens are taken from.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// Its first line; read again for each sign-in.
    File(PathBuf),
    /// Program and arguments, run without a shell, with ten seconds; the first line it prints. Run at most once a
    /// minute, and when a token is refused.
    Command(Vec<String>),
    /// Fetched, and used until shortly before it ends.
    Endpoint(TokenEndpoint),
}

/// Where tokens are fetched (RFC 6749 3.2), and as whom.
#[derive(Debug, Clone)]
pub struct TokenEndpoint {
    /// `https://`, or `http://` for this machine.
    pub url: Box<str>,
    pub client_id: Box<str>,
    pub client_secret: Option<Secret>,
    pub grant: Grant,
    pub scope: Option<Box<str>>,
    /// Roots to trust beside the system's, PEM.
    pub ca_file: Option<PathBuf>,
}

/// By what right a token is asked for.
#[derive(Debug, Clone)]
pub enum Grant {
    /// RFC 6749 4.4.
    ClientCredentials,
    /// RFC 6749 6. Where the endpoint gives a new refresh token each time, the newest is kept until this process ends.
    Refresh(Secret),
}

/// Why there is no token: cause and, where known, remedy; no secret.
pub(crate) type NoToken = Box<str>;

/// The tokens of one relay, shared by its connections.
#[derive(Debug)]
pub(crate) struct Tokens {
    source: Source,
    /// Held while a new one is made, so that the others wait for that one.
    current: Mutex<Option<Current>>,
}

#[derive(Debug)]
enum Source {
    File(PathBuf),
    Command(Vec<String>),
    Endpoint(Box<Endpoint>),
}

/// A token in use.
#[derive(Debug, Clone)]
struct Current {
    token: Secret,
    /// A new one is made from here on.
    fresh_until: Instant,
    /// It is good for nothing from here on.
    valid_until: Instant,
}

impl Tokens {
    /// Opens nothing and asks nobody.
    pub(crate) fn new(source: &TokenSource) -> Result<Self, SettingsError> {
        let source = match source {
            TokenSource::File(path) => Source::File(path.clone()),
            TokenSource::Command(words) => Source::Command(words.clone()),
            TokenSource::Endpoint(settings) => Source::Endpoint(Box::new(Endpoint::new(settings)?)),
        };
        Ok(Self { source, current: Mutex::default() })
    }

    /// A token that is good as far as we know.
    pub(crate) async fn token(&self) -> Result<Secret, NoToken> {
        let mut current = self.current.lock().await;
        if let Some(known) = current.as_ref().filter(|known| Instant::now() < known.fresh_until) {
            return Ok(known.token.clone());
        }
        match self.make().await {
            Ok(made) => Ok(current.insert(made).token.clone()),
            // The old one still has its margin.
            Err(cause) => match current.as_ref().filter(|known| Instant::now() < known.valid_until) {
                Some(known) => {
                    tracing::warn!(%cause, "no new access token; the old one is used while it lasts");
                    Ok(known.token.clone())
                }
                None => Err(cause),
            },
        }
    }

    /// Whether there is another token than this one, which was refused; makes one if need be.
    pub(crate) async fn replace(&self, refused: &Secret) -> bool {
        {
            let mut current = self.current.lock().await;
            if current.as_ref().is_some_and(|known| known.token == *refused) {
                *current = None;
            }
        }
        self.token().await.is_ok_and(|token| token != *refused)
    }

    async fn make(&self) -> Result<Current, NoToken> {
        let now = Instant::now();
        let made = |token, life| Current { token, fresh_until: now + life, valid_until: now + life };
        match &self.source {
            Source::File(path) => Ok(made(from_file(path).await?, Duration::ZERO)),
            Source::Command(words) => Ok(made(command::run(words).await?, COMMAND_LIFE)),
            Source::Endpoint(endpoint) => endpoint.fetch().await,
        }
    }
}

async fn from_file(path: &Path) -> Result<Secret, NoToken> {
    let read = async {
        let mut octets = Vec::new();
        tokio::fs::File::open(path).await?.take(LENGTH).read_to_end(&mut octets).await?;
        Ok::<_, io::Error>(octets)
    };
    let cannot = |why: String| NoToken::from(format!("no access token: the file {}: {why}", path.display()));
    let octets = Secret::from(read.await.map_err(|e| cannot(format!("{e}; check path and permissions")))?);
    first_line(&octets).ok_or_else(|| cannot("its first line is empty".into()))
}

/// Without the spaces around it; `None`: blank.
fn first_line(octets: &Secret) -> Option<Secret> {
    let line = octets.expose().split(|octet| *octet == b'\n').next()?.trim_ascii();
    (!line.is_empty()).then(|| Secret::from(line.to_vec()))
}

#[cfg(test)]
mod tests;
