//! SIGTERM and SIGINT: the first asks us to end, the second to end at once. SIGHUP: read the settings anew.

use std::io;
use tokio::signal::unix::{Signal, SignalKind, signal};

pub(crate) struct Signals {
    term: Signal,
    int: Signal,
    hup: Signal,
}

/// What a signal asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Told {
    End,
    Reload,
}

impl Signals {
    pub(crate) fn new() -> io::Result<Self> {
        let of = |kind| signal(kind);
        Ok(Self {
            term: of(SignalKind::terminate())?,
            int: of(SignalKind::interrupt())?,
            hup: of(SignalKind::hangup())?,
        })
    }

    /// The next of them. Cancel-safe.
    pub(crate) async fn next(&mut self) -> Told {
        tokio::select! {
            _ = self.term.recv() => Told::End,
            _ = self.int.recv() => Told::End,
            _ = self.hup.recv() => Told::Reload,
        }
    }

    /// The next that asks us to end.
    pub(crate) async fn end(&mut self) {
        while self.next().await != Told::End {}
    }
}
