//! `dev`: everything on loopback, without settings.

use super::{args, identity, leftovers, print};
use crate::clock::WallClock;
use crate::config::{
    self, Dkim, HttpDoor, Identity, Kept, Listen, Queue, Relay, Settings, SmtpDoor, Surroundings,
    TemplateFolder, Way,
};
use crate::doors::Manner;
use crate::exit::Failure;
use crate::house::{House, Plan};
use crate::signals::Signals;
use crate::wire;
use envelope::Mailbox;
use http_door::Trust;
use message::{MessageIdStyle, Profile};
use notify::NotifySettings;
use queue::Clock;
use queue::state::{NewKey, StateDb, StateError};
use serde_json::json;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

const DAY: Duration = Duration::from_secs(86_400);
/// Somebody sits in front of it: the end must not take long.
const GRACE: Duration = Duration::from_secs(5);

pub(crate) async fn run(dev: args::Dev, around: Surroundings) -> Result<(), Failure> {
    let mut signals = Signals::new()?;
    let way = match &dev.relay {
        Some(url) => config::relay_way(url, &around).map_err(|e| Failure::Usage(format!("--relay: {e}")))?,
        None => Way::Inbox,
    };
    let folder = Folder::new(dev.data.as_deref())?;
    let plan = Plan {
        settings: settings(&dev, way, &folder.path, &around),
        manner: Manner {
            trust: Trust::Open,
            http_name: "--http",
            smtp_name: "--smtp",
            runtime_dir: None,
            grace: GRACE,
        },
        reread: None,
    };
    if dev.relay.is_some() {
        identity::warn(&plan.settings.identity.profile);
    }
    let house = House::open(plan).await?;
    let key = key(&folder.path)?;
    let smtp = house.smtp.as_ref().map(ToString::to_string).unwrap_or_default();
    for (flag, place) in [("--http", Some(&house.http)), ("--smtp", house.smtp.as_ref())] {
        if let Some(Listen::Tcp(address)) = place
            && !address.ip().to_canonical().is_loopback()
        {
            tracing::warn!(
                "{flag} {address}: other machines reach this door; they need the key, this machine does not"
            );
        }
    }
    announce(&dev, &house.http.to_string(), &smtp, &key, &folder.path)?;
    house.serve(&mut signals).await
}

fn announce(dev: &args::Dev, http: &str, smtp: &str, key: &str, folder: &Path) -> Result<(), Failure> {
    let (console, api, smtp) =
        (format!("http://{http}/"), format!("http://{http}"), format!("smtp://{smtp}"));
    if dev.json {
        return print(&json!({"console": console, "api": api, "smtp": smtp, "key": key}).to_string());
    }
    let program = std::env::current_exe()?;
    let target = dev
        .relay
        .as_deref()
        .map_or("the inbox on the console; nothing leaves this machine", |_| "the relay you named");
    print(&format!(
        "postrider is ready. Mail goes to {target}.\n\n  \
         console  {console}\n  \
         API      {api}\n  \
         SMTP     {smtp}\n  \
         key      {key}  (for this run; programs of this machine need none)\n\n\
         Send a mail:\n\n  \
         echo \"It works\" | {} send --data {} --to you@example.com --subject Hello --text -\n\n\
         Stop with Ctrl-C.",
        quoted(&program),
        quoted(folder)
    ))
}

/// As a POSIX shell takes it.
fn quoted(path: &Path) -> String {
    shell_words::quote(&path.to_string_lossy()).into_owned()
}

/// The key of this run; that of an earlier run in the same folder ends.
fn key(folder: &Path) -> Result<String, Failure> {
    let (db, now) = (StateDb::open(folder).map_err(wire::state)?, WallClock.now());
    match db.revoke("dev", now) {
        Ok(_) | Err(StateError::NotFound) => {}
        Err(error) => return Err(wire::state(error)),
    }
    Ok(db.create(&NewKey::named("dev", now)).map_err(wire::state)?.key)
}

fn settings(dev: &args::Dev, way: Way, folder: &Path, around: &Surroundings) -> Settings {
    let profile = Profile {
        from: Mailbox::parse("Postrider <postrider@localhost>").ok(),
        message_id: MessageIdStyle::Unique { domain: around.hostname.clone() },
        ..Profile::default()
    };
    let notify = NotifySettings { domain: around.hostname.clone(), ..NotifySettings::default() };
    Settings {
        data_dir: folder.to_owned(),
        memory: 128 << 20,
        http: HttpDoor { listen: Listen::Tcp(dev.http), public_url: None },
        smtp: SmtpDoor {
            listen: Some(Listen::Tcp(dev.smtp)),
            allow_local: true,
            max_size: 50_000_000,
            tls: None,
        },
        identity: Identity { profile, hostname: around.hostname.clone(), notify },
        relays: vec![Relay::new(way, ("postrider.relay", "URL"))],
        queue: Queue {
            kept: Kept::OnDisk,
            redis: None,
            length: None,
            retry: Vec::new(),
            expire: 5 * DAY,
            keep_history: 30 * DAY,
            keep_body: 7 * DAY,
        },
        dkim: Dkim::default(),
        templates: TemplateFolder { dir: dev.templates.clone(), ..TemplateFolder::default() },
    }
}

/// The folder of a run; one of our own goes when the run ends, however it ends.
struct Folder {
    path: PathBuf,
    ours: bool,
}

impl Folder {
    fn new(named: Option<&Path>) -> Result<Self, Failure> {
        if let Some(path) = named {
            wire::folder(path)?;
            return Ok(Self { path: std::path::absolute(path)?, ours: false });
        }
        let around = std::env::temp_dir();
        let seconds = WallClock.now().as_second().try_into().unwrap_or_default();
        leftovers::remove(&around, SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
        let path = around.join(format!("{}{}", leftovers::NAME, uuid::Uuid::now_v7().simple()));
        let made = std::fs::DirBuilder::new().mode(0o700).create(&path);
        made.map_err(|because| Failure::Create { path: path.clone(), because })?;
        Ok(Self { path, ours: true })
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if self.ours
            && let Err(error) = std::fs::remove_dir_all(&self.path)
        {
            tracing::warn!(%error, folder = %self.path.display(), "the folder of this run could not be removed");
        }
    }
}
