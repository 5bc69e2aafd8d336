//! From settings to parts: folder, keys, sender.

use crate::config::Relay;
use crate::exit::Failure;
use queue::RedisPlace;
use queue::state::{Pause, StateDb, StateError};
use send::Sender;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

/// Makes the data folder if it is not there, for us alone, and sees that it can be used.
pub(crate) fn folder(path: &Path) -> Result<(), Failure> {
    let failed = |because| Failure::Create { path: path.to_owned(), because };
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(failed)?;
    std::fs::read_dir(path).map(drop).map_err(failed)
}

/// What `state.db` refused.
pub(crate) fn state(error: StateError) -> Failure {
    match error {
        StateError::BadName(_) | StateError::NoScope | StateError::NameTaken(_) | StateError::NotFound => {
            Failure::Usage(error.to_string())
        }
        StateError::Away(_) => Failure::Unavailable(error.to_string()),
        StateError::File { path, cause } => Failure::Create { path: path.into(), because: cause },
        StateError::Sqlite(_) | StateError::Newer { .. } | StateError::Damaged(_) | StateError::NoRandom => {
            Failure::Io(std::io::Error::other(error.to_string()))
        }
    }
}

/// Keys and pauses: of this node, or of all that share the Redis named. Blocks while it is asked.
pub(crate) fn open_state(folder: &Path, shared: Option<RedisPlace>) -> Result<StateDb, Failure> {
    let opened = match shared {
        Some(place) => {
            install_tls();
            StateDb::open_shared(folder, place)
        }
        None => StateDb::open(folder),
    };
    opened.map_err(state)
}

/// What an operator had paused before the last end, or on another node, stays so.
pub(crate) fn paused(db: &StateDb) -> Result<worker::Relays, Failure> {
    let pauses = db.pauses().map_err(state)?;
    for pause in &pauses {
        let what = pause.relay.as_deref().map_or("all relays".to_owned(), |name| format!("relay {name}"));
        tracing::warn!(why = pause.why, "{what} paused since before; postrider relay resume ends it");
    }
    let relays = worker::Relays::default();
    set(&relays, pauses);
    Ok(relays)
}

fn set(relays: &worker::Relays, pauses: Vec<Pause>) {
    let (all, each): (Vec<_>, Vec<_>) = pauses.into_iter().partition(|pause| pause.relay.is_none());
    let each = each.into_iter().filter_map(|pause| Some((pause.relay?, pause.why)));
    relays.set_pauses(all.first().map(|pause| pause.why.as_str()), each);
}

/// What is paused and resumed on another node is so here.
pub(crate) async fn follow(db: Arc<StateDb>, relays: worker::Relays) {
    let told = |db: &StateDb| match db.pauses() {
        Ok(pauses) => set(&relays, pauses),
        Err(cause) => tracing::error!(%cause, "what is paused cannot be read"),
    };
    db.follow(told).await;
}

/// Names the one TLS implementation of the process; a second call changes nothing.
pub(crate) fn install_tls() {
    let installed = rustls::crypto::aws_lc_rs::default_provider().install_default();
    if installed.is_err() {
        tracing::debug!("the TLS provider stands already");
    }
}

/// A relay with its sender and bounds, as the worker takes it.
pub(crate) fn relay(relay: &Relay, sender: Arc<dyn Sender>) -> worker::Relay {
    worker::Relay {
        name: relay.name.as_str().into(),
        url: relay.url.as_str().into(),
        sender,
        connections: relay.connections,
        batch: relay.batch,
        rate: relay.rate.map(|(mails, per)| worker::Rate { mails, per }),
    }
}
