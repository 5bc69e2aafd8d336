//! Opening the queue in Redis: what it is worth is looked at first.

use super::filing::{self, Filing};
use super::form;
use super::judging;
use super::keeper::{self, Keeper};
use super::place::{RedisPlace, trouble};
use super::wire::Wire;
use super::{RedisStore, Shared};
use crate::clock::Clock;
use crate::error::StoreError;
use crate::history::History;
use crate::listing::blocking;
use crate::settings::StoreSettings;
use redis::aio::MultiplexedConnection;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::watch;

/// How a node uses Redis.
#[derive(Debug, Clone)]
pub struct RedisSettings {
    /// How long Redis believes a node's sign of life; after a node's death its work is the others' within this and
    /// a fifth of it.
    pub lease: Duration,
    /// Octets of messages in Redis at once, those that are kept after they were sent included.
    pub octets: u64,
    /// Octets of one message.
    pub message_octets: u64,
    /// Done jobs that Redis remembers, the oldest forgotten first.
    pub history_count: usize,
    /// The folder under which the node files what it settled (`history/`), for as long as history is kept; `None`:
    /// only what Redis remembers is known.
    pub data_dir: Option<std::path::PathBuf>,
    /// What the node says of itself to those who ask for the nodes: its host, its version.
    pub about: String,
}

impl Default for RedisSettings {
    fn default() -> Self {
        Self {
            lease: Duration::from_secs(15),
            octets: 4 << 30,
            message_octets: 64 << 20,
            history_count: 20_000,
            data_dir: None,
            about: String::new(),
        }
    }
}

/// What this Redis promises.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Worth {
    /// What was answered for survives a crash of Redis (`appendonly yes`, `appendfsync always`).
    pub durable: bool,
    /// What an operator should know, one sentence each.
    pub warnings: Vec<String>,
}

/// The form of the keys; a newer one is not touched.
const FORM: u32 = 1;
/// The first tries to reach Redis, a second apart (the reference does the same).
const TRIES: usize = 10;

impl RedisStore {
    /// Joins the queue in Redis as a node, named anew at each start; makes it if it is not there.
    ///
    /// # Errors
    /// `Away`: Redis is not to be reached in ten tries. `Unfit`: it is too old, part of a cluster, or would throw
    /// mail away (`maxmemory-policy`).
    /// `Format`: a newer version made the queue.
    pub async fn open(
        place: RedisPlace,
        settings: StoreSettings,
        redis: RedisSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        Self::open_with(place, settings, redis, clock, false).await
    }

    /// As `open`; the clock's time counts in place of Redis's, for tests.
    ///
    /// # Errors
    /// As `open`.
    pub async fn open_by(
        place: RedisPlace,
        settings: StoreSettings,
        redis: RedisSettings,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, StoreError> {
        Self::open_with(place, settings, redis, clock, true).await
    }

    async fn open_with(
        place: RedisPlace,
        settings: StoreSettings,
        redis: RedisSettings,
        clock: Arc<dyn Clock>,
        given: bool,
    ) -> Result<Self, StoreError> {
        let mut connection = reach(&place).await?;
        let worth = worth(&place, &mut connection).await?;
        prepare(&place, &mut connection).await?;
        let node = uuid::Uuid::now_v7().as_simple().to_string();
        let runtime = tokio::runtime::Handle::current();
        let mut wire = Wire::new(place, node, clock, given, redis.lease);
        if let Some(folder) = redis.data_dir.clone() {
            let opened = blocking(move || History::open(&folder).map_err(|e| in_history(&folder, &e)));
            wire.ears.filing = Some(Filing::new(opened.await??));
        }
        let shared = Arc::new_cyclic(|me| Shared {
            wire,
            settings,
            redis,
            worth: Mutex::new(worth),
            hurry: Arc::default(),
            pokes: AtomicU64::new(0),
            sweeping: AtomicU64::new(0),
            swept: watch::Sender::new(0),
            closed: AtomicBool::new(false),
            accepted: AtomicU64::new(0),
            corrupt: AtomicU64::new(0),
            calls: AtomicU64::new(0),
            keeper: Keeper::default(),
            intake: super::gather::Gather::new(super::storing::TOGETHER),
            ends: super::gather::Gather::to_the_end(super::moves::SETTLED_TOGETHER),
            runtime,
            me: me.clone(),
        });
        shared.beat(super::PATIENCE).await?;
        let (listens, listening) = tokio::sync::oneshot::channel();
        let listener = tokio::spawn(keeper::listen(Arc::downgrade(&shared), listens));
        shared.keeper.add(listener.abort_handle());
        drop(tokio::time::timeout(Duration::from_secs(5), listening).await);
        let keeping = tokio::spawn(keeper::keep(Arc::downgrade(&shared)));
        shared.keeper.add(keeping.abort_handle());
        let judging = tokio::spawn(judging::keep(Arc::downgrade(&shared)));
        shared.keeper.add(judging.abort_handle());
        if let Some(filing) = &shared.wire.ears.filing {
            let writing = tokio::spawn(filing::keep(Arc::downgrade(&shared), filing.full()));
            shared.keeper.add(writing.abort_handle());
        }
        Ok(Self(shared))
    }
}

fn in_history(folder: &std::path::Path, error: &std::io::Error) -> StoreError {
    StoreError::Io(format!("the folder {}: {error}", folder.join("history").display()))
}

async fn reach(place: &RedisPlace) -> Result<MultiplexedConnection, StoreError> {
    let mut tries = 1;
    loop {
        let error = match place.connect().await {
            Ok(mut connection) => {
                let ping = redis::cmd("PING");
                match ping.query_async::<redis::Value>(&mut connection).await {
                    Ok(_) => return Ok(connection),
                    Err(error) => error,
                }
            }
            Err(error) => error,
        };
        if tries == TRIES {
            return Err(trouble(place, &error));
        }
        tracing::warn!("Redis is not ready, waiting for 1 second to retry: {error}");
        tries += 1;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
}

pub(super) async fn info(connection: &mut MultiplexedConnection, section: &str) -> HashMap<String, String> {
    let text: String = redis::cmd("INFO").arg(section).query_async(connection).await.unwrap_or_default();
    let pair = |line: &str| line.split_once(':').map(|(k, v)| (k.to_owned(), v.trim().to_owned()));
    text.lines().filter_map(pair).collect()
}

async fn config(connection: &mut MultiplexedConnection, name: &str) -> Option<String> {
    let found: Result<HashMap<String, String>, _> =
        redis::cmd("CONFIG").arg("GET").arg(name).query_async(connection).await;
    found.ok()?.remove(name)
}

pub(super) async fn worth(
    place: &RedisPlace,
    connection: &mut MultiplexedConnection,
) -> Result<Worth, StoreError> {
    let server = info(connection, "server").await;
    if server.is_empty() {
        return Err(trouble(place, &"INFO is not answered"));
    }
    let version = server.get("redis_version").cloned().unwrap_or_default();
    let major: u32 = version.split('.').next().and_then(|n| n.parse().ok()).unwrap_or_default();
    if major < 7 {
        return Err(StoreError::Unfit(format!(
            "{place}: Redis {version} is too old; 7.0 or newer is needed"
        )));
    }
    if server.get("redis_mode").is_some_and(|mode| mode == "cluster") {
        let why = "is part of a cluster; name a Redis of its own, or Sentinels";
        return Err(StoreError::Unfit(format!("{place} {why}")));
    }
    let memory = info(connection, "memory").await;
    let policy = memory.get("maxmemory_policy").map_or("noeviction", String::as_str);
    let bounded = memory.get("maxmemory").is_some_and(|most| most != "0");
    if policy != "noeviction" {
        let why = format!(
            "{place}: maxmemory-policy is {policy}, by which Redis would throw mail away; set it to noeviction"
        );
        if bounded {
            return Err(StoreError::Unfit(why));
        }
    }
    let persistence = info(connection, "persistence").await;
    let Some(aof) = persistence.get("aof_enabled").map(|on| on == "1") else {
        return Err(trouble(place, &"INFO is not answered"));
    };
    let sync = config(connection, "appendfsync").await;
    let mut worth = Worth { durable: aof && sync.as_deref() == Some("always"), warnings: Vec::new() };
    match (aof, sync.as_deref()) {
        (true, Some("always")) => {}
        (true, Some("everysec")) => worth.warnings.push(
            "Redis syncs once a second (appendfsync everysec): mail of the last second may be lost when it dies; \
             set appendfsync always"
                .into(),
        ),
        (true, None) => worth.warnings.push(
            "Redis does not tell how it syncs (CONFIG GET is refused), so mail counts as not kept safely".into(),
        ),
        _ => worth.warnings.push(
            "Redis does not keep what it is given (appendonly no, or appendfsync no): mail is lost when it dies; \
             set appendonly yes and appendfsync always"
                .into(),
        ),
    }
    if !bounded {
        worth
            .warnings
            .push("Redis has no maxmemory: set one, so that mail is refused before memory is full".into());
    }
    Ok(worth)
}

/// Makes the queue, or sees that it is one of ours.
async fn prepare(place: &RedisPlace, connection: &mut MultiplexedConnection) -> Result<(), StoreError> {
    let failed = |error: redis::RedisError| trouble(place, &error);
    let meta = format!("{}meta", place.prefix());
    let mut form = redis::cmd("HGET");
    form.arg(&meta).arg("form");
    let mut found: Option<String> = form.query_async(connection).await.map_err(failed)?;
    // A Redis that is full takes no command that may need room, and its queue is to be emptied all the same.
    if found.is_none() {
        let mut make = redis::cmd("HSETNX");
        make.arg(&meta).arg("form").arg(FORM);
        make.query_async::<()>(connection).await.map_err(failed)?;
        found = form.query_async(connection).await.map_err(failed)?;
    }
    let found = found.unwrap_or_default();
    match found.parse::<u32>() {
        Ok(form) if form <= FORM => Ok(()),
        _ => Err(StoreError::Format(format!(
            "{place} holds a queue of form {found}, which a newer version made; nothing was touched"
        ))),
    }
}

/// Kept so that a change of the forms is not forgotten here.
const _: () = assert!(FORM == form::FORM as u32);
