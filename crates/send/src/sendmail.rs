//! The way out by a program with sendmail's command line: one run a mail, no shell.

mod exit;
mod feed;
pub(crate) mod group;
mod kept;
mod run;
mod settings;
mod transcript;

pub use settings::{SendmailSettings, SettingsError, locate};

use crate::running::Table;
use crate::{BoxStream, Mail, MailOutcome, Running, Sender};
use futures_util::StreamExt;
use std::path::PathBuf;

/// Runs a local program for each mail and believes its exit code (sysexits):
///
/// ```text
/// 0                     accepted; with part of the mail unread: tried again
/// 64 65 67 68           refused for good: 554 5.3.0 and the last line of stderr
/// 77 78 126 127         the way out is set up wrongly: no mail is charged with it
/// not to be started     the same
/// any other code        refused for now: 451 4.3.0
/// a signal, no end      in doubt when it had the whole mail, else tried again
/// ```
///
/// The command line is `path -f reverse-path -i args… -- recipients…`, the environment `PATH`,
/// `HOME` and `LANG` only. On timeout, or when dropped, the program's whole group is killed; what
/// left the group by itself lives on. What a program that ended well leaves running is let be: it
/// may be delivering.
#[derive(Debug)]
pub struct SendmailSender {
    settings: SendmailSettings,
    path: PathBuf,
    peer: Box<str>,
    running: Table,
}

impl SendmailSender {
    /// Finds the program. Starts nothing.
    pub fn new(settings: SendmailSettings) -> Result<Self, SettingsError> {
        if settings.timeout.is_zero() {
            return Err(SettingsError::Timeout);
        }
        let path = locate(&settings.path, &settings.search_path)?;
        let peer = format!("sendmail:{}", path.display()).into();
        Ok(Self { settings, path, peer, running: Table::default() })
    }

    async fn deliver(&self, mail: Mail) -> MailOutcome {
        let arguments = self.settings.arguments(&mail);
        let run = run::run(self, &arguments, &mail).await;
        let outcome = exit::outcome(&run);
        let transcript = transcript::of(&self.path, &arguments, &run);
        let outcome = MailOutcome::all(mail.ticket, mail.to.len(), outcome, &self.peer);
        MailOutcome { transcript: transcript.into(), ..outcome }
    }
}

impl Sender for SendmailSender {
    fn send_batch<'a>(&'a self, mails: BoxStream<'a, Mail>) -> BoxStream<'a, MailOutcome> {
        mails.then(|mail| self.deliver(mail)).boxed()
    }

    fn running(&self) -> Vec<Running> {
        self.running.all()
    }
}
