//! The queue's store: opened as the settings say, and never while mail waits in the one before it.

use crate::config::{Kept, Settings, machine};
use crate::exit::Failure;
use crate::left_behind;
use queue::{AnyStore, Clock, RedisPlace, RedisSettings, RedisStore, Store, StoreSettings};
use std::path::Path;
use std::sync::Arc;

pub(crate) async fn open(s: &Settings, clock: &Arc<dyn Clock>) -> Result<AnyStore, Failure> {
    let settings = StoreSettings {
        length: s.queue.length,
        keep_history: s.queue.keep_history,
        keep_body: s.queue.keep_body,
        ..StoreSettings::default()
    };
    left_behind::refuse(s).await?;
    match s.queue.kept {
        Kept::OnDisk => on_disk(&s.data_dir, settings, clock),
        Kept::InRedis => in_redis(redis_place(s)?, settings, clock, &s.data_dir).await,
        Kept::InMemory | Kept::TriedAtOnce => Ok(AnyStore::memory(settings, clock.clone())),
    }
}

/// Where Redis is, when the queue is there.
pub(crate) fn redis_place(s: &Settings) -> Result<RedisPlace, Failure> {
    s.queue.redis.clone().ok_or_else(|| Failure::Bug("TYPE is redis, and no place of Redis is known".into()))
}

/// The Redis that this node shares with others, if so.
pub(crate) fn shared(s: &Settings) -> Option<RedisPlace> {
    s.queue.redis.clone().filter(|_| s.queue.kept == Kept::InRedis)
}

fn on_disk(folder: &Path, settings: StoreSettings, clock: &Arc<dyn Clock>) -> Result<AnyStore, Failure> {
    let opened = AnyStore::open_disk(folder, settings, clock.clone());
    let (store, report) = opened.map_err(|because| Failure::Store { path: folder.to_owned(), because })?;
    tracing::info!(
        unsettled = report.unsettled,
        possible_duplicates = report.possible_duplicates,
        torn_octets = report.torn,
        orphaned_bodies = report.orphans,
        "the queue is open"
    );
    if report.corrupt > 0 {
        tracing::error!(frames = report.corrupt, "damaged records were set aside in quarantine/");
    }
    Ok(store)
}

async fn in_redis(
    place: RedisPlace,
    settings: StoreSettings,
    clock: &Arc<dyn Clock>,
    data_dir: &Path,
) -> Result<AnyStore, Failure> {
    let store = open_redis(place.clone(), settings, clock, Some(data_dir)).await?;
    // Before there is mail: whatever happens to us, the next start knows where to look.
    left_behind::mark(data_dir, &place)?;
    for warning in store.warnings() {
        tracing::warn!("[queue] TYPE = redis: {warning}");
    }
    let stats = store.stats().await.map_err(Failure::Queue)?;
    let others = stats.nodes.iter().filter(|node| !node.this).count();
    tracing::info!(redis = %place, unsettled = stats.unsettled, other_nodes = others, "the queue is open");
    Ok(store)
}

/// As a node of the queue there, which tells the others who we are; with `data_dir` it files what it settles.
pub(crate) async fn open_redis(
    place: RedisPlace,
    settings: StoreSettings,
    clock: &Arc<dyn Clock>,
    data_dir: Option<&Path>,
) -> Result<AnyStore, Failure> {
    let about = format!("{}, postrider {}, pid {}", machine(), env!("CARGO_PKG_VERSION"), std::process::id());
    let redis = RedisSettings { about, data_dir: data_dir.map(Into::into), ..RedisSettings::default() };
    let opened = RedisStore::open(place, settings, redis, clock.clone()).await;
    opened.map(AnyStore::Redis).map_err(Failure::Queue)
}
