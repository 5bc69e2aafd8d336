//! Hearing of what other nodes change.

use super::super::{StateDb, StateError};
use super::Mark;
use crate::redis::RedisPlace;
use futures_util::StreamExt;
use redis::aio::PubSub;
use redis::{ErrorKind, RedisError};
use std::sync::Arc;
use std::time::Duration;

/// A change of which no word came is seen after this.
const LOOK: Duration = Duration::from_secs(3);
/// A Redis that is silent while we come is asked anew.
const LISTEN_WITHIN: Duration = Duration::from_secs(5);
/// Not to listen again before this after a failure.
const LISTEN_AGAIN: Duration = Duration::from_millis(500);

impl StateDb {
    /// Keeps a copy opened by `open_shared` up to date, for ever; `changed` is called at the beginning and after each
    /// change of keys or pauses, one made here too. Returns at once when nothing is shared.
    pub async fn follow(self: Arc<Self>, mut changed: impl FnMut(&Self) + Send) {
        let Some(truth) = &self.truth else { return };
        let channel = format!("{}state", truth.place.prefix());
        let mut told = None;
        loop {
            let heard = tokio::time::timeout(LISTEN_WITHIN, listen(&truth.place, &channel)).await;
            match heard.unwrap_or_else(|_| Err((ErrorKind::Io, "no answer in time").into())) {
                Ok(mut ear) => {
                    let mut messages = ear.on_message();
                    loop {
                        self.look(&mut told, &mut changed).await;
                        if let Ok(None) = tokio::time::timeout(LOOK, messages.next()).await {
                            break;
                        }
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "changes of keys and pauses are not heard");
                    self.look(&mut told, &mut changed).await;
                }
            }
            tokio::time::sleep(LISTEN_AGAIN).await;
        }
    }

    async fn look(self: &Arc<Self>, told: &mut Option<Mark>, changed: &mut (impl FnMut(&Self) + Send)) {
        let db = self.clone();
        // Off the runtime's threads: it waits for Redis and a disk.
        let looked = tokio::task::spawn_blocking(move || match &db.truth {
            Some(truth) => db.refresh(truth),
            None => Ok(None),
        });
        match looked.await.unwrap_or_else(|cause| Err(StateError::Damaged(cause.to_string()))) {
            Ok(mark) if mark != *told => {
                *told = mark;
                changed(self);
            }
            Ok(_) => {}
            Err(cause) => tracing::debug!(%cause, "keys and pauses could not be looked at"),
        }
    }
}

async fn listen(place: &RedisPlace, channel: &str) -> Result<PubSub, RedisError> {
    let mut ear = place.listen().await?;
    ear.subscribe(channel).await?;
    Ok(ear)
}
