//! Opening the line: a name's addresses beside each other, a unix socket, TLS over either.

mod race;
mod tried;

pub(super) use tried::Tried;

use super::connection::Duplex;
use super::limits::ADDRESSES;
use super::{Endpoint, Relay, TlsFacts, tls};
use crate::{Phase, Trouble, TroubleKind};
use std::io;
use std::net::SocketAddr;
use tokio::net::{TcpStream, UnixStream, lookup_host};
use tokio::time::timeout;

/// An open line, whether it stays on this machine, and where it leads.
pub(super) struct Line {
    pub(super) stream: Box<dyn Duplex>,
    pub(super) private: bool,
    pub(super) address: Option<SocketAddr>,
}

/// A line to the first address to answer of those not `tried`.
pub(super) async fn dial(relay: &Relay, tried: &Tried) -> Result<Line, Trouble> {
    match &relay.settings.endpoint {
        Endpoint::Tcp { host, port } => {
            let stream = tcp(relay, host, *port, tried).await?;
            let address = stream.peer_addr().ok();
            let private = address.is_some_and(|address| address.ip().to_canonical().is_loopback());
            Ok(Line { stream: Box::new(stream), private, address })
        }
        Endpoint::Unix { path } => {
            let connected = timeout(relay.settings.deadlines.connect, UnixStream::connect(path)).await;
            let stream = connected.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
            let stream = stream.map_err(|error| unreachable(relay, &socket_trouble(&error)))?;
            Ok(Line { stream: Box::new(stream), private: true, address: None })
        }
    }
}

async fn tcp(relay: &Relay, host: &str, port: u16, tried: &Tried) -> Result<TcpStream, Trouble> {
    let addresses = resolve(relay, host, port).await?;
    if addresses.is_empty() {
        return Err(unreachable(relay, "the name has no address"));
    }
    let addresses = race::order(addresses.into_iter().filter(|address| !tried.contains(*address)));
    let raced = race::first(addresses, &relay.settings.deadlines, TcpStream::connect).await;
    let stream = raced.map_err(|failures| unreachable(relay, &failures))?;
    // Small commands must not wait for an acknowledgement; without it we are only slower.
    stream.set_nodelay(true).ok();
    Ok(stream)
}

async fn resolve(relay: &Relay, host: &str, port: u16) -> Result<Vec<SocketAddr>, Trouble> {
    let known = &relay.settings.addresses;
    if !known.is_empty() {
        return Ok(known.iter().map(|ip| SocketAddr::new(*ip, port)).collect());
    }
    let name = tls::wire_name(host);
    let found = timeout(relay.settings.deadlines.connect, lookup_host((&*name, port))).await;
    let found = found.unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()));
    match found {
        Ok(addresses) => Ok(addresses.take(ADDRESSES).collect()),
        Err(error) => Err(unreachable(relay, &format!("the name does not resolve: {error}"))),
    }
}

/// The handshake, within its deadline.
pub(super) async fn handshake(
    relay: &Relay,
    stream: Box<dyn Duplex>,
) -> Result<(Box<dyn Duplex>, TlsFacts), Trouble> {
    let trouble = |kind, text: String| Trouble { kind, phase: Phase::Tls, reply: None, text: text.into() };
    let Some(tls) = &relay.tls else {
        return Err(trouble(TroubleKind::Settings, "TLS is not set up for this relay".into()));
    };
    match timeout(relay.settings.deadlines.hello, tls.connect(stream)).await {
        Ok(Ok(made)) => Ok(made),
        Ok(Err(cause)) => Err(trouble(TroubleKind::Tls, cause)),
        Err(_) => Err(trouble(TroubleKind::Timeout, "the TLS handshake took too long".into())),
    }
}

/// Returns when a silent port turned out to speak TLS from the start; else never.
pub(super) async fn finds_tls(relay: &Relay) {
    tokio::time::sleep(relay.settings.deadlines.suspicion).await;
    if let Ok(line) = dial(relay, &Tried::default()).await {
        let asked = timeout(relay.settings.deadlines.suspicion, tls::answers(line.stream)).await;
        if asked == Ok(true) {
            return;
        }
    }
    std::future::pending().await
}

/// What a socket's file tells of its server.
fn socket_trouble(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => format!("{error}; is the server running, and is this its socket?"),
        io::ErrorKind::ConnectionRefused => {
            format!("{error}; the socket is there and nobody listens: start the server")
        }
        io::ErrorKind::PermissionDenied => {
            format!("{error}; give our user the right to write to the socket and to enter its folders")
        }
        _ => error.to_string(),
    }
}

fn unreachable(relay: &Relay, cause: &str) -> Trouble {
    let text = format!("cannot connect to {}: {cause}", relay.peer).into();
    Trouble { kind: TroubleKind::Unreachable, phase: Phase::Connect, reply: None, text }
}
