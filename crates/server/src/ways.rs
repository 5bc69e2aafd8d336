//! The ways out, built from settings.

use crate::clock::WallClock;
use crate::config::{Grant, Place, Relay, Security, Sendmail, SmtpRelay, TokenSource, Way};
use crate::dkim;
use crate::exit::Failure;
use send::smtp::{self, Credentials, Endpoint, TlsSettings};
use send::token::{self, TokenEndpoint};
use send::{
    DummySender, InboxSender, Keyring, Sender, SendmailSender, SendmailSettings, SigningSender, SmtpSender,
    SmtpSettings,
};
use std::sync::Arc;

/// The sender of a relay, which signs what leaves by a server or program. Certificate files are read here;
/// nothing is connected.
pub(crate) fn sender(relay: &Relay, keyring: &Arc<Keyring>) -> Result<Arc<dyn Sender>, Failure> {
    let plain = unsigned(relay)?;
    let leaves = matches!(relay.way, Way::Smtp(_) | Way::Sendmail(_)) && !keyring.is_empty();
    Ok(match dkim::fields(relay.signed).filter(|_| leaves) {
        Some(fields) => {
            let now = Arc::new(|| queue::Clock::now(&WallClock));
            Arc::new(SigningSender::new(plain, keyring.clone(), fields, now))
        }
        None => plain,
    })
}

fn unsigned(relay: &Relay) -> Result<Arc<dyn Sender>, Failure> {
    let (section, key) = (relay.key.0.as_str(), relay.key.1);
    match &relay.way {
        Way::Inbox => Ok(Arc::new(InboxSender)),
        Way::Dummy(script) => Ok(Arc::new(DummySender::follow(script.clone()))),
        Way::Smtp(way) => {
            let refused = |e: smtp::SettingsError| Failure::Settings(format!("[{section}] {key}: {e}"));
            let settings = SmtpSettings { max_in_doubt: relay.max_in_doubt, ..smtp_settings(way) };
            Ok(Arc::new(SmtpSender::new(settings).map_err(refused)?))
        }
        Way::Sendmail(way) => {
            let sender = SendmailSender::new(sendmail_settings(way));
            Ok(Arc::new(sender.map_err(|e| Failure::Settings(format!("[{section}] {key}: {e}")))?))
        }
    }
}

fn sendmail_settings(way: &Sendmail) -> SendmailSettings {
    SendmailSettings {
        path: way.path.clone(),
        args: way.args.clone(),
        timeout: way.timeout,
        convert_crlf: way.convert_crlf,
        search_path: way.search_path.clone(),
        home: way.home.clone(),
        lang: way.lang.clone(),
    }
}

/// A relay's CA_FILE is the house's own authority, so it counts for the house's endpoint too.
fn tokens(source: &TokenSource, way: &SmtpRelay) -> token::TokenSource {
    match source {
        TokenSource::File(path) => token::TokenSource::File(path.clone()),
        TokenSource::Command(words) => token::TokenSource::Command(words.clone()),
        TokenSource::Endpoint(endpoint) => token::TokenSource::Endpoint(TokenEndpoint {
            url: endpoint.url.as_str().into(),
            client_id: endpoint.client_id.as_str().into(),
            client_secret: endpoint.client_secret.as_ref().map(|secret| secret.0.as_str().into()),
            grant: match &endpoint.grant {
                Grant::ClientCredentials => token::Grant::ClientCredentials,
                Grant::Refresh { refresh_token } => token::Grant::Refresh(refresh_token.0.as_str().into()),
            },
            scope: endpoint.scope.as_deref().map(Into::into),
            ca_file: way.ca_file.clone(),
        }),
    }
}

fn seconds() -> u64 {
    u64::try_from(queue::Clock::now(&WallClock).as_second()).unwrap_or_default()
}

/// How a relay is spoken to.
pub(crate) fn smtp_settings(way: &SmtpRelay) -> SmtpSettings {
    let endpoint = match &way.place {
        Place::Host { host, port } => Endpoint::Tcp { host: host.as_str().into(), port: *port },
        Place::Unix(path) => Endpoint::Unix { path: path.clone() },
    };
    let security = match way.security {
        Security::Off => smtp::Security::Plain,
        Security::StartTls => smtp::Security::StartTls { required: way.require_tls },
        Security::Implicit => smtp::Security::Implicit,
    };
    let credentials = way.login.as_ref().map(|login| Credentials {
        user: login.user.as_str().into(),
        secret: login.password.0.as_str().into(),
    });
    SmtpSettings {
        lmtp: way.lmtp,
        helo: way.helo.as_str().into(),
        token: way.token.as_ref().map(|token| tokens(&token.source, way)),
        unix_time: seconds,
        credentials,
        auth: way.mechanism.as_deref().map(Into::into),
        tls: TlsSettings {
            trust_any: way.trust_any,
            ca_file: way.ca_file.clone(),
            fingerprints: way.fingerprints.iter().map(|pin| pin.0).collect(),
            client_cert: way.client_cert.as_ref().map(|files| (files.cert.clone(), files.key.clone())),
            server_name: None,
        },
        ..SmtpSettings::new(endpoint, security)
    }
}
