//! Octets in and out, within deadlines, in clear or in TLS.

use crate::settings::Timeouts;
use rustls::ServerConfig;
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

/// Octets read at once; also what one client holds while idle.
const CHUNK: usize = 16 * 1024;
/// How long we wait for a client to see our last words.
const LINGER: Duration = Duration::from_secs(2);
/// Octets dropped meanwhile.
const LINGER_OCTETS: usize = 1 << 20;

/// Who is at the other end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Tcp(IpAddr),
    Unix,
}

impl Peer {
    /// Nobody can listen between us, and it is on this machine.
    pub(crate) fn is_local(self) -> bool {
        match self {
            Self::Tcp(ip) => ip.to_canonical().is_loopback(),
            Self::Unix => true,
        }
    }

    pub(crate) fn address(self) -> Option<IpAddr> {
        match self {
            Self::Tcp(ip) => Some(ip),
            Self::Unix => None,
        }
    }
}

impl std::fmt::Display for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Tcp(ip) => match ip.to_canonical() {
                IpAddr::V4(ip) => write!(f, "[{ip}]"),
                IpAddr::V6(ip) => write!(f, "[IPv6:{ip}]"),
            },
            Self::Unix => f.write_str("local"),
        }
    }
}

pub(crate) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub(crate) struct Connection {
    stream: Option<Box<dyn Stream>>,
    buffer: Vec<u8>,
    timeouts: Timeouts,
}

impl Connection {
    pub(crate) fn new(stream: impl Stream + 'static, timeouts: Timeouts) -> Self {
        Self { stream: Some(Box::new(stream)), buffer: vec![0; CHUNK], timeouts }
    }

    /// What came, empty at the end. Cancel-safe.
    ///
    /// # Errors
    /// `TimedOut` at the deadline; else the socket's.
    pub(crate) async fn read(&mut self, deadline: Instant) -> io::Result<&[u8]> {
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let count = timeout_at(deadline, stream.read(&mut self.buffer)).await??;
        Ok(self.buffer.get(..count).unwrap_or_default())
    }

    pub(crate) async fn write(&mut self, octets: &[u8]) -> io::Result<()> {
        let stream = self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let all = async {
            stream.write_all(octets).await?;
            stream.flush().await
        };
        timeout(self.timeouts.write, all).await?
    }

    pub(crate) async fn start_tls(&mut self, config: Arc<ServerConfig>) -> io::Result<()> {
        let stream = self.stream.take().ok_or(io::ErrorKind::NotConnected)?;
        let handshake = TlsAcceptor::from(config).accept(stream);
        self.stream = Some(Box::new(timeout(self.timeouts.handshake, handshake).await??));
        Ok(())
    }

    /// Closes so that the last reply arrives: octets left unread would reset the connection.
    pub(crate) async fn close(mut self) {
        let Some(mut stream) = self.stream.take() else { return };
        let farewell = async {
            stream.shutdown().await?;
            let mut seen = 0;
            while seen < LINGER_OCTETS {
                match stream.read(&mut self.buffer).await? {
                    0 => break,
                    count => seen += count,
                }
            }
            io::Result::Ok(())
        };
        // Whether the client went first or not at all, we have nothing more to say.
        drop(timeout(LINGER, farewell).await);
    }
}
