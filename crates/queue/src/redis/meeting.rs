//! A new connection: what was lost with the one before is put right first.

use super::fate::{Fate, fate};
use super::place::trouble;
use super::reply;
use super::script::KNOW;
use super::wire::{Again, Connected, Failed, Wire, ask, load};
use crate::error::StoreError;
use crate::job::JobId;
use redis::Value;
use redis::aio::MultiplexedConnection;
use std::sync::atomic::Ordering;

impl Wire {
    pub(super) async fn connected(&self) -> Result<Connected, Again> {
        if let Some(connected) = self.present() {
            return Ok(connected);
        }
        let _alone = self.connecting.lock().await;
        if let Some(connected) = self.present() {
            return Ok(connected);
        }
        let mut connection = self.place.connect().await.map_err(Again::Later)?;
        let number = *self.newest.borrow() + 1;
        self.reconcile(&mut connection, number).await?;
        let connected = Connected { number, connection };
        *self.lock() = Some(connected.clone());
        self.newest.send_replace(number);
        Ok(connected)
    }

    /// Redis says how many leases this node has. One that came out of a call given up long ago is told by that there
    /// are too many, twice.
    pub(super) async fn account(&self, has: usize) -> Result<(), StoreError> {
        if has <= self.leases.held().len() {
            self.surplus.store(false, Ordering::Relaxed);
            return Ok(());
        }
        if !self.surplus.swap(true, Ordering::Relaxed) {
            return Ok(());
        }
        let Some(mut connected) = self.present() else { return Ok(()) };
        match self.reconcile(&mut connected.connection, connected.number).await {
            Ok(()) => Ok(()),
            Err(Again::Later(error)) => Err(trouble(&self.place, &error)),
            Err(Again::Never(failed)) => Err(failed.into()),
        }
    }

    /// Leases whose news was lost with the connection go back, before anything else is asked.
    async fn reconcile(&self, connection: &mut MultiplexedConnection, number: u64) -> Result<(), Again> {
        let _nobody = self.leases.nobody_leases().await;
        let held = self.leases.held();
        let mut cmd = self.call(&KNOW);
        cmd.arg(number);
        for (id, fence) in &held {
            cmd.arg(id.to_string()).arg(fence);
        }
        let answer = match ask(connection, &load(&KNOW)).await {
            Ok(_) => ask(connection, &cmd).await,
            Err(error) => Err(error),
        };
        let answer = answer.map_err(|error| match fate(&error) {
            Fate::Final => Again::Never(Failed::Store(self.final_error(&error))),
            _ => Again::Later(error),
        })?;
        let never = |error| Again::Never(Failed::Store(error));
        let beats =
            self.ears.open(answer).and_then(|answer| self.reconciled(answer, &held)).map_err(never)?;
        self.past.met(connection, beats, self.steady(), &self.place).await;
        Ok(())
    }

    /// What `know.lua` says; the newest sign of life that Redis has of this node.
    fn reconciled(&self, answer: Value, held: &[(JobId, u64)]) -> Result<Option<u64>, StoreError> {
        let mut row = reply::Row::of(answer)?;
        for id in reply::list(row.value()?)? {
            let id = reply::id(&String::from_utf8_lossy(&reply::octets(id)?))?;
            let version = held.iter().find(|(held, _)| *held == id).map(|(_, version)| *version);
            if version.is_some_and(|version| self.leases.unknown(id, version)) {
                tracing::warn!(%id, "a lease of this node has ended meanwhile; the mail may go out twice, marked");
            }
        }
        let beats = row.text()?;
        Ok(beats.parse().ok())
    }
}
