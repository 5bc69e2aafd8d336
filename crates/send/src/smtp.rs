//! The way out by SMTP and LMTP: the sockets, TLS and deadlines around `smtp::client`.

mod batch;
mod connection;
mod content;
mod dial;
mod examine;
mod flow;
mod host;
mod idle;
mod limits;
mod map;
mod outbox;
mod parts;
mod remote_id;
mod settings;
mod sign_in;
mod tls;
mod trust;

pub(crate) use connection::Duplex;
pub use examine::Examination;
pub(crate) use host::Host;
pub use limits::MINIMUM_RATE;
pub use settings::{Credentials, Deadlines, Endpoint, Security, SettingsError, SmtpSettings, TlsSettings};

pub use tls::{CertificateFacts, TlsFacts};

use crate::{BoxStream, Mail, MailOutcome, Sender};
use idle::Idle;
use sign_in::SignIn;
use std::sync::Arc;
use trust::Trust;

/// Sends over one relay. Idle connections are kept for the next batch.
#[derive(Debug, Clone)]
pub struct SmtpSender {
    relay: Arc<Relay>,
}

/// Settings made ready: files read, names parsed.
#[derive(Debug)]
struct Relay {
    settings: SmtpSettings,
    tls: Option<tls::Tls>,
    hello: ::smtp::command::HelloName,
    sign_in: SignIn,
    peer: Box<str>,
    idle: Idle,
    trust: Trust,
}

impl SmtpSender {
    /// Reads the certificate files and checks the names. Opens no connection.
    pub fn new(settings: SmtpSettings) -> Result<Self, SettingsError> {
        let hello = ::smtp::command::HelloName::parse(&settings.helo)
            .ok_or_else(|| SettingsError::Helo(settings.helo.clone()))?;
        let tls = match settings.security {
            Security::Plain => None,
            Security::StartTls { .. } | Security::Implicit => Some(tls::Tls::new(&settings)?),
        };
        let relay = Relay {
            tls,
            hello,
            sign_in: SignIn::new(&settings)?,
            peer: settings.endpoint.to_string().into(),
            idle: Idle::default(),
            trust: Trust::default(),
            settings,
        };
        Ok(Self { relay: Arc::new(relay) })
    }

    /// Connects, makes TLS, says EHLO and signs in, then QUIT: what a check of the settings does.
    pub async fn examine(&self) -> Examination {
        examine::examine(&self.relay).await
    }
}

impl Sender for SmtpSender {
    fn send_batch<'a>(&'a self, mails: BoxStream<'a, Mail>) -> BoxStream<'a, MailOutcome> {
        batch::send(Arc::clone(&self.relay), mails)
    }
}
