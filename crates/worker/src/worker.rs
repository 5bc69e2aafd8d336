//! The pool: every relay's connections, started together and drained together.

use crate::connection;
use crate::desk::{Desk, Shared, Siblings};
use crate::fellows;
use crate::relays::Relays;
use crate::settings::{Route, WorkerSettings};
use crate::signal::Signal;
use queue::{AnyStore, Clock};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// What the connections are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    No,
    /// Finish what is in the sender's hands, take nothing new.
    Drain,
    /// Break off; what is in a sender's hands is in doubt.
    Hammer,
}

/// The running pool. Dropped without `drain`, its tasks end at once and their leases return.
pub struct Worker {
    relays: Relays,
    stop: Signal<Stop>,
    tasks: JoinSet<()>,
}

/// How a drain ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drained {
    Clean,
    /// The grace period passed, or `hurry` came; mails in flight were broken off and marked.
    Hammered,
}

/// How long broken-off connections have to settle what they know.
const HAMMERED: Duration = Duration::from_secs(5);

impl Worker {
    /// Starts the connections of all relays. Must be called within a tokio runtime.
    pub fn start(
        store: &AnyStore,
        routes: Vec<Route>,
        settings: WorkerSettings,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        Self::start_with(Relays::default(), store, routes, settings, clock)
    }

    /// Starts a worker with new relays in this one's place; this one is to be drained.
    pub fn successor(
        &self,
        store: &AnyStore,
        routes: Vec<Route>,
        settings: WorkerSettings,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        Self::start_with(self.relays.clone(), store, routes, settings, clock)
    }

    /// As `start`; what is paused in `relays` stays so.
    pub fn start_with(
        relays: Relays,
        store: &AnyStore,
        routes: Vec<Route>,
        settings: WorkerSettings,
        clock: &Arc<dyn Clock>,
    ) -> Self {
        let stop = Signal::new(Stop::No);
        let fellows = store.shared().cloned().map(|store| (store, fellows::words()));
        let shared = Shared {
            store: store.clone(),
            clock: clock.clone(),
            settings: Arc::new(settings),
            moved: Arc::new(Signal::new(())),
            words: fellows.as_ref().map(|(_, (words, _))| words.clone()),
        };
        let desks: Vec<_> = routes.into_iter().flat_map(|route| open(route, &shared)).collect();
        relays.open(desks.clone());
        let mut tasks = JoinSet::new();
        if let Some((store, (_, words))) = fellows {
            tasks.spawn(fellows::run(store, desks.clone(), words, stop.watch()));
        }
        for desk in desks {
            for number in 0..desk.relay.connections {
                tasks.spawn(connection::run(desk.clone(), number, stop.watch()));
            }
        }
        Self { relays, stop, tasks }
    }

    /// The relays, for doors and operators; lives on in a successor.
    pub fn relays(&self) -> &Relays {
        &self.relays
    }

    /// Stops: connections finish the mails they have begun, for at most `grace` or until `hurry`
    /// completes; then they are broken off and what was in flight is marked as in doubt.
    pub async fn drain(mut self, grace: Duration, hurry: impl Future<Output = ()>) -> Drained {
        self.stop.set(Stop::Drain);
        let drained = tokio::select! {
            biased;
            () = all(&mut self.tasks) => Drained::Clean,
            () = tokio::time::sleep(grace) => Drained::Hammered,
            () = hurry => Drained::Hammered,
        };
        if drained == Drained::Hammered {
            self.stop.set(Stop::Hammer);
            if tokio::time::timeout(HAMMERED, all(&mut self.tasks)).await.is_err() {
                tracing::error!("connections did not end; they are cut off");
            }
        }
        drained
    }
}

/// The desks of a route's relays, each knowing the others.
fn open(route: Route, shared: &Shared) -> Vec<Arc<Desk>> {
    let siblings = Siblings::default();
    let mut desks = Vec::new();
    for (place, mut relay) in route.relays.into_iter().enumerate() {
        relay.connections = relay.connections.max(1);
        desks.push(Arc::new(Desk::new(relay, route.name.clone(), (siblings.clone(), place), shared)));
    }
    siblings.get_or_init(|| desks.iter().map(Arc::downgrade).collect());
    desks
}

async fn all(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a connection's task ended by itself");
        }
    }
}
