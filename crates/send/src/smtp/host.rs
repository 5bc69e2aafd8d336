//! A host that is no relay, dialled as relays are: all its addresses, the same trust, the same words for what fails.

use super::connection::Duplex;
use super::{Endpoint, Security, SettingsError, SmtpSender, SmtpSettings, dial};
use crate::Trouble;
use std::path::PathBuf;

/// Where a line can be opened to.
#[derive(Debug)]
pub(crate) struct Host(SmtpSender);

impl Host {
    /// `ca_file`: roots beside the system's. Without `tls` the line is in clear.
    ///
    /// # Errors
    /// The file cannot be read, or the host is no name.
    pub(crate) fn new(
        host: &str,
        port: u16,
        tls: bool,
        ca_file: Option<PathBuf>,
    ) -> Result<Self, SettingsError> {
        let endpoint = Endpoint::Tcp { host: host.into(), port };
        let mut settings =
            SmtpSettings::new(endpoint, if tls { Security::Implicit } else { Security::Plain });
        settings.tls.ca_file = ca_file;
        SmtpSender::new(settings).map(Self)
    }

    pub(crate) async fn connect(&self) -> Result<Box<dyn Duplex>, Trouble> {
        let relay = &self.0.relay;
        let line = dial::dial(relay, &dial::Tried::default()).await?;
        if relay.settings.security == Security::Plain {
            return Ok(line.stream);
        }
        dial::handshake(relay, line.stream).await.map(|(stream, _)| stream)
    }
}
