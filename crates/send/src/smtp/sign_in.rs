//! How a relay is signed in to: by what, with which mechanism, and what worked the last time.

use super::{Endpoint, SettingsError, SmtpSettings};
use crate::token::Tokens;
use crate::{Phase, Trouble, TroubleKind};
use smtp::client::Client;
use smtp::sasl::{Channel, Credentials, Means, Mechanism, Proven, Secret};
use std::sync::{Mutex, PoisonError};

/// Of one relay, shared by its connections.
#[derive(Debug)]
pub(super) struct SignIn {
    pin: Option<Mechanism>,
    proven: Mutex<Option<Proven>>,
    tokens: Option<Tokens>,
}

impl SignIn {
    pub(super) fn new(settings: &SmtpSettings) -> Result<Self, SettingsError> {
        let pin = settings
            .auth
            .as_deref()
            .map(|name| Mechanism::parse(name).ok_or_else(|| SettingsError::Mechanism(name.into())));
        let tokens = settings.token.as_ref().map(Tokens::new).transpose()?;
        Ok(Self { pin: pin.transpose()?, proven: Mutex::default(), tokens })
    }

    pub(super) fn pin(&self) -> Option<Mechanism> {
        self.pin
    }

    pub(super) fn proven(&self) -> Option<Proven> {
        self.proven.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What the next connection signs in by; `None`: not at all.
    pub(super) async fn credentials(&self, settings: &SmtpSettings) -> Result<Option<Credentials>, Trouble> {
        let user = settings.credentials.as_ref().map(|who| &*who.user);
        if self.pin.is_some_and(|pin| pin.means() == Means::Certificate) {
            return Ok(Some(Credentials::certificate(user.unwrap_or_default())));
        }
        if let Some(tokens) = &self.tokens {
            let token = tokens.token().await.map_err(|text| Trouble {
                kind: TroubleKind::Auth,
                phase: Phase::Auth,
                reply: None,
                text,
            })?;
            return Ok(Some(Credentials::token(user.unwrap_or_default(), token)));
        }
        Ok(settings.credentials.as_ref().map(|who| Credentials::password(&who.user, who.secret.clone())))
    }

    /// Whether it is worth to try again at once: a token was refused, and there is a newer one. Relays say 535 to a
    /// token that has ended, whatever they say beside it.
    pub(super) async fn renews(&self, used: Option<&Secret>, trouble: &Trouble) -> bool {
        let refused = trouble.kind == TroubleKind::Auth
            && trouble.reply.as_ref().is_some_and(|reply| reply.code == 535);
        match (&self.tokens, used) {
            (Some(tokens), Some(used)) if refused => tokens.replace(used).await,
            _ => false,
        }
    }

    /// A connection stands: the next ones begin with what worked.
    pub(super) fn worked(&self, client: &Client, private: bool, peer: &str) {
        let Some(proven) = client.proven() else { return };
        let mut last = self.proven.lock().unwrap_or_else(PoisonError::into_inner);
        if last.as_ref() == Some(proven) {
            return;
        }
        *last = Some(proven.clone());
        let mechanism = proven.mechanism.name();
        if client.is_secured() || private {
            tracing::debug!(%peer, mechanism, "signed in");
        } else {
            tracing::warn!(
                %peer, mechanism,
                "signed in without TLS: the password was not shown, but who listens can guess at it, and reads all mail"
            );
        }
    }
}

/// What mechanisms must know of the connection; the binding comes with TLS.
pub(super) fn channel(settings: &SmtpSettings) -> Channel {
    let (host, port) = match &settings.endpoint {
        Endpoint::Tcp { host, port } => (host.clone(), *port),
        Endpoint::Unix { .. } => ("".into(), 0),
    };
    Channel { host, port, binding: None, unix_time: (settings.unix_time)() }
}
