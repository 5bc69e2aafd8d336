//! What the connections of one relay share, and the loop each of them runs.

use crate::batch;
use crate::breaker::{Breaker, Leave};
use crate::settings::{Relay, WorkerSettings};
use crate::status::RelayStatus;
use crate::worker::Stop;
use queue::{AnyStore, Clock, Lease, LeaseAsk, Store, StoreError};
use send::TroubleKind;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::watch;
use tokio::time::Instant;

/// A relay at work.
pub(crate) struct Desk {
    pub(crate) relay: Relay,
    pub(crate) route: Arc<str>,
    pub(crate) store: AnyStore,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) settings: Arc<WorkerSettings>,
    health: Mutex<Health>,
    /// Counts the breaker's moves, so that waiting connections look again.
    moved: watch::Sender<u64>,
}

struct Health {
    breaker: Breaker,
    last_success: Option<jiff::Timestamp>,
    sent: u64,
}

/// The store failed to lease: wait before asking again.
const STORE_PAUSE: Duration = Duration::from_secs(1);

impl Desk {
    pub(crate) fn new(
        relay: Relay,
        route: Arc<str>,
        store: AnyStore,
        clock: Arc<dyn Clock>,
        settings: Arc<WorkerSettings>,
    ) -> Self {
        let health = Mutex::new(Health { breaker: Breaker::default(), last_success: None, sent: 0 });
        Self { relay, route, store, clock, settings, health, moved: watch::Sender::new(0) }
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The relay answered for a mail; `sent`: it took it.
    pub(crate) fn success(&self, sent: bool) {
        let mut health = self.health();
        let was_open = health.breaker.cause().is_some();
        health.breaker.success();
        if sent {
            health.sent += 1;
            health.last_success = Some(self.clock.now());
        }
        drop(health);
        if was_open {
            tracing::info!(relay = %self.relay.name, "the relay takes mail again");
            self.moved.send_modify(|n| *n += 1);
        }
    }

    /// The relay is in trouble; returns how long it is left alone.
    pub(crate) fn trouble(&self, kind: TroubleKind, cause: &str) -> Duration {
        let wait = self.health().breaker.trouble(kind, cause, Instant::now());
        tracing::warn!(relay = %self.relay.name, url = %self.relay.url, wait = ?wait, "relay trouble: {cause}");
        self.moved.send_modify(|n| *n += 1);
        wait
    }

    pub(crate) fn status(&self) -> RelayStatus {
        let health = self.health();
        RelayStatus {
            name: self.relay.name.clone(),
            url: self.relay.url.clone(),
            trouble: health.breaker.cause().map(Into::into),
            last_success: health.last_success,
            sent: health.sent,
        }
    }
}

/// Ends a probe that brought no news when its connection stops.
struct Probe<'a>(&'a Desk);

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        self.0.health().breaker.undecided(Instant::now());
        self.0.moved.send_modify(|n| *n += 1);
    }
}

/// One connection's life: lease, send, settle, until told to stop or the store is closed.
pub(crate) async fn run(desk: Arc<Desk>, mut stop: watch::Receiver<Stop>) {
    let mut moved = desk.moved.subscribe();
    while *stop.borrow() == Stop::No {
        moved.mark_unchanged();
        let leave = desk.health().breaker.ask(Instant::now());
        let (limit, probe) = match leave {
            Leave::Full => (desk.relay.batch, None),
            Leave::Probe => (1, Some(Probe(&desk))),
            Leave::Wait | Leave::NotBefore(_) => {
                wait(leave, &mut moved, &mut stop).await;
                continue;
            }
        };
        let ask = LeaseAsk { route: desk.route.clone(), limit };
        let leases = tokio::select! {
            biased;
            _ = stop.changed() => continue,
            // Another connection found the relay in trouble, or well again.
            _ = moved.changed(), if probe.is_none() => continue,
            leases = desk.store.lease(ask) => leases,
        };
        match leases {
            Ok(leases) => work(&desk, leases, &stop).await,
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::error!(relay = %desk.relay.name, %error, "no mail could be leased");
                tokio::select! { _ = tokio::time::sleep(STORE_PAUSE) => {}, _ = stop.changed() => {} }
            }
        }
    }
}

async fn work(desk: &Desk, leases: Vec<Lease>, stop: &watch::Receiver<Stop>) {
    if !leases.is_empty() {
        batch::run(desk, leases, stop).await;
    }
}

async fn wait(leave: Leave, moved: &mut watch::Receiver<u64>, stop: &mut watch::Receiver<Stop>) {
    let until = async {
        match leave {
            Leave::NotBefore(at) => tokio::time::sleep_until(at).await,
            Leave::Full | Leave::Probe | Leave::Wait => std::future::pending().await,
        }
    };
    tokio::select! {
        () = until => {}
        _ = moved.changed() => {}
        _ = stop.changed() => {}
    }
}
