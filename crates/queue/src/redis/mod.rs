//! The queue in Redis (`[queue] TYPE = redis`): several nodes share it.
//!
//! What must happen as one happens in a script (`lua/`), on Redis's clock. What becomes of a job is reckoned here,
//! by the same table as in the other stores (`reckon`), and written if the job still stands as it stood. A node
//! says every few seconds that it lives; what a silent one had goes to the others, marked. Keys:
//!
//! ```text
//! postrider:{mail}:meta          hash    form, identity
//! postrider:{mail}:j:<id>        hash    one job: what scripts look at, head, progress, header block, body
//! postrider:{mail}:a:<id>        list    its attempts
//! postrider:{mail}:all, live     zsets   ids in order of age: all, and those not done
//! postrider:{mail}:open          zset    ids neither done nor leased, by the end of their lives
//! postrider:{mail}:wait          zset    ids that wait for their time, by it
//! postrider:{mail}:done, rest    zsets   ids done, by when; and by when their bytes go
//! postrider:{mail}:q:…, t:…      lists   ready ids of a lane and project; projects whose turn it is
//! postrider:{mail}:n:<node>      hash    what a node has leased
//! postrider:{mail}:nodes, about  zset, hash   until when each node is believed to live; what it says of itself
//! postrider:{mail}:links, beats  hashes  number of a node's newest connection, and of its newest sign of life
//! postrider:{mail}:buried        zset    nodes whose leases ended by time, by when, for a day
//! postrider:{mail}:i:…           strings idempotency keys
//! postrider:{mail}:counts, routes, turns, bytes   hashes, string
//! postrider:{mail}:rate:…        strings when the next mail to a relay is due, by its rate (GCRA)
//! postrider:{mail}:holds         hash    relays that are held: until when, why
//! postrider:{mail}:probe:…       strings the node that tries a held relay
//! postrider:{mail}:unfiled       zset    ids that are to be in no node's history any more, numbered by `unfiles`
//! postrider:{mail}:changes       channel "<id> <status> <node>"
//! ```

mod asking;
mod ears;
mod fate;
mod fellows;
mod filing;
mod form;
mod gather;
mod handing;
mod judging;
mod keeper;
mod leases;
mod meeting;
mod moves;
mod opening;
mod past;
mod place;
mod questions;
mod reckon;
mod reply;
mod script;
mod storing;
mod wire;

pub use fellows::{Hold, Ration};
pub use opening::{RedisSettings, Worth};
pub use place::{HostPort, RedisPlace, RedisTls, RedisWay};

use crate::Status;
use crate::error::{ActError, ContentError, InsertError, StoreError};
use crate::job::{Inserted, JobId, NewJob};
use crate::settings::StoreSettings;
use crate::settlement::Settlement;
use crate::store::{Change, KnownRelays, Lease, LeaseAsk};
use crate::view::{Action, Content, Filter, JobView, Page, Stats};
use keeper::Keeper;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use tokio::sync::{Notify, broadcast, watch};
use wire::Wire;

/// How long a door waits for Redis.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long what happened is kept for a Redis that does not answer. Should others have the lease by then, Redis
/// says so, and nothing is changed.
const STUBBORN: Duration = Duration::from_secs(3600);

/// A queue in Redis, as one node has it. Cheap to clone.
#[derive(Clone)]
pub struct RedisStore(Arc<Shared>);

impl std::fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisStore")
            .field("place", &self.0.wire.place)
            .field("node", &self.0.wire.node)
            .finish_non_exhaustive()
    }
}

/// What a store and its tasks share.
struct Shared {
    wire: Wire,
    settings: StoreSettings,
    redis: RedisSettings,
    worth: Mutex<Worth>,
    /// The keeper is to look at the time: mail is due earlier than it knew.
    hurry: Arc<Notify>,
    /// How often the clock was moved by hand; up to which of these what that brings was begun, and done.
    pokes: AtomicU64,
    sweeping: AtomicU64,
    swept: watch::Sender<u64>,
    closed: AtomicBool,
    accepted: AtomicU64,
    /// Jobs found that cannot be read.
    corrupt: AtomicU64,
    /// Calls made, to tell one from another.
    calls: AtomicU64,
    keeper: Keeper,
    intake: storing::Intake,
    ends: moves::Ends,
    runtime: tokio::runtime::Handle,
    me: Weak<Self>,
}

impl Shared {
    fn open(&self) -> Result<(), StoreError> {
        if self.closed.load(Ordering::Acquire) { Err(StoreError::Closed) } else { Ok(()) }
    }

    /// After the clock was moved by hand, what that brings comes first.
    async fn begin(&self) -> Result<(), StoreError> {
        self.open()?;
        let asked = self.pokes.load(Ordering::Acquire);
        if *self.swept.borrow() >= asked {
            return Ok(());
        }
        // A task of its own: who asks may go away, or look no further, before the end of it.
        if self.sweeping.fetch_max(asked, Ordering::AcqRel) < asked
            && let Some(shared) = self.me.upgrade()
        {
            self.runtime.spawn(async move {
                if let Err(error) = shared.tick().await {
                    tracing::warn!(%error, "what time brings could not be brought");
                }
                shared.swept.send_replace(asked);
            });
        }
        let mut swept = self.swept.subscribe();
        swept.wait_for(|swept| *swept >= asked).await.map(drop).map_err(|_| StoreError::Closed)
    }

    /// A name for one call, the same for each try of it.
    fn call_name(&self) -> String {
        format!("{}.{}", self.wire.node, self.calls.fetch_add(1, Ordering::Relaxed))
    }
}

impl RedisStore {
    pub(crate) async fn insert(&self, jobs: Vec<NewJob>) -> Result<Vec<Inserted>, InsertError> {
        self.0.begin().await?;
        self.0.insert(jobs).await
    }

    pub(crate) async fn lease(&self, ask: LeaseAsk) -> Result<Vec<Lease>, StoreError> {
        handing::lease(&self.0, ask).await
    }

    pub(crate) async fn know(&self, known: KnownRelays) -> Result<(), StoreError> {
        self.0.begin().await?;
        self.0.know(&known).await
    }

    pub(crate) async fn settle(&self, results: Vec<(Lease, Settlement)>) -> Result<(), StoreError> {
        self.0.begin().await?;
        self.0.settle(results).await
    }

    pub(crate) async fn get(&self, id: JobId) -> Result<Option<JobView>, StoreError> {
        self.0.begin().await?;
        self.0.get(id).await
    }

    pub(crate) async fn list(&self, filter: Filter) -> Result<Page, StoreError> {
        self.0.begin().await?;
        self.0.list(filter).await
    }

    pub(crate) async fn content(&self, id: JobId) -> Result<Content, ContentError> {
        self.0.begin().await?;
        self.0.content(id).await
    }

    pub(crate) async fn act(&self, id: JobId, action: Action) -> Result<Status, ActError> {
        self.0.begin().await?;
        self.0.act(id, &action).await
    }

    pub(crate) async fn hurry(&self, relay: &str, route: &str) -> Result<u64, StoreError> {
        self.0.begin().await?;
        self.0.ease(relay, route).await
    }

    pub(crate) async fn stats(&self) -> Result<Stats, StoreError> {
        self.0.begin().await?;
        self.0.stats().await
    }

    pub(crate) fn changes(&self) -> broadcast::Receiver<Change> {
        self.0.wire.ears.changes.subscribe()
    }

    /// Whether what Redis answered for survives its crash.
    pub(crate) fn durable(&self) -> bool {
        self.0.worth_now().durable
    }

    pub(crate) fn refusing(&self) -> Option<String> {
        self.0.wire.why_not()
    }

    pub(crate) fn poke(&self) {
        self.0.pokes.fetch_add(1, Ordering::AcqRel);
        self.0.wire.ears.wake();
    }

    /// What this Redis promises, and what it was seen to break since.
    pub fn worth(&self) -> Worth {
        let mut worth = self.0.worth_now();
        worth.warnings.extend(self.0.wire.past.reports());
        worth
    }

    pub(crate) async fn close(&self) -> Result<(), StoreError> {
        if self.0.closed.swap(true, Ordering::AcqRel) {
            return Ok(());
        }
        self.0.keeper.stop();
        self.0.wire.ears.wake();
        if let Err(error) = self.0.file().await {
            tracing::warn!(%error, "what was done last is not in history");
        }
        let part = self.0.wire.call(&script::PART);
        self.0.wire.run(&script::PART, &part, PATIENCE).await?;
        Ok(())
    }
}
