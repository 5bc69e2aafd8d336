//! A look at a relay as a postmaster takes it: connect, TLS, EHLO, sign-in, QUIT; nothing is sent.

use super::connection::Connection;
use super::limits::OVERHEARD;
use super::{Relay, TlsFacts, dial};
use crate::{Phase, Trouble};
use ::smtp::Capabilities;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

/// How far a connection came, and what was learned on the way.
#[derive(Debug, Clone)]
pub struct Examination {
    /// What stood in the way of mail.
    pub result: Result<(), Trouble>,
    /// The dialogue, secrets redacted.
    pub transcript: String,
    /// Addresses of the name whose hosts turned us away before the one that this is about.
    pub passed_over: Vec<(SocketAddr, Trouble)>,
    /// Where the line led, of all addresses of the name.
    pub address: Option<SocketAddr>,
    pub tls: Option<TlsFacts>,
    /// As of the last EHLO; empty when none was answered.
    pub capabilities: Capabilities,
    /// Where what answers seems to be no relay of the expected kind: what it says by itself, in clear.
    pub overheard: Option<Box<str>>,
}

pub(super) async fn examine(relay: &Arc<Relay>) -> Examination {
    let mut tried = dial::Tried::default();
    let mut passed_over = Vec::new();
    let mut last: Option<Examination> = None;
    let mut renewed = false;
    loop {
        let mut connection = match Connection::dial(relay, &tried).await {
            Ok(connection) => connection,
            // None of the other addresses can be reached: what the last host said tells more.
            Err(trouble) => return last.unwrap_or_else(|| unreached(trouble)),
        };
        let result = connection.stand().await;
        if let (false, Err(trouble)) = (renewed, &result)
            && connection.renews(trouble).await
        {
            renewed = true;
            continue;
        }
        let seen = look(connection, result, relay, passed_over.clone()).await;
        let Err(trouble) = &seen.result else { return seen };
        let refused = Box::new((trouble.clone(), seen.transcript.clone()));
        if tried.add(seen.address, refused, &relay.settings.deadlines).is_err() {
            return seen;
        }
        passed_over.extend(seen.address.map(|address| (address, trouble.clone())));
        last = Some(seen);
    }
}

fn unreached(trouble: Trouble) -> Examination {
    Examination {
        transcript: format!("** {}\n", trouble.text),
        result: Err(trouble),
        passed_over: Vec::new(),
        address: None,
        tls: None,
        capabilities: Capabilities::default(),
        overheard: None,
    }
}

async fn look(
    connection: Connection,
    result: Result<(), Trouble>,
    relay: &Relay,
    passed_over: Vec<(SocketAddr, Trouble)>,
) -> Examination {
    let strange = connection.tls().is_none() && result.as_ref().is_err_and(is_strange);
    let mut seen = Examination {
        result,
        transcript: connection.transcript(),
        passed_over,
        address: connection.address(),
        tls: connection.tls().cloned(),
        capabilities: connection.capabilities().clone(),
        overheard: None,
    };
    connection.close().await;
    if strange {
        seen.overheard = overhear(relay).await;
    }
    seen
}

/// Whether what answers may be no relay of the expected kind; a server that showed a certificate is one.
fn is_strange(trouble: &Trouble) -> bool {
    let known = ["the port speaks TLS", "certificate is not trusted"];
    trouble.reply.is_none()
        && matches!(trouble.phase, Phase::Greeting | Phase::Tls)
        && !known.iter().any(|words| trouble.text.contains(words))
}

/// What the port says to somebody who says nothing.
async fn overhear(relay: &Relay) -> Option<Box<str>> {
    let mut line = dial::dial(relay, &dial::Tried::default()).await.ok()?;
    let mut octets = [0u8; OVERHEARD];
    let heard = timeout(relay.settings.deadlines.suspicion, line.stream.read(&mut octets)).await;
    let heard = octets.get(..heard.ok()?.ok()?).filter(|heard| !heard.is_empty())?;
    let text = String::from_utf8_lossy(heard);
    let first = text.lines().next().unwrap_or_default();
    Some(::smtp::escape(first, OVERHEARD).into())
}
