//! The node's own tasks: it says that it lives, brings what time brings, and hears what the others did.

use super::reply::{self, Row};
use super::{Shared, script};
use crate::Status;
use crate::error::StoreError;
use futures_util::StreamExt;
use std::sync::{Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::task::AbortHandle;
use tokio::time::Instant;

/// The tasks, to be ended with the store.
#[derive(Default)]
pub(super) struct Keeper(Mutex<Vec<AbortHandle>>);

impl Keeper {
    pub(super) fn stop(&self) {
        let mut tasks = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tasks.drain(..).for_each(|task| task.abort());
    }

    pub(super) fn add(&self, task: AbortHandle) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(task);
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop();
    }
}

/// Signs of life in one lease.
const BEATS: u32 = 5;
/// Rounds of one sweep; what is left comes with the next.
const ROUNDS: usize = 64;
/// Not to listen again before this after a failure.
const LISTEN_AGAIN: Duration = Duration::from_millis(500);
const LISTEN_WITHIN: Duration = Duration::from_secs(5);

impl Shared {
    pub(super) fn beat_every(&self) -> Duration {
        self.redis.lease / BEATS
    }

    /// Says that the node lives; returns in how long there is something to do.
    pub(super) async fn beat(&self, patience: Duration) -> Result<Option<Duration>, StoreError> {
        let (sent, ours) = (self.wire.steady(), self.wire.clock.now());
        let life = u64::try_from(self.redis.lease.as_micros()).unwrap_or(u64::MAX);
        let number = self.wire.past.next();
        let mut cmd = self.wire.call(&script::BEAT);
        cmd.arg(life).arg(&self.redis.about).arg(number).arg(*self.wire.newest.borrow());
        let answer = self.wire.run(&script::BEAT, &cmd, patience).await?;
        let mut row = Row::of(answer)?;
        self.wire.set_ahead(row.number()?, ours);
        let known = row.text()? == "1";
        if !known && !self.wire.leases.held().is_empty() {
            tracing::error!(
                node = self.wire.node,
                "Redis does not know that this node lives, and gave its work to others"
            );
        }
        if !known {
            self.wire.leases.void();
        }
        self.wire.leases.heard(sent);
        self.wire.past.heard(number, sent);
        self.wire.say(None);
        let next = self.until(&row.text()?)?;
        // Should a word of it have been lost.
        if row.number::<i64>()? > 0 {
            self.wire.ears.wake();
        }
        self.wire.account(row.number()?).await?;
        Ok(next)
    }

    /// Until a time of Redis's.
    fn until(&self, micros: &str) -> Result<Option<Duration>, StoreError> {
        if micros.is_empty() {
            return Ok(None);
        }
        let at: i64 = micros.parse().map_err(|_| reply::odd("a time"))?;
        let now = self.wire.micros(self.wire.clock.now());
        Ok(Some(Duration::from_micros(u64::try_from(at.saturating_sub(now)).unwrap_or_default())))
    }

    /// The clock was moved by hand: the node lives at the new time, too.
    pub(super) async fn tick(&self) -> Result<(), StoreError> {
        self.beat(self.beat_every()).await?;
        self.sweep().await.map(drop)
    }

    /// Brings what time brings; returns in how long there is more.
    pub(super) async fn sweep(&self) -> Result<Option<Duration>, StoreError> {
        let keep = u64::try_from(self.settings.keep_history.as_micros()).unwrap_or(u64::MAX >> 12);
        let (mut next, until) = (None, Instant::now() + self.beat_every());
        for _ in 0..ROUNDS {
            let mut cmd = self.wire.call(&script::SWEEP);
            cmd.arg(self.history_count()).arg(keep);
            let mut row = Row::of(self.wire.run(&script::SWEEP, &cmd, self.beat_every()).await?)?;
            next = self.until(&row.text()?)?;
            let more = row.text()? == "1";
            let mut past = Vec::new();
            for id in reply::list(row.value()?)? {
                let text = reply::octets(id)?;
                past.push(reply::id(&String::from_utf8_lossy(&text))?);
            }
            self.expire(&past).await?;
            if !more && past.is_empty() {
                break;
            }
            // The next sign of life is due, by the same task.
            if Instant::now() >= until {
                return Ok(Some(Duration::ZERO));
            }
        }
        Ok(next)
    }
}

/// Until the store is gone.
pub(super) async fn keep(store: Weak<Shared>) {
    let mut beat_at = Instant::now();
    let mut sweep_at = Instant::now();
    loop {
        let Some(shared) = store.upgrade() else { return };
        let every = shared.beat_every();
        if beat_at <= Instant::now() {
            beat_at = Instant::now() + every;
            match shared.beat(every).await {
                Ok(Some(wait)) => sweep_at = sweep_at.min(Instant::now() + wait),
                Ok(None) => {}
                Err(error) => tracing::warn!(%error, "no sign of life reached Redis"),
            }
        }
        if sweep_at <= Instant::now() {
            sweep_at = Instant::now() + every;
            match shared.sweep().await {
                Ok(next) => sweep_at = Instant::now() + next.unwrap_or(every).clamp(SHORTEST, every),
                Err(error) => tracing::warn!(%error, "what time brings could not be brought"),
            }
        }
        let (hurry, wake) = (shared.hurry.clone(), tokio::time::sleep_until(beat_at.min(sweep_at)));
        // Who waits does not keep the store.
        drop(shared);
        tokio::select! {
            () = wake => {}
            () = hurry.notified() => sweep_at = Instant::now(),
        }
    }
}

/// Between two sweeps: what cannot be brought is not asked for again at once.
const SHORTEST: Duration = Duration::from_millis(5);

/// Hears what changes, until the store is gone.
pub(super) async fn listen(store: Weak<Shared>, first: tokio::sync::oneshot::Sender<()>) {
    let mut first = Some(first);
    loop {
        let Some((place, life)) = store.upgrade().map(|s| (s.wire.place.clone(), s.redis.lease)) else {
            return;
        };
        let channel = format!("{}changes", place.prefix());
        let listening = async {
            let mut ear = place.listen().await?;
            ear.subscribe(&channel).await?;
            Ok::<_, redis::RedisError>(ear)
        };
        let Some(mut number) = store.upgrade().map(|shared| shared.wire.newest.subscribe()) else { return };
        match tokio::time::timeout(LISTEN_WITHIN, listening).await {
            Ok(Ok(mut ear)) => {
                if let Some(first) = first.take() {
                    // Who opens the store may have gone.
                    let _gone = first.send(());
                } else if let Some(shared) = store.upgrade() {
                    // What was said meanwhile was not heard.
                    shared.wire.ears.wake();
                    shared.wire.ears.holds.send_replace(());
                }
                let mut messages = ear.on_message();
                loop {
                    let message = tokio::select! {
                        // Every node's signs of life are heard here: a line that is silent for so long is none.
                        message = tokio::time::timeout(life, messages.next()) => message.unwrap_or(None),
                        // The other connection was lost: this one may be dead without a word.
                        _ = number.changed() => None,
                    };
                    let (Some(message), Some(shared)) = (message, store.upgrade()) else { break };
                    shared.heard(message.get_payload_bytes());
                }
            }
            Ok(Err(error)) => tracing::debug!(%error, "changes are not heard"),
            Err(_) => tracing::debug!("changes are not heard: Redis does not answer"),
        }
        tokio::time::sleep(LISTEN_AGAIN).await;
    }
}

impl Shared {
    /// `<id> <status> <node>`. What this node did it has heard of already.
    fn heard(&self, message: &[u8]) {
        let text = String::from_utf8_lossy(message);
        let own = text.split(' ').nth(2) == Some(self.wire.node.as_str());
        if own || text.starts_with("beat ") {
            return;
        }
        if text.starts_with("hold ") {
            self.wire.ears.holds.send_replace(());
            return;
        }
        match self.wire.ears.hear(&text) {
            Ok(change) if matches!(change.status, Status::Scheduled | Status::Deferred) => {
                self.hurry.notify_one();
            }
            Ok(change) if change.status == Status::Queued => self.wire.ears.wake(),
            Ok(_) => {}
            Err(error) => tracing::debug!(%error, "a change in other words than ours"),
        }
    }
}
