//! `sendmail`: a mail on stdin goes to the daemon, or into its drop folder while there is none.
//! Exit 0 is said only when the mail is durable or delivered.

pub(crate) mod input;
pub(crate) mod options;
mod session;

use super::args::Where;
use super::client::{self, Answer, Client};
use super::queue::args::{Act, Flush, List, Queue};
use super::queue::show;
use super::{find, print, queue, send};
use crate::config::Surroundings;
use crate::drop;
use crate::exit::Failure;
use http_door::{LETTER, Slip};
use options::{Mode, Options};
use postrider::ReversePath;
use serde_json::Value;
use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixStream;

/// Where a daemon of the system listens, for those who may not read its settings.
const SYSTEM: &str = "/run/postrider/submit.sock";
/// Octets of a mail when the settings are not ours to read.
const MAX_MAIL: usize = 50_000_000;
/// How long the delivery of a mail may take that is in no safe place.
const DELIVERY: Duration = Duration::from_secs(300);

pub(crate) async fn run(words: Vec<OsString>, around: Surroundings) -> Result<(), Failure> {
    let asked = options::parse(words)?;
    let place = Where { config: asked.config.clone(), data: asked.data.clone() };
    match asked.mode.clone() {
        Mode::Deliver => deliver(asked, &place, &around).await,
        Mode::Session => session::run(&place, &around),
        Mode::List => {
            let list = List { conditions: None, limit: u64::MAX, place, json: false };
            queue::run(Queue::List(list), around).await
        }
        Mode::Flush(None) => {
            queue::run(Queue::Flush(Flush { dry_run: false, place, json: false }), around).await
        }
        Mode::Flush(Some(id)) => {
            let act = Act { ids: vec![id], conditions: None, dry_run: false, place, json: false };
            queue::run(Queue::Retry(act), around).await
        }
        Mode::Verify => verify(&asked, &around),
        Mode::Aliases => Ok(()),
    }
}

/// Tells which recipients can be; whether they exist the relay alone knows.
fn verify(asked: &Options, around: &Surroundings) -> Result<(), Failure> {
    let slip = slip(asked, asked.to.clone());
    let envelope =
        slip.envelope(&around.hostname, &ReversePath(None)).map_err(|e| super::compose::bad(&e))?;
    for recipient in envelope.to {
        print(&format!("{} ... deliverable: would be handed to the relay", recipient.address.as_str()))?;
    }
    Ok(())
}

/// Where the daemon may be found, as far as we may know.
struct Known {
    sockets: Vec<PathBuf>,
    data_dir: Option<PathBuf>,
    most: usize,
}

fn known(place: &Where, around: &Surroundings) -> Result<Known, Failure> {
    let named = place.config.is_some() || place.data.is_some();
    let (data_dir, most) = match &place.data {
        Some(folder) => (Some(folder.clone()), MAX_MAIL),
        None => match find::settings(place.config.as_deref(), around) {
            Ok(settings) => (Some(settings.data_dir), settings.smtp.max_size),
            Err(failure) if named => return Err(failure),
            // Another user's settings, or none at all: the system's socket is left.
            Err(_) => (None, MAX_MAIL),
        },
    };
    let system = (!named).then(|| PathBuf::from(SYSTEM));
    let own = data_dir.as_deref().map(|folder| client::sockets(folder, around)).unwrap_or_default();
    Ok(Known { sockets: system.into_iter().chain(own).collect(), data_dir, most })
}

async fn deliver(asked: Options, place: &Where, around: &Surroundings) -> Result<(), Failure> {
    let known = known(place, around)?;
    let mail = input::stdin(asked.dots, known.most as u64)?;
    let mut to = asked.to.clone();
    if asked.from_header {
        to.extend(input::recipients(&mail));
    }
    let slip = slip(&asked, to);
    // Only mistakes are looked for; the daemon knows better which domain is ours.
    slip.envelope(&around.hostname, &ReversePath(None)).map_err(|e| super::compose::bad(&e))?;
    let letter = slip.letter(&mail).map_err(|e| Failure::Bug(e.to_string()))?;
    if let Some(client) = Client::find(known.sockets.clone()).await
        && let Some(answer) = hand_over(&client, &letter).await
    {
        return accepted(&client, answer, asked.verbose).await;
    }
    let Some(data_dir) = &known.data_dir else {
        return Err(Failure::Later(format!(
            "no daemon answers at {SYSTEM}, and no settings tell of another place; the mail was not taken"
        )));
    };
    let path = match drop::keep(data_dir, &slip.key, &letter) {
        Ok(path) => path,
        Err(error) => return Err(Failure::Later(nowhere(&known, data_dir, &error).await)),
    };
    // A daemon that started meanwhile may have looked into the folder too early. The key sees to it
    // that the mail is taken once.
    if let Some(client) = Client::find(known.sockets).await
        && let Some(answer) = hand_over(&client, &letter).await
        && answer.status.is_success()
    {
        let told = accepted(&client, answer, asked.verbose).await;
        if told.is_ok() {
            // Taken in already, if it is gone.
            std::mem::drop(std::fs::remove_file(&path));
        }
        return told;
    }
    if asked.verbose {
        super::note(&format!("no daemon answers; the mail waits in {} for its start", path.display()));
    }
    Ok(())
}

/// Why neither the daemon nor the drop folder took the mail.
async fn nowhere(known: &Known, data_dir: &Path, kept: &io::Error) -> String {
    let folder = data_dir.join("drop");
    let mut text = format!("no daemon answers, and {}: {kept}; the mail was not taken", folder.display());
    for socket in &known.sockets {
        if let Err(shut) = UnixStream::connect(socket).await
            && shut.kind() == io::ErrorKind::PermissionDenied
        {
            text = format!(
                "{}: {shut}, and {}: {kept}; the mail was not taken. Other users need ALLOW_LOCAL = true and \
                 a socket in a folder they may enter, such as systemd's RuntimeDirectory=postrider",
                socket.display(),
                folder.display()
            );
        }
    }
    text
}

/// The daemon's answer; `None`: it is gone, and whether it took the mail is not known.
async fn hand_over(client: &Client, letter: &[u8]) -> Option<Answer> {
    client.post("/emails/raw", LETTER, letter.to_vec()).await.ok()
}

/// The mail is in the daemon's hands; with a store that survives no crash, it must be delivered too.
async fn accepted(client: &Client, answer: Answer, verbose: bool) -> Result<(), Failure> {
    let answer = answer.success()?;
    let id = answer.get("id").and_then(Value::as_str);
    let id = id.ok_or_else(|| Failure::Protocol("the daemon accepted the mail and named no id".into()))?;
    let durable = answer.get("durable") != Some(&Value::Bool(false));
    if durable && !verbose {
        return Ok(());
    }
    match tokio::time::timeout(DELIVERY, send::settled(client, id)).await {
        Ok(mail) => {
            let mail = mail?;
            if verbose {
                print(&show::mail(&mail))?;
            }
            let status = mail.get("status").and_then(Value::as_str).unwrap_or_default();
            match durable || status == ::queue::Status::Sent.word() {
                true => Ok(()),
                false => Err(Failure::Unavailable(format!("{id} is {status}"))),
            }
        }
        Err(_) if durable => Ok(()),
        Err(_) => Err(Failure::Later(format!(
            "{id} is not delivered yet, and the queue does not keep it safely: a crash may lose it"
        ))),
    }
}

fn slip(asked: &Options, to: Vec<String>) -> Slip {
    let uid = rustix::process::getuid().as_raw();
    Slip {
        key: uuid::Uuid::now_v7().simple().to_string(),
        user: login(uid),
        uid,
        from: asked.from.clone(),
        name: asked.name.clone(),
        to,
        notify: asked.notify.clone(),
        ret: asked.ret.clone(),
        envid: asked.envid.clone(),
    }
}

/// The name of a user of this machine.
fn login(uid: u32) -> String {
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut names = users.lines().filter_map(|line| {
        let mut parts = line.split(':');
        let name = parts.next()?;
        (parts.nth(1)?.parse() == Ok(uid)).then(|| name.to_owned())
    });
    names.next().unwrap_or_else(|| format!("uid{uid}"))
}
