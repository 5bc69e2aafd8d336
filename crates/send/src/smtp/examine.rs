//! A look at a relay as a postmaster takes it: connect, TLS, EHLO, sign-in, QUIT; nothing is sent.

use super::connection::Connection;
use super::{Relay, TlsFacts, dial};
use crate::{Phase, Trouble};
use ::smtp::Capabilities;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

/// Octets of what an unknown service says first.
const OVERHEARD: usize = 200;

/// How far a connection came, and what was learned on the way.
#[derive(Debug, Clone)]
pub struct Examination {
    /// What stood in the way of mail.
    pub result: Result<(), Trouble>,
    /// The dialogue, secrets redacted.
    pub transcript: String,
    /// Where the line led, of all addresses of the name.
    pub address: Option<SocketAddr>,
    pub tls: Option<TlsFacts>,
    /// As of the last EHLO; empty when none was answered.
    pub capabilities: Capabilities,
    /// Where what answers seems to be no relay of the expected kind: what it says by itself, in clear.
    pub overheard: Option<Box<str>>,
}

pub(super) async fn examine(relay: &Arc<Relay>) -> Examination {
    let mut connection = match Connection::dial(relay).await {
        Ok(connection) => connection,
        Err(trouble) => {
            return Examination {
                transcript: format!("** {}\n", trouble.text),
                result: Err(trouble),
                address: None,
                tls: None,
                capabilities: Capabilities::default(),
                overheard: None,
            };
        }
    };
    let result = connection.stand().await;
    let strange =
        |trouble: &Trouble| trouble.reply.is_none() && matches!(trouble.phase, Phase::Greeting | Phase::Tls);
    let overheard = match &result {
        Err(trouble) if strange(trouble) && connection.tls().is_none() => overhear(relay).await,
        _ => None,
    };
    let seen = Examination {
        result,
        transcript: connection.transcript(),
        address: connection.address(),
        tls: connection.tls().cloned(),
        capabilities: connection.capabilities().clone(),
        overheard,
    };
    connection.close().await;
    seen
}

/// What the port says to somebody who says nothing.
async fn overhear(relay: &Relay) -> Option<Box<str>> {
    let mut line = dial::dial(relay).await.ok()?;
    let mut octets = [0u8; OVERHEARD];
    let heard = timeout(relay.settings.deadlines.suspicion, line.stream.read(&mut octets)).await;
    let heard = octets.get(..heard.ok()?.ok()?).filter(|heard| !heard.is_empty())?;
    let text = String::from_utf8_lossy(heard);
    let first = text.lines().next().unwrap_or_default();
    Some(::smtp::escape(first, OVERHEARD).into())
}
