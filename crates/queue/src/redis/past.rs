//! What this Redis was and did: whether it is another one since, and forgot what it had answered for.

use super::opening::info;
use super::place::RedisPlace;
use redis::aio::MultiplexedConnection;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Reports kept for those who ask.
const REPORTS: usize = 8;

/// Which server, and which history of writes.
#[derive(Clone, PartialEq, Eq)]
struct Identity {
    run: String,
    history: String,
    /// The history that this one goes on from, and up to where.
    before: String,
    branched_at: String,
}

/// A sign of life that was answered, and when by the steady clock.
#[derive(Clone, Copy, Default)]
struct Beat {
    number: u64,
    at: Duration,
}

#[derive(Default)]
pub(super) struct Past {
    beats: AtomicU64,
    heard: Mutex<Beat>,
    last: Mutex<Option<Identity>>,
    reports: Mutex<Vec<String>>,
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Past {
    /// The number of the next sign of life.
    pub(super) fn next(&self) -> u64 {
        self.beats.fetch_add(1, Ordering::Relaxed) + 1
    }

    pub(super) fn heard(&self, number: u64, at: Duration) {
        let mut heard = locked(&self.heard);
        if number > heard.number {
            *heard = Beat { number, at };
        }
    }

    /// One sentence for each time that what was answered for may be lost, oldest first.
    pub(super) fn reports(&self) -> Vec<String> {
        locked(&self.reports).clone()
    }

    /// A new connection was made: who is it? `beats`: the newest sign of life of this node that it has.
    pub(super) async fn met(
        &self,
        connection: &mut MultiplexedConnection,
        beats: Option<u64>,
        now: Duration,
        place: &RedisPlace,
    ) {
        let mut told = info(connection, "server").await;
        told.extend(info(connection, "replication").await);
        let is = identity(&told);
        let Some(was) = locked(&self.last).replace(is.clone()) else { return };
        let heard = *locked(&self.heard);
        let ago = now.saturating_sub(heard.at).as_secs().max(1);
        if heard.number > 0 && beats.is_none_or(|beats| beats < heard.number) {
            self.report(format!(
                "{place} has forgotten what it answered for {ago} s ago: mail and outcomes of some seconds before that \
                 may be lost, and mail may go out twice"
            ));
        } else if is.run != was.run && is.before == was.history {
            self.report(format!(
                "a replica has taken the place of {place} (its history branches at {}): what was answered for in the \
                 last {ago} s may be lost in part; min-replicas-to-write makes Redis wait for its replicas",
                is.branched_at
            ));
        } else if is.run != was.run {
            tracing::warn!("{place} was started anew; it has all that this node knows of");
        }
    }

    fn report(&self, text: String) {
        tracing::error!("{text}");
        let mut reports = locked(&self.reports);
        if reports.len() == REPORTS {
            reports.remove(0);
        }
        reports.push(text);
    }
}

fn identity(told: &HashMap<String, String>) -> Identity {
    let field = |name: &str| told.get(name).cloned().unwrap_or_default();
    Identity {
        run: field("run_id"),
        history: field("master_replid"),
        before: field("master_replid2"),
        branched_at: field("second_repl_offset"),
    }
}
