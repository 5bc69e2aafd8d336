//! A token that an endpoint gives for our secret or a refresh token (RFC 6749), and how long it lasts.

use super::answer::{Answer, Granted};
use super::request::{Form, Url};
use super::{Current, Grant, NoToken, TokenEndpoint, request};
use crate::smtp::{Host, SettingsError};
use smtp::sasl::Secret;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::time::{Instant, timeout};

/// How long an answer may take, from connecting to its last octet.
const PATIENCE: Duration = Duration::from_secs(15);
/// A new token is fetched so long before the old one ends, or when half of a short life is over.
const MARGIN: Duration = Duration::from_secs(120);
/// RFC 6749 5.1 lets an endpoint not tell how long a token lasts.
const UNTOLD_LIFE: Duration = Duration::from_secs(300);
/// Longer lives are not believed, and an overflowing one is none.
const LONGEST_LIFE: Duration = Duration::from_secs(24 * 3600);

#[derive(Debug)]
pub(super) struct Endpoint {
    settings: TokenEndpoint,
    url: Url,
    host: Host,
    /// The newest refresh token.
    refresh: Mutex<Option<Secret>>,
}

impl Endpoint {
    pub(super) fn new(settings: &TokenEndpoint) -> Result<Self, SettingsError> {
        let url = Url::parse(&settings.url).ok_or_else(|| SettingsError::TokenUrl(settings.url.clone()))?;
        let host = Host::new(&url.host, url.port, url.tls, settings.ca_file.clone())?;
        let refresh = match &settings.grant {
            Grant::ClientCredentials => None,
            Grant::Refresh(token) => Some(token.clone()),
        };
        Ok(Self { settings: settings.clone(), url, host, refresh: Mutex::new(refresh) })
    }

    pub(super) async fn fetch(&self) -> Result<Current, NoToken> {
        let asked = Instant::now();
        let mut answer = self.ask(false).await?;
        if matches!(&answer, Answer::Refused { error, .. } if &**error == "invalid_client")
            && self.settings.client_secret.is_some()
        {
            // RFC 6749 2.3.1: the body is what most endpoints take, the header what all should.
            answer = self.ask(true).await?;
        }
        match answer {
            Answer::Granted(granted) => Ok(self.take(granted, asked)),
            Answer::Refused { error, description } => Err(self.cannot(&refused(&error, &description))),
        }
    }

    fn take(&self, granted: Granted, asked: Instant) -> Current {
        if let Some(renewed) = granted.refresh_token {
            *self.refresh.lock().unwrap_or_else(PoisonError::into_inner) = Some(renewed);
        }
        let life = granted.expires_in.unwrap_or(UNTOLD_LIFE).min(LONGEST_LIFE);
        let margin = MARGIN.min(life / 2);
        tracing::debug!(endpoint = %self.url.host, seconds = life.as_secs(), "an access token was fetched");
        Current { token: granted.token, fresh_until: asked + (life - margin), valid_until: asked + life }
    }

    async fn ask(&self, by_header: bool) -> Result<Answer, NoToken> {
        let refresh = self.refresh.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut form = Form::default();
        match &refresh {
            None => form.add("grant_type", b"client_credentials"),
            Some(token) => {
                form.add("grant_type", b"refresh_token");
                form.add("refresh_token", token.expose());
            }
        }
        if let Some(scope) = &self.settings.scope {
            form.add("scope", scope.as_bytes());
        }
        let (id, secret) = (self.settings.client_id.as_bytes(), self.settings.client_secret.as_ref());
        let header = secret.filter(|_| by_header).map(|secret| request::basic(id, secret));
        if header.is_none() {
            form.add("client_id", id);
            if let Some(secret) = secret {
                form.add("client_secret", secret.expose());
            }
        }
        let exchange = async {
            let line = self.host.connect().await.map_err(|trouble| trouble.text.to_string())?;
            request::post(line, &self.url, header, form).await
        };
        let (status, body) = timeout(PATIENCE, exchange)
            .await
            .unwrap_or_else(|_| Err(format!("no answer within {} s", PATIENCE.as_secs())))
            .map_err(|why| self.cannot(&why))?;
        Answer::read(status, body.expose()).map_err(|why| self.cannot(&why))
    }

    fn cannot(&self, why: &str) -> NoToken {
        format!("no access token from {}: {why}", self.url.host).into()
    }
}

/// RFC 6749 5.2.
fn refused(error: &str, description: &str) -> String {
    let remedy = match error {
        "invalid_grant" => {
            "; the refresh token has ended or was taken back: sign in anew and write the new one"
        }
        "invalid_client" | "unauthorized_client" => "; check CLIENT_ID and CLIENT_SECRET",
        "invalid_scope" => "; check SCOPE",
        _ => "",
    };
    match description {
        "" => format!("it says {error}{remedy}"),
        description => format!("it says {error} ({description}){remedy}"),
    }
}
