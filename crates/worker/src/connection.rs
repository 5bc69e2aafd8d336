//! One connection's life: lease, send, settle, until told to stop or the store is closed.

use crate::batch::{self, Ended};
use crate::breaker::Leave;
use crate::desk::Desk;
use crate::health::is_urgent_only;
use crate::signal::Watcher;
use crate::worker::Stop;
use queue::{Lease, LeaseAsk, Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// The store failed to lease: wait before asking again.
const STORE_PAUSE: Duration = Duration::from_secs(1);
/// After a panic of the sender: a row of mails that break it must not take the machine.
const PANIC_PAUSE: Duration = Duration::from_millis(100);

/// Ends a probe that brought no news when its connection stops.
struct Probe<'a>(&'a Desk);

impl Drop for Probe<'_> {
    fn drop(&mut self) {
        if self.0.health().undecided(Instant::now()) {
            self.0.say_no_news();
            self.0.tell();
        }
    }
}

/// Gives back the share of the rate that was not used; since when it is ours.
struct Share<'a>(&'a Desk, usize, Instant);

impl Drop for Share<'_> {
    fn drop(&mut self) {
        self.0.health().refund(self.1);
        self.0.say_unused(self.1, self.2);
    }
}

/// Runs the connection with this number (from 0).
pub(crate) async fn run(desk: Arc<Desk>, number: usize, mut stop: Watcher<Stop>) {
    let mut moved = desk.moved.watch();
    while stop.get() == Stop::No {
        moved.mark_seen();
        hurry(&desk).await;
        let turn = tokio::select! {
            biased;
            () = stop.changed() => continue,
            turn = desk.turn.lock(), if desk.relay.rate.is_some() => Some(turn),
            () = std::future::ready(()), if desk.relay.rate.is_none() => None,
        };
        // A spare relay is left alone but for the mail that only it may take.
        let spare = desk.is_spare();
        let (leave, limit) = ask(&desk, number);
        let probe = match leave {
            Leave::Full => None,
            Leave::Probe => Some(Probe(&desk)),
            Leave::Wait | Leave::NotBefore(_) => {
                drop(turn);
                wait(leave, &mut moved, &mut stop).await;
                continue;
            }
        };
        let granted = tokio::select! {
            biased;
            () = stop.changed() => continue,
            granted = desk.among_nodes(leave, limit) => granted,
        };
        let limit = match granted {
            Ok(limit) => limit,
            Err(at) => {
                drop((probe, turn));
                wait(Leave::NotBefore(at), &mut moved, &mut stop).await;
                continue;
            }
        };
        let mut share = Share(&desk, limit, Instant::now());
        let ask = asks(&desk, number, spare, limit);
        let leases = tokio::select! {
            biased;
            () = stop.changed() => continue,
            leases = desk.store.lease(ask) => leases,
            () = other_work(&desk, spare, probe.is_some(), &mut moved) => continue,
        };
        match leases {
            // The relay went down while we waited: back untouched, another may have them.
            Ok(leases) if probe.is_none() && !desk.health().usable() => drop(leases),
            Ok(mut leases) => {
                let granted = desk.still_granted(leases.len(), share.2).await;
                share.1 = limit.saturating_sub(leases.len());
                leases.truncate(granted);
                drop((share, turn));
                work(&desk, leases, &stop).await;
            }
            Err(StoreError::Closed) => return,
            Err(error) => {
                tracing::error!(relay = %desk.relay.name, %error, "no mail could be leased");
                tokio::select! { biased; () = stop.changed() => {}, () = tokio::time::sleep(STORE_PAUSE) => {} }
            }
        }
    }
}

/// A relay that is well again gets at once what was put off for its trouble.
async fn hurry(desk: &Desk) {
    if !desk.health().take_fresh() {
        return;
    }
    match desk.store.hurry(desk.relay.name.clone(), desk.route.clone()).await {
        Ok(0) | Err(StoreError::Closed) => {}
        Ok(mails) => tracing::info!(relay = %desk.relay.name, mails, "mail that waited for a relay goes on"),
        Err(error) => {
            tracing::warn!(relay = %desk.relay.name, %error, "mail that waited for a relay goes on waiting")
        }
    }
}

fn asks(desk: &Desk, number: usize, spare: bool, limit: usize) -> LeaseAsk {
    LeaseAsk {
        route: (!spare).then(|| desk.route.clone()),
        relay: desk.relay.name.clone(),
        place: desk.place,
        urgent: is_urgent_only(number, desk.relay.connections),
        limit,
    }
}

/// Leave to lease, and how many mails.
fn ask(desk: &Desk, number: usize) -> (Leave, usize) {
    desk.health().leave(number, desk.relay.connections, desk.relay.batch.max(1), Instant::now())
}

/// Completes when the connection should ask for something else: a relay of the route is in trouble, or
/// well again. A probe stays one, lest two relays that probe wake each other for ever.
async fn other_work(desk: &Desk, spare: bool, probing: bool, moved: &mut Watcher<()>) {
    loop {
        moved.changed().await;
        if !probing || spare && !desk.is_spare() {
            return;
        }
    }
}

async fn work(desk: &Desk, leases: Vec<Lease>, stop: &Watcher<Stop>) {
    if !leases.is_empty() && batch::run(desk, leases, stop).await == Ended::Panicked {
        tokio::time::sleep(PANIC_PAUSE).await;
    }
}

async fn wait(leave: Leave, moved: &mut Watcher<()>, stop: &mut Watcher<Stop>) {
    let until = async {
        match leave {
            Leave::NotBefore(at) => tokio::time::sleep_until(at).await,
            Leave::Full | Leave::Probe | Leave::Wait => std::future::pending().await,
        }
    };
    tokio::select! {
        biased;
        () = stop.changed() => {}
        () = moved.changed() => {}
        () = until => {}
    }
}
