//! Mail that waits in another store than that of `[queue] TYPE`: nobody would deliver it.
//!
//! What is on disk is seen in the data folder. That the queue was in Redis is said by a file there, which goes
//! when a stop finds that queue empty.

use crate::config::{Kept, Settings, redis_named};
use crate::exit::Failure;
use queue::{AnyStore, RedisPlace, Store};
use std::path::{Path, PathBuf};

/// Holds the place of Redis, without password.
const MARK: &str = "queue-in-redis";

/// Stops a start that would leave mail behind.
pub(crate) async fn refuse(s: &Settings) -> Result<(), Failure> {
    if s.queue.kept != Kept::OnDisk {
        on_disk(s)?;
    }
    let Some(place) = marked(&s.data_dir, s.queue.redis.as_ref())? else { return Ok(()) };
    if s.queue.kept != Kept::InRedis {
        return in_redis(s, &place).await;
    }
    if s.queue.redis.as_ref() != Some(&place) {
        tracing::warn!(
            "[queue] CONN_STR names another Redis than before: if mail waits in {place}, nobody may deliver it"
        );
    }
    Ok(())
}

fn on_disk(s: &Settings) -> Result<(), Failure> {
    let waiting = AnyStore::waiting_on_disk(&s.data_dir);
    let mails = waiting.map_err(|because| Failure::Store { path: s.data_dir.clone(), because })?;
    if mails == 0 {
        return Ok(());
    }
    let kept = if s.queue.kept == Kept::InRedis { "Redis" } else { "memory" };
    Err(Failure::Settings(format!(
        "[queue] TYPE is one that keeps mail in {kept}, but {mails} mails wait on disk in {0} and nobody would \
         deliver them. Set TYPE = level again until they are out (postrider queue drain --wait), or give them \
         up: postrider queue give-up --data {0}",
        s.data_dir.display()
    )))
}

async fn in_redis(s: &Settings, place: &RedisPlace) -> Result<(), Failure> {
    let found = match place.waiting().await {
        Ok(0) => return unmark(&s.data_dir),
        Ok(mails) => format!("{mails} mails wait there"),
        Err(error) => format!("whether mail waits there cannot be asked ({error})"),
    };
    Err(Failure::Settings(format!(
        "[queue] TYPE is not redis, but the queue was in {place}: {found}, and nobody would deliver it. Set TYPE = \
         redis again until it is out (postrider queue drain --wait), or give it up: postrider queue give-up. If \
         other nodes deliver it, or that Redis is gone for good, remove {}",
        path(&s.data_dir).display()
    )))
}

fn path(data_dir: &Path) -> PathBuf {
    data_dir.join(MARK)
}

/// Where the queue is or was in Redis; with the password if the settings still name the place.
pub(crate) fn marked(data_dir: &Path, known: Option<&RedisPlace>) -> Result<Option<RedisPlace>, Failure> {
    let path = path(data_dir);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text.trim().to_owned(),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(because) => return Err(Failure::Create { path, because }),
    };
    match known {
        Some(place) if place.to_string() == text => Ok(Some(place.clone())),
        _ => redis_named(&text)
            .map(Some)
            .map_err(|problem| Failure::Settings(format!("the file {}: {problem}", path.display()))),
    }
}

/// Says that the queue is in Redis from now on.
pub(crate) fn mark(data_dir: &Path, place: &RedisPlace) -> Result<(), Failure> {
    let (path, text) = (path(data_dir), format!("{place}\n"));
    if std::fs::read_to_string(&path).is_ok_and(|before| before == text) {
        return Ok(());
    }
    whole(data_dir, &path, &text).map_err(|because| Failure::Create { path, because })
}

/// Whole or not at all, also when the power goes: half a place would stop each start.
fn whole(folder: &Path, path: &Path, text: &str) -> std::io::Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, text)?;
    std::fs::File::open(&new)?.sync_all()?;
    std::fs::rename(&new, path)?;
    std::fs::File::open(folder)?.sync_all()
}

pub(crate) fn unmark(data_dir: &Path) -> Result<(), Failure> {
    let path = path(data_dir);
    match std::fs::remove_file(&path) {
        Err(because) if because.kind() != std::io::ErrorKind::NotFound => {
            Err(Failure::Create { path, because })
        }
        _ => Ok(()),
    }
}

/// Before the store is closed: an empty queue in Redis is nothing to look for at the next start.
pub(crate) async fn forget_if_empty(store: &AnyStore, data_dir: &Path) {
    if !matches!(store, AnyStore::Redis(_)) || store.refusing().is_some() {
        return;
    }
    if store.stats().await.is_ok_and(|stats| stats.unsettled == 0)
        && let Err(failure) = unmark(data_dir)
    {
        tracing::warn!("{failure}");
    }
}
