//! Accepts clients, counts them, and waits for them at the end.

use crate::client::{Client, stopped};
use crate::connection::{Connection, Peer, Stream};
use crate::intake::Intake;
use crate::settings::SubmissionSettings;
use postrider::{Crowd, Mailer};
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

/// The shortest and the longest pause after a failed accept.
const PAUSES: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(1));
/// A new socket takes a line at once; one that does not is no loss.
const REFUSAL: Duration = Duration::from_millis(200);

/// Where clients come in.
#[derive(Debug)]
pub enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    async fn accept(&self) -> io::Result<(Box<dyn Stream>, Peer)> {
        match self {
            Self::Tcp(listener) => {
                let (stream, from) = listener.accept().await?;
                // Replies are small and waited for. A client that is gone already shows when it is read.
                drop(stream.set_nodelay(true));
                Ok((Box::new(stream), Peer::Tcp(from.ip())))
            }
            Self::Unix(listener) => Ok((Box::new(listener.accept().await?.0), Peer::Unix)),
        }
    }
}

/// Serves SMTP until `shutdown` turns true (or its sender is gone): then nobody new is accepted,
/// messages on their way in are finished, the others get 421, and it returns when all have gone.
pub async fn serve(
    listener: Listener,
    mailer: Mailer,
    settings: SubmissionSettings,
    shutdown: watch::Receiver<bool>,
) {
    serve_into(listener, Arc::new(mailer), Arc::new(settings), shutdown).await;
}

pub(crate) async fn serve_into<I: Intake>(
    listener: Listener,
    intake: Arc<I>,
    settings: Arc<SubmissionSettings>,
    mut shutdown: watch::Receiver<bool>,
) {
    let places = Arc::new(Semaphore::new(settings.max_connections));
    let crowd = Crowd::new(settings.max_per_peer);
    let mut clients = JoinSet::new();
    let mut pause = PAUSES.0;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stopped(&mut shutdown) => break,
            Some(ended) = clients.join_next() => {
                note(ended);
                continue;
            }
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => {
                pause = PAUSES.0;
                let place = places.clone().try_acquire_owned().ok().zip(crowd.enter(peer.address()));
                let Some(place) = place else {
                    refuse(stream, peer).await;
                    continue;
                };
                let client = Client::new(intake.clone(), settings.clone(), peer);
                let (connection, stop) = (Connection::new(stream, settings.timeouts), shutdown.clone());
                clients.spawn(async move {
                    client.run(connection, stop).await;
                    drop(place);
                });
            }
            // Out of descriptors, or a client gone before we looked: neither ends the door.
            Err(cause) => {
                tracing::warn!(%cause, "cannot accept an SMTP client");
                sleep(pause).await;
                pause = (pause * 2).min(PAUSES.1);
            }
        }
    }
    drop(listener);
    while let Some(ended) = clients.join_next().await {
        note(ended);
    }
}

fn note(ended: Result<(), tokio::task::JoinError>) {
    if let Err(cause) = ended {
        tracing::error!(%cause, "an SMTP session broke");
    }
}

async fn refuse(mut stream: Box<dyn Stream>, peer: Peer) {
    tracing::warn!(%peer, "too many SMTP clients");
    let words = stream.write_all(b"421 4.7.0 Too many connections, try again later\r\n");
    // It is refused whether it hears so or not.
    drop(timeout(REFUSAL, words).await);
}
