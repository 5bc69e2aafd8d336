//! The pool: every relay's connections, started together and drained together.

use crate::connection::{self, Desk};
use crate::settings::{Route, WorkerSettings};
use crate::status::RelayStatus;
use queue::{AnyStore, Clock};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
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
    desks: Vec<Arc<Desk>>,
    stop: watch::Sender<Stop>,
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
        let (stop, stopped) = watch::channel(Stop::No);
        let settings = Arc::new(settings);
        let (mut desks, mut tasks) = (Vec::new(), JoinSet::new());
        for route in routes {
            for relay in route.relays {
                let (connections, name) = (relay.connections.max(1), route.name.clone());
                let desk = Arc::new(Desk::new(relay, name, store.clone(), clock.clone(), settings.clone()));
                for _ in 0..connections {
                    tasks.spawn(connection::run(desk.clone(), stopped.clone()));
                }
                desks.push(desk);
            }
        }
        Self { desks, stop, tasks }
    }

    /// How the relays do.
    pub fn relays(&self) -> Vec<RelayStatus> {
        self.desks.iter().map(|d| d.status()).collect()
    }

    /// A view of the relays that outlives this value.
    pub fn observer(&self) -> impl Fn() -> Vec<RelayStatus> + Send + Sync + 'static {
        let desks = self.desks.clone();
        move || desks.iter().map(|d| d.status()).collect()
    }

    /// Stops: connections finish the mails they have begun, for at most `grace` or until `hurry`
    /// completes; then they are broken off and what was in flight is marked as in doubt.
    pub async fn drain(mut self, grace: Duration, hurry: impl Future<Output = ()>) -> Drained {
        self.stop.send_replace(Stop::Drain);
        let drained = tokio::select! {
            () = all(&mut self.tasks) => Drained::Clean,
            () = tokio::time::sleep(grace) => Drained::Hammered,
            () = hurry => Drained::Hammered,
        };
        if drained == Drained::Hammered {
            self.stop.send_replace(Stop::Hammer);
            if tokio::time::timeout(HAMMERED, all(&mut self.tasks)).await.is_err() {
                tracing::error!("connections did not end; they are cut off");
            }
        }
        drained
    }
}

async fn all(tasks: &mut JoinSet<()>) {
    while let Some(ended) = tasks.join_next().await {
        if let Err(error) = ended {
            tracing::error!(%error, "a connection's task ended by itself");
        }
    }
}
