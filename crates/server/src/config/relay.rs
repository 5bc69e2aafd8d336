//! Where mail goes: `[postrider.relay]` with a URL, else `[mailer]` with what `[postrider.relay]` adds.

use super::doors::readable;
use super::reader::{Reader, Written};
use super::settings::{Login, Place, Relay, Secret, Security, SmtpRelay, Way};
use super::url::{self, RelayUrl};
use super::{Surroundings, queue, sendmail, transport, values};

const RELAY: &str = "postrider.relay";
const MAILER: &str = "mailer";
/// Connections to a relay, and jobs a connection leases at once.
const CONNECTIONS: usize = 10;
const BATCH: usize = 64;

/// The relay and the place where it was written; `None` with the mistakes told.
pub(crate) fn relay(r: &mut Reader<'_>, around: &Surroundings) -> Option<Relay> {
    r.know(MAILER, &transport::KEYS);
    let url = r.look(RELAY, "URL");
    let enabled = enabled(r, url.is_some());
    let (mut way, key) = match &url {
        Some(url) => (from_url(r, url, around), ("postrider.relay", "URL")),
        None if !enabled => (None, (MAILER, "ENABLED")),
        None => match transport::way(r, around) {
            Some((way, key)) => (Some(way), (MAILER, key)),
            None => (None, (MAILER, "SMTP_ADDR")),
        },
    };
    additions(r, way.as_mut(), around);
    let workers = queue::count(r, "MAX_WORKERS", "10").unwrap_or(CONNECTIONS);
    let connections = r.parsed(RELAY, "MAX_CONNECTIONS", (workers, "as MAX_WORKERS"), |text| {
        text.parse()
            .ok()
            .filter(|n| (1..=1000).contains(n))
            .ok_or_else(|| format!("{text:?} is no number of connections; write a number from 1 to 1000"))
    });
    let batch = queue::count(r, "BATCH_LENGTH", "64").unwrap_or(BATCH);
    let way = way.filter(|_| enabled)?;
    Some(Relay { connections: connections.min(1000), batch: batch.min(1000), ..Relay::new(way, key) })
}

impl Relay {
    /// A relay with the usual bounds; `key` names the section and key it comes from.
    pub(crate) fn new(way: Way, key: (&'static str, &'static str)) -> Self {
        Self { url: shown(&way), way, key, connections: CONNECTIONS, batch: BATCH }
    }
}

/// What a relay's URL on the command line means.
pub(crate) fn relay_way(url: &str, around: &Surroundings) -> Result<Way, String> {
    to_way(url::parse(url)?, around)
}

/// Whether mail is switched on; a mistake is told when not.
fn enabled(r: &mut Reader<'_>, has_url: bool) -> bool {
    let written = r.text(MAILER, "ENABLED");
    let problem = match &written {
        Some(w) if values::switch(&w.text) == Some(true) => return true,
        None if has_url => return true,
        Some(w) => format!("mail is switched off ({:?}); write ENABLED = true", w.text),
        None if r.tree.has_section(MAILER) => {
            "is missing, which switches mail off; write ENABLED = true".into()
        }
        None => {
            let problem = "no relay is set; write [postrider.relay] URL = smtp+starttls://user:password@host, \
                           or a [mailer] section with ENABLED = true";
            r.findings.mistake(None, RELAY, "URL", problem);
            return false;
        }
    };
    r.findings.mistake(written.map(|w| w.origin), MAILER, "ENABLED", problem);
    false
}

fn from_url(r: &mut Reader<'_>, written: &Written, around: &Surroundings) -> Option<Way> {
    let way = match relay_way(&written.text, around) {
        Ok(way) => way,
        Err(problem) => {
            r.findings.mistake(Some(written.origin.clone()), RELAY, "URL", problem);
            return None;
        }
    };
    r.show(RELAY, "URL", &shown(&way), Some(written.origin.clone()));
    if let Way::Smtp(relay) = &way
        && let Place::Host { host, port } = &relay.place
    {
        transport::doubts(r, relay.security, (host, *port), &written.origin);
    }
    Some(way)
}

/// What a URL of our own settings means: `smtp+starttls` demands TLS there.
fn to_way(url: RelayUrl, around: &Surroundings) -> Result<Way, String> {
    Ok(match url {
        RelayUrl::Inbox => Way::Inbox,
        RelayUrl::Dummy => Way::Dummy,
        RelayUrl::Smtp { place, security, user, password } => Way::Smtp(Box::new(SmtpRelay {
            place,
            security,
            require_tls: security != Security::Off,
            trust_any: false,
            ca_file: None,
            client_cert: None,
            helo: around.hostname.clone(),
            login: user
                .map(|user| Login { user, password: password.unwrap_or_else(|| String::new().into()) }),
            mechanism: None,
        })),
        RelayUrl::Sendmail { path, args } => {
            Way::Sendmail(Box::new(sendmail::find(sendmail::plain(path, args, around))?))
        }
    })
}

/// The way as an operator knows it, without secrets.
pub(crate) fn shown(way: &Way) -> String {
    match way {
        Way::Inbox => "inbox://".into(),
        Way::Dummy => "dummy://".into(),
        Way::Sendmail(way) => format!("sendmail://{}", way.path.display()),
        Way::Smtp(relay) => match &relay.place {
            Place::Unix(path) => format!("smtp+unix://{}", path.display()),
            Place::Host { host, port } => {
                let scheme = match relay.security {
                    Security::Off => "smtp",
                    Security::StartTls => "smtp+starttls",
                    Security::Implicit => "smtps",
                };
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                format!("{scheme}://{host}:{port}")
            }
        },
    }
}

/// What `[postrider.relay]` adds to a relay, wherever that was written.
fn additions(r: &mut Reader<'_>, way: Option<&mut Way>, around: &Surroundings) {
    for key in ["PRIORITY", "RATE", "MAX_IN_DOUBT"] {
        if let Some(written) = r.text(RELAY, key) {
            r.findings.mistake(Some(written.origin), RELAY, key, "is not in this version; remove it");
        }
    }
    let ca_file = r.path(RELAY, "CA_FILE");
    if let Some((path, origin)) = &ca_file {
        readable(r, RELAY, "CA_FILE", path, origin);
    }
    let tls =
        r.parsed(RELAY, "REQUIRE_TLS", (None, "as the URL says"), |t| values::strict_switch(t).map(Some));
    let mechanism =
        r.parsed(RELAY, "AUTH", (None, "the best there is"), |text| match text.to_ascii_uppercase() {
            word if word == "PLAIN" || word == "LOGIN" => Ok(Some(word)),
            _ => Err(format!("{text:?} is no mechanism of this version; write PLAIN or LOGIN")),
        });
    let password = password(r, around);
    let Some(Way::Smtp(relay)) = way else { return };
    relay.ca_file = ca_file.map(|(path, _)| path);
    relay.mechanism = mechanism;
    match tls {
        Some(true) if relay.security == Security::Off => {
            let origin = r.look(RELAY, "REQUIRE_TLS").map(|w| w.origin);
            let problem = "smtp:// never starts TLS; write smtp+starttls:// or smtps://";
            r.findings.mistake(origin, RELAY, "REQUIRE_TLS", problem);
        }
        Some(required) => relay.require_tls = required || relay.security == Security::Implicit,
        None => {}
    }
    if let Some((key, written, secret)) = password {
        match &mut relay.login {
            Some(login) => login.password = secret,
            None => {
                let problem = "there is a password but no user; write URL = smtps://user@host";
                r.findings.mistake(Some(written.origin), RELAY, key, problem);
            }
        }
    }
}

/// The password from the one of the three keys that is written.
fn password(r: &mut Reader<'_>, around: &Surroundings) -> Option<(&'static str, Written, Secret)> {
    let mut found: Option<(&'static str, Written, Secret)> = None;
    for key in ["PASSWD", "PASSWD_FILE", "PASSWD_COMMAND"] {
        let written = if key == "PASSWD" { r.secret(RELAY, key) } else { r.text(RELAY, key) };
        let Some(written) = written else { continue };
        if let Some((other, ..)) = found {
            let problem = format!("the password is written twice, here and as {other}; remove one");
            r.findings.mistake(Some(written.origin), RELAY, key, problem);
            continue;
        }
        let secret = match key {
            "PASSWD" => Ok(written.text.clone()),
            "PASSWD_FILE" => from_file(&r.absolute(&written.text)),
            _ if around.run_commands => from_command(&written.text),
            _ => Ok(String::new()),
        };
        match secret {
            Ok(secret) => found = Some((key, written, secret.into())),
            Err(problem) => r.findings.mistake(Some(written.origin), RELAY, key, problem),
        }
    }
    found
}

fn from_file(path: &std::path::Path) -> Result<String, String> {
    let text = std::fs::read_to_string(path).map_err(|e| {
        format!("the file {} cannot be read: {e}; check path and permissions", path.display())
    })?;
    Ok(first_line(&text))
}

/// Runs a command without a shell; its first line of output is the password.
fn from_command(command: &str) -> Result<String, String> {
    let words = shell_words::split(command).map_err(|e| format!("the command cannot be read: {e}"))?;
    let (program, arguments) = words.split_first().ok_or("the command is empty; write one")?;
    let output = std::process::Command::new(program)
        .args(arguments)
        .stdin(std::process::Stdio::null())
        .stderr(std::process::Stdio::inherit())
        .output()
        .map_err(|e| format!("{program} cannot be run: {e}; write its whole path"))?;
    if !output.status.success() {
        return Err(format!("{program} failed ({}); run it by hand to see why", output.status));
    }
    String::from_utf8(output.stdout)
        .map(|text| first_line(&text))
        .map_err(|_| format!("{program} did not print UTF-8"))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
