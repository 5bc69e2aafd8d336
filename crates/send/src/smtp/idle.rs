//! Connections that wait for the next mail, the youngest first.

use super::Relay;
use super::connection::Connection;
use std::sync::{Arc, Mutex, PoisonError};

#[derive(Debug, Default)]
pub(super) struct Idle {
    connections: Mutex<Vec<Connection>>,
}

impl Idle {
    fn pop(&self) -> Option<Connection> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner).pop()
    }
}

/// The youngest connection that still stands.
pub(super) async fn take(relay: &Relay) -> Option<Connection> {
    while let Some(mut connection) = relay.idle.pop() {
        if connection.may_go_on() && !connection.is_stale().await {
            return Some(connection);
        }
    }
    None
}

/// Keeps a connection for the next batch. What nobody fetches is closed when it is `max_idle` old.
pub(super) fn keep(relay: &Arc<Relay>, connection: Connection) {
    let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
    relay.idle.connections.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
    let (relay, max_idle) = (Arc::downgrade(relay), relay.settings.max_idle);
    runtime.spawn(async move {
        tokio::time::sleep(max_idle).await;
        let Some(relay) = relay.upgrade() else { return };
        for connection in expired(&relay) {
            connection.close().await;
        }
    });
}

fn expired(relay: &Relay) -> Vec<Connection> {
    let mut all = relay.idle.connections.lock().unwrap_or_else(PoisonError::into_inner);
    all.extract_if(.., |connection| connection.idle_for() >= relay.settings.max_idle).collect()
}
