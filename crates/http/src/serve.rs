//! Accepting connections, with a limit on their number and on their patience.

use crate::HttpLimits;
use axum::Router;
use axum::extract::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use postrider::Crowd;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tower::ServiceExt;

/// Octets of a request's head.
const MAX_HEAD: usize = 64 * 1024;
/// Fields of a request's head.
const MAX_FIELDS: usize = 100;
/// Pause after a failed accept (no file descriptors left, for one).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// A new socket takes a line at once; one that does not is no loss.
const REFUSAL: Duration = Duration::from_millis(200);

/// Where clients come from.
#[derive(Debug)]
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// The client's address; `None` on a unix socket. Put into every request's extensions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub Option<IpAddr>);

/// Turns true when the door closes, so that answers that wait end. Put into every request's extensions.
#[derive(Debug, Clone)]
pub(crate) struct Closing(watch::Receiver<bool>);

impl Closing {
    /// Returns when the door closes.
    pub(crate) async fn wait(mut closing: Option<Self>) {
        match &mut closing {
            Some(Self(receiver)) => drop(receiver.wait_for(|end| *end).await),
            None => std::future::pending().await,
        }
    }
}

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Listener {
    async fn accept(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                stream.set_nodelay(true)?;
                Ok((Box::new(stream), Peer(Some(address.ip()))))
            }
            Self::Unix(listener) => Ok((Box::new(listener.accept().await?.0), Peer(None))),
        }
    }
}

/// Serves until `shutdown` turns true (or its sender is gone); then takes no further connection and
/// returns once the open requests are answered or `limits.drain` is over.
pub async fn serve(
    listener: Listener,
    router: Router,
    limits: HttpLimits,
    mut shutdown: watch::Receiver<bool>,
) {
    let room = Arc::new(Semaphore::new(limits.connections));
    let crowd = Crowd::new(limits.per_peer);
    let mut open = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            _ = shutdown.wait_for(|end| *end) => break,
            Some(_) = open.join_next(), if !open.is_empty() => continue,
            accepted = next(&listener, &room) => accepted,
        };
        match accepted {
            Ok((stream, peer, permit)) => {
                let Some(place) = crowd.enter(peer.0) else {
                    refuse(stream, peer).await;
                    continue;
                };
                let (router, closing) = (router.clone(), Closing(shutdown.clone()));
                open.spawn(async move {
                    connection(stream, peer, router, limits, closing).await;
                    drop((place, permit));
                });
            }
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    drop(listener);
    let drained = async { while open.join_next().await.is_some() {} };
    if timeout(limits.drain, drained).await.is_err() {
        tracing::warn!(connections = open.len(), "closing with requests still open");
    }
}

async fn refuse(mut stream: Box<dyn Stream>, peer: Peer) {
    tracing::warn!(from = peer.0.map(tracing::field::display), "too many HTTP connections from one address");
    let words =
        b"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";
    // It is refused whether it hears so or not.
    drop(timeout(REFUSAL, stream.write_all(words)).await);
}

type Accepted = (Box<dyn Stream>, Peer, tokio::sync::OwnedSemaphorePermit);

async fn next(listener: &Listener, room: &Arc<Semaphore>) -> io::Result<Accepted> {
    let permit = room.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, peer) = listener.accept().await?;
    Ok((stream, peer, permit))
}

async fn connection(
    stream: Box<dyn Stream>,
    peer: Peer,
    router: Router,
    limits: HttpLimits,
    closing: Closing,
) {
    let closes = Closing::wait(Some(closing.clone()));
    let service = router.map_request(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(peer);
        request.extensions_mut().insert(closing.clone());
        request.map(axum::body::Body::new)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header_timeout)
        .max_buf_size(MAX_HEAD)
        .max_headers(MAX_FIELDS)
        .serve_connection(TokioIo::new(stream), TowerToHyperService::new(service));
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = closes => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended");
    }
}
