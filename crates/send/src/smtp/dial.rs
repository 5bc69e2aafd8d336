//! Opening the line: addresses in turn, unix socket, TLS from the start.

use super::connection::Duplex;
use super::{Endpoint, Relay, tls};
use crate::{Phase, Trouble, TroubleKind};
use rustls::pki_types::ServerName;
use std::io;
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;

/// An open line, and whether it stays on this machine.
pub(super) struct Line {
    pub(super) stream: Box<dyn Duplex>,
    pub(super) private: bool,
}

pub(super) async fn dial(relay: &Relay) -> Result<Line, Trouble> {
    match &relay.settings.endpoint {
        Endpoint::Tcp { host, port } => {
            let stream = tcp(relay, host, *port).await?;
            let private = stream.peer_addr().is_ok_and(|address| address.ip().is_loopback());
            Ok(Line { stream: Box::new(stream), private })
        }
        Endpoint::Unix { path } => {
            let connected = timeout(relay.settings.deadlines.connect, UnixStream::connect(path)).await;
            let stream = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            let stream = stream.map_err(|error| unreachable(relay, &error.to_string()))?;
            Ok(Line { stream: Box::new(stream), private: true })
        }
    }
}

async fn tcp(relay: &Relay, host: &str, port: u16) -> Result<TcpStream, Trouble> {
    let limit = relay.settings.deadlines.connect;
    let resolved = timeout(limit, lookup_host((host, port))).await;
    let addresses = resolved
        .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
        .map_err(|error| unreachable(relay, &format!("the name does not resolve: {error}")))?;
    let mut failures = Vec::new();
    for address in addresses {
        let connected = timeout(limit, TcpStream::connect(address)).await;
        match connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into())) {
            Ok(stream) => {
                // Small commands must not wait for an acknowledgement; without it we are only slower.
                stream.set_nodelay(true).ok();
                return Ok(stream);
            }
            Err(error) => failures.push(format!("{}: {error}", address.ip())),
        }
    }
    if failures.is_empty() {
        failures.push("the name has no address".into());
    }
    Err(unreachable(relay, &failures.join("; ")))
}

/// The handshake, within its deadline.
pub(super) async fn handshake(relay: &Relay, stream: Box<dyn Duplex>) -> Result<Box<dyn Duplex>, Trouble> {
    let trouble = |kind, text: String| Trouble { kind, phase: Phase::Tls, reply: None, text: text.into() };
    let Some(tls) = &relay.tls else {
        return Err(trouble(TroubleKind::Settings, "TLS is not set up for this relay".into()));
    };
    let shaken = tls.connector.connect(tls.name.clone(), stream);
    match timeout(relay.settings.deadlines.hello, shaken).await {
        Ok(Ok(stream)) => Ok(Box::new(stream)),
        Ok(Err(error)) => Err(trouble(TroubleKind::Tls, tls::explain(&error))),
        Err(_) => Err(trouble(TroubleKind::Timeout, "the TLS handshake took too long".into())),
    }
}

/// Returns when a silent port turned out to speak TLS from the start; else never.
pub(super) async fn finds_tls(relay: &Relay) {
    tokio::time::sleep(relay.settings.deadlines.suspicion).await;
    let name = ServerName::from(std::net::IpAddr::from([127, 0, 0, 1]));
    if let (Ok(line), Some(connector)) = (dial(relay).await, tls::curious()) {
        let shaken = timeout(relay.settings.deadlines.suspicion, connector.connect(name, line.stream)).await;
        if matches!(shaken, Ok(Ok(_))) {
            return;
        }
    }
    std::future::pending().await
}

fn unreachable(relay: &Relay, cause: &str) -> Trouble {
    let text = format!("cannot connect to {}: {cause}", relay.peer).into();
    Trouble { kind: TroubleKind::Unreachable, phase: Phase::Connect, reply: None, text }
}
