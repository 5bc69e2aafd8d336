//! `queue give-up`: cancels all that waits in a store on disk that no daemon has open.

use crate::cli::args::Where;
use crate::cli::{find, print};
use crate::clock::WallClock;
use crate::config::Surroundings;
use crate::exit::Failure;
use queue::{Action, AnyStore, Filter, JobId, Status, Store, StoreError, StoreSettings};
use serde_json::json;
use std::sync::Arc;
use tokio::task::JoinSet;

/// Cancelled with one sync.
const TOGETHER: usize = 500;

pub(crate) async fn run(place: &Where, as_json: bool, around: &Surroundings) -> Result<(), Failure> {
    let folder = find::data_dir(place, around)?;
    let failed = |because: StoreError| Failure::Store { path: folder.clone(), because };
    let opened = AnyStore::open_disk(&folder, StoreSettings::default(), Arc::new(WallClock));
    let store = opened.map_err(failed)?.0;
    let mut given_up = 0;
    for status in [Status::Scheduled, Status::Queued, Status::Deferred, Status::Held] {
        loop {
            let waiting = Filter { status: Some(status), limit: TOGETHER, ..Filter::default() };
            let page = store.list(waiting).await.map_err(failed)?;
            let cancelled = cancel(&store, page.jobs.iter().map(|job| job.id)).await;
            given_up += cancelled;
            if cancelled == 0 {
                break;
            }
        }
    }
    store.close().await.map_err(failed)?;
    match as_json {
        true => print(&json!({"cancelled": given_up}).to_string()),
        false => print(&format!("{given_up} mails were given up; they are cancelled in the history")),
    }
}

async fn cancel(store: &AnyStore, ids: impl Iterator<Item = JobId>) -> u64 {
    let mut acting = JoinSet::new();
    for id in ids {
        let store = store.clone();
        acting.spawn(async move { store.act(id, Action::Cancel).await.is_ok() });
    }
    acting.join_all().await.into_iter().map(u64::from).sum()
}
