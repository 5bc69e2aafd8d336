//! `queue give-up`: cancels all that waits in a store that no daemon has open: on disk, or in Redis where the data
//! folder says that the queue was there.

use crate::cli::args::Where;
use crate::cli::{find, print};
use crate::clock::WallClock;
use crate::config::Surroundings;
use crate::exit::Failure;
use crate::{left_behind, store, wire};
use queue::{Action, AnyStore, Clock, Filter, JobId, RedisPlace, Status, Store, StoreError, StoreSettings};
use serde_json::json;
use std::path::Path;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Cancelled with one sync.
const TOGETHER: usize = 500;

pub(crate) async fn run(place: &Where, as_json: bool, around: &Surroundings) -> Result<(), Failure> {
    let (folder, named) = match &place.data {
        Some(folder) => (folder.clone(), None),
        None => {
            let settings = find::settings(place.config.as_deref(), around)?;
            (settings.data_dir, settings.queue.redis)
        }
    };
    let mut given_up = 0;
    let redis = left_behind::marked(&folder, named.as_ref())?;
    if let Some(place) = &redis {
        given_up += in_redis(place).await?;
        left_behind::unmark(&folder)?;
    }
    let failed = |because: StoreError| Failure::Store { path: folder.clone(), because };
    if redis.is_none() || AnyStore::waiting_on_disk(&folder).map_err(failed)? > 0 {
        given_up += on_disk(&folder).await?;
    }
    match as_json {
        true => print(&json!({"cancelled": given_up}).to_string()),
        false => print(&format!("{given_up} mails were given up; they are cancelled in the history")),
    }
}

async fn on_disk(folder: &Path) -> Result<u64, Failure> {
    let failed = |because: StoreError| Failure::Store { path: folder.to_owned(), because };
    let opened = AnyStore::open_disk(folder, StoreSettings::default(), Arc::new(WallClock));
    let store = opened.map_err(failed)?.0;
    let given_up = all(&store).await.map_err(failed)?;
    store.close().await.map_err(failed)?;
    Ok(given_up)
}

async fn in_redis(place: &RedisPlace) -> Result<u64, Failure> {
    wire::install_tls();
    let clock: Arc<dyn Clock> = Arc::new(WallClock);
    let store = store::open_redis(place.clone(), StoreSettings::default(), &clock, None).await?;
    let nodes = store.stats().await.map_err(Failure::Queue)?.nodes;
    let others: Vec<String> = nodes.into_iter().filter(|node| !node.this).map(|node| node.about).collect();
    let given_up = if others.is_empty() { all(&store).await } else { Ok(0) };
    store.close().await.map_err(Failure::Queue)?;
    match others.is_empty() {
        true => given_up.map_err(Failure::Queue),
        false => Err(Failure::Unavailable(format!(
            "the queue in {place} is at work ({}): stop its daemons, and wait for 20 seconds if one was killed; or \
             choose by postrider queue cancel",
            others.join("; ")
        ))),
    }
}

async fn all(store: &AnyStore) -> Result<u64, StoreError> {
    let mut given_up = 0;
    for status in [Status::Scheduled, Status::Queued, Status::Deferred, Status::Held] {
        loop {
            let waiting = Filter { status: Some(status), limit: TOGETHER, ..Filter::default() };
            let page = store.list(waiting).await?;
            let cancelled = cancel(store, page.jobs.iter().map(|job| job.id)).await;
            given_up += cancelled;
            if cancelled == 0 {
                break;
            }
        }
    }
    Ok(given_up)
}

async fn cancel(store: &AnyStore, ids: impl Iterator<Item = JobId>) -> u64 {
    let mut acting = JoinSet::new();
    for id in ids {
        let store = store.clone();
        acting.spawn(async move { store.act(id, Action::Cancel).await.is_ok() });
    }
    acting.join_all().await.into_iter().map(u64::from).sum()
}
