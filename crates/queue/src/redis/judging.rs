//! What a Redis promises may change while it runs (`CONFIG SET`), or with another one in its place: it is looked at
//! again with each lease's time and each new connection.

use super::opening::worth;
use super::{Shared, Worth};
use crate::error::StoreError;
use std::sync::{PoisonError, Weak};

/// Until the store is gone.
pub(super) async fn keep(store: Weak<Shared>) {
    loop {
        let Some(shared) = store.upgrade() else { return };
        let (mut number, life) = (shared.wire.newest.subscribe(), shared.redis.lease);
        drop(shared);
        tokio::select! {
            () = tokio::time::sleep(life) => {}
            // The store is gone, or the connection another one.
            changed = number.changed() => if changed.is_err() { return },
        }
        let Some(shared) = store.upgrade() else { return };
        shared.judge().await;
    }
}

impl Shared {
    async fn judge(&self) {
        let Some(mut connected) = self.wire.present() else { return };
        let looking = worth(&self.wire.place, &mut connected.connection);
        let found = match tokio::time::timeout(self.beat_every(), looking).await {
            Ok(Ok(found)) => found,
            // It would be refused at a start. Mail that waits here is better off going out.
            Ok(Err(StoreError::Unfit(why))) => Worth { durable: false, warnings: vec![why] },
            // It cannot be asked now.
            Ok(Err(_)) | Err(_) => return,
        };
        let mut known = self.worth.lock().unwrap_or_else(PoisonError::into_inner);
        if *known == found {
            return;
        }
        for warning in found.warnings.iter().filter(|warning| !known.warnings.contains(warning)) {
            tracing::warn!(place = %self.wire.place, "Redis was set anew: {warning}");
        }
        if found.durable && !known.durable {
            tracing::info!(place = %self.wire.place, "Redis was set anew: what it answers for survives its death");
        }
        *known = found;
    }

    pub(super) fn worth_now(&self) -> Worth {
        self.worth.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
