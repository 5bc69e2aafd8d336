//! Postrider put between Gitea and its relay: `config adopt`. Moves what `[mailer]` says of the relay to
//! `[postrider.relay]` and points `[mailer]` at our SMTP door; every other line stays as it is.

mod edit;

#[cfg(test)]
mod tests;

use super::findings::Findings;
use super::settings::{Listen, Relay, Security, SmtpRelay};
use super::{
    Dialect, Origin, Outcome, Place, Settings, Surroundings, Unreadable, Way, contents, gitea, own_door,
    relay, written,
};
use edit::Edit;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

const MAILER: &str = "mailer";
const RELAY: &str = "postrider.relay";
const SMTP: &str = "postrider.smtp";

/// What `config adopt` would write.
#[derive(Debug)]
pub(crate) struct Adopted {
    /// The whole new file; `None`: there is nothing to do.
    pub(crate) text: Option<String>,
    /// The lines that go (`-`) and come (`+`), secrets as stars.
    pub(crate) changes: Vec<String>,
    /// Where mail goes, without secrets.
    pub(crate) relay: String,
    /// Where Gitea is to send.
    pub(crate) door: Listen,
    pub(crate) data_dir: PathBuf,
    pub(crate) findings: Findings,
}

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Refused {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// The file has mistakes; these first.
    #[error("{0}")]
    Mistakes(Findings),
    #[error("{0}")]
    Door(String),
    /// The new file would not send as the old one does.
    #[error("the new file would not mean the same: {0}")]
    Differs(String),
}

/// What holds where the file says nothing.
#[derive(Debug, Clone)]
pub(crate) struct Wishes {
    /// Where our SMTP door is to listen.
    pub(crate) listen: SocketAddr,
    pub(crate) data_dir: Option<PathBuf>,
}

/// Reads the file alone, without the environment.
pub(crate) fn adopt(path: &Path, around: &Surroundings, wishes: &Wishes) -> Result<Adopted, Refused> {
    let (bytes, folder) = contents(path)?;
    adopt_text(&bytes, path, folder, around, wishes)
}

pub(super) fn adopt_text(
    bytes: &[u8],
    path: &Path,
    folder: PathBuf,
    around: &Surroundings,
    wishes: &Wishes,
) -> Result<Adopted, Refused> {
    let variables: Vec<&str> = around.variables.iter().filter_map(|(name, _)| name.to_str()).collect();
    let over: Vec<&str> = variables.into_iter().filter(|name| name.starts_with("GITEA__MAILER__")).collect();
    let around = Surroundings { variables: Vec::new(), run_commands: false, ..around.clone() };
    let Outcome { settings, mut findings, .. } = gitea(bytes, path, folder.clone(), &around);
    let Some(settings) = settings else { return Err(Refused::Mistakes(findings)) };
    for name in over {
        let problem = "wins over the file; set it to the new value, or unset it";
        findings.warn(Some(Origin::Environment(name.to_owned())), MAILER, "", problem);
    }
    // It is UTF-8, or there were mistakes.
    let old = String::from_utf8_lossy(bytes).into_owned();
    let door = settings.smtp.listen.clone().unwrap_or(Listen::Tcp(wishes.listen));
    let is_door =
        |way: &Way| matches!(way, Way::Smtp(relay) if own_door::same(&relay.place, &door, &around.hostname));
    if settings.relays.iter().any(|relay| is_door(&relay.way)) {
        let problem = format!("the relay itself is at {door}; name another place for our door by --smtp");
        return Err(Refused::Door(problem));
    }
    let tree = written(bytes, path, Dialect::Gitea, &mut Findings::default());
    let mut edit = Edit::new(&old, &tree, &settings, &door, &around.hostname)?;
    if let Some(folder) = &wishes.data_dir {
        edit.data_dir(folder);
    }
    let (text, changes) = edit.done();
    let mut data_dir = settings.data_dir.clone();
    if let Some(text) = &text {
        let outcome = gitea(text.as_bytes(), path, folder, &around);
        let new = outcome.settings.ok_or_else(|| Refused::Differs(outcome.findings.to_string()))?;
        same(&settings, &new)?;
        data_dir = new.data_dir;
    }
    let relay = settings.relays.iter().map(|relay| relay.url.as_str()).collect::<Vec<_>>().join(", ");
    Ok(Adopted { text, changes, relay, door, data_dir, findings })
}

/// Whether both send alike.
fn same(old: &Settings, new: &Settings) -> Result<(), Refused> {
    // Whence a relay's settings come is what changes.
    let plain = |relays: &[Relay]| -> Vec<Relay> {
        relays.iter().map(|relay| Relay { key: (String::new(), ""), ..relay.clone() }).collect()
    };
    let wrong = |what: &str| Err(Refused::Differs(format!("{what} differs; move the relay by hand")));
    match () {
        () if plain(&old.relays) != plain(&new.relays) => wrong("the relay"),
        () if old.identity.profile.from != new.identity.profile.from => wrong("FROM"),
        () if old.queue != new.queue => wrong("the queue"),
        () => Ok(()),
    }
}

/// The keys of `[postrider.relay]` that say the same.
fn pairs(way: &Way, hostname: &str) -> Vec<(&'static str, String)> {
    let mut pairs = vec![("URL", url(way))];
    match way {
        Way::Inbox | Way::Dummy(_) => {}
        Way::Smtp(relay) => smtp_pairs(relay, hostname, &mut pairs),
        Way::Sendmail(way) => {
            let usual = super::sendmail::USUAL;
            if way.timeout != usual {
                pairs.push(("SENDMAIL_TIMEOUT", format!("{}ms", way.timeout.as_millis())));
            }
            if !way.convert_crlf {
                pairs.push(("SENDMAIL_CONVERT_CRLF", "false".into()));
            }
        }
    }
    pairs
}

/// Without user and password, which have keys of their own.
fn url(way: &Way) -> String {
    let path = |path: &Path| encoded(&path.to_string_lossy());
    match way {
        Way::Smtp(relay) => match &relay.place {
            // `[mailer]` has no LMTP.
            Place::Unix(socket) => format!("smtp+unix://{}", path(socket)),
            Place::Host { .. } => relay::shown(way),
        },
        Way::Sendmail(program) if program.args.is_empty() => format!("sendmail://{}", path(&program.path)),
        Way::Sendmail(program) => {
            format!("sendmail://{}?args={}", path(&program.path), encoded(&shell_words::join(&program.args)))
        }
        Way::Inbox | Way::Dummy(_) => relay::shown(way),
    }
}

fn smtp_pairs(relay: &SmtpRelay, hostname: &str, pairs: &mut Vec<(&'static str, String)>) {
    if let Some(login) = &relay.login {
        pairs.push(("USER", login.user.clone()));
        if !login.password.0.is_empty() {
            pairs.push(("PASSWD", login.password.0.to_string()));
        }
    }
    // A URL of ours demands TLS, `[mailer]` did not.
    if relay.security == Security::StartTls && !relay.require_tls {
        pairs.push(("REQUIRE_TLS", "false".into()));
    }
    if relay.trust_any {
        pairs.push(("FORCE_TRUST_SERVER_CERT", "true".into()));
    }
    if let Some(files) = &relay.client_cert {
        pairs.push(("CLIENT_CERT_FILE", files.cert.to_string_lossy().into_owned()));
        pairs.push(("CLIENT_KEY_FILE", files.key.to_string_lossy().into_owned()));
    }
    if relay.helo != hostname {
        pairs.push(("HELO_HOSTNAME", relay.helo.clone()));
    }
}

/// Percent-encoded, as a URL's query takes it.
fn encoded(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' | b'/' | b'@' | b',' => {
                out.push(char::from(byte));
            }
            other => {
                let _ok = write!(out, "%{other:02X}");
            }
        }
    }
    out
}
