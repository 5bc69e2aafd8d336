//! One connection: writes what the core says, reads while it writes, keeps the deadlines.

use super::flow::Flow;
use super::limits::READ;
use super::trust::Caution;
use super::{Relay, Security, TlsFacts, dial, map, sign_in, tls};
use crate::Trouble;
use smtp::client::{self, Client, Failure, FailureKind, Output, Phase};
use smtp::sasl;
use std::future::poll_fn;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::client::TlsStream;

/// A transport in both directions.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {
    /// Has what was read acknowledged now. A server that writes its replies one by one keeps the next back until
    /// the last is acknowledged (RFC 896), and a system that has nothing to send puts that off, by 40 ms on Linux.
    fn acknowledge(&self) {}
}

impl Duplex for TcpStream {
    fn acknowledge(&self) {
        // Without it we are only slower.
        #[cfg(target_os = "linux")]
        rustix::net::sockopt::set_tcp_quickack(self, true).ok();
    }
}

impl Duplex for UnixStream {}

impl Duplex for TlsStream<Box<dyn Duplex>> {
    fn acknowledge(&self) {
        self.get_ref().0.acknowledge();
    }
}

pub(super) struct Connection {
    pub(super) relay: Arc<Relay>,
    /// `None` only while TLS is made, or when that failed.
    pub(super) stream: Option<Box<dyn Duplex>>,
    pub(super) client: Client,
    pub(super) flow: Flow,
    /// Of the handshake, once it is made.
    tls: Option<TlsFacts>,
    address: Option<SocketAddr>,
    /// Nobody can listen, also without TLS.
    is_private: bool,
    /// What we signed in by, if it is one.
    token: Option<sasl::Secret>,
    pub(super) last_used: Instant,
    opened: Instant,
}

/// A connection that did not come to stand: why, and what was said.
pub(super) type Refused = Box<(Trouble, String)>;

enum Wrote {
    All,
    /// Octets were read meanwhile and given to the core.
    Heard,
}

impl Connection {
    /// Connects, makes TLS, says EHLO, logs in. Where a host turns us away before the login, the name's next
    /// address is tried (RFC 5321 5.1).
    pub(super) async fn open(relay: &Arc<Relay>) -> Result<Self, Refused> {
        let mut tried = dial::Tried::default();
        let mut renewed = false;
        loop {
            let mut connection = match Self::dial(relay, &tried).await {
                Ok(connection) => connection,
                Err(trouble) => return Err(tried.end(trouble)),
            };
            let Err(trouble) = connection.stand().await else { return Ok(connection) };
            if !renewed && connection.renews(&trouble).await {
                renewed = true;
                continue;
            }
            let refused = Box::new((trouble, connection.client.transcript()));
            tried.add(connection.address, refused, &relay.settings.deadlines)?;
        }
    }

    /// The line alone; nothing is said yet.
    pub(super) async fn dial(relay: &Arc<Relay>, tried: &dial::Tried) -> Result<Self, Trouble> {
        let credentials = relay.sign_in.credentials(&relay.settings).await?;
        let line = dial::dial(relay, tried).await?;
        Ok(Self::over(relay, line, credentials))
    }

    fn over(relay: &Arc<Relay>, line: dial::Line, credentials: Option<sasl::Credentials>) -> Self {
        let settings = &relay.settings;
        let is_token = |who: &&sasl::Credentials| who.means == sasl::Means::Token;
        let token = credentials.as_ref().filter(is_token).map(|who| who.secret.clone());
        let config = client::Config {
            lmtp: settings.lmtp,
            hello: relay.hello.clone(),
            security: match settings.security {
                Security::Plain => client::Security::Plain,
                Security::StartTls { required } => client::Security::StartTls { required },
                Security::Implicit => client::Security::Implicit,
            },
            private: line.private,
            credentials,
            pin: relay.sign_in.pin(),
            channel: sign_in::channel(settings),
            proven: relay.sign_in.proven(),
            sequential: relay.trust.caution() == Caution::OneCommand,
        };
        let mut connection = Self {
            relay: Arc::clone(relay),
            stream: Some(line.stream),
            client: Client::new(config),
            flow: Flow::new(),
            tls: None,
            address: line.address,
            is_private: line.private,
            token,
            last_used: Instant::now(),
            opened: Instant::now(),
        };
        connection.client.note(&match line.address {
            Some(address) if address.to_string() != *relay.peer => {
                format!("connected to {} at {}", relay.peer, address.ip())
            }
            _ => format!("connected to {}", relay.peer),
        });
        connection
    }

    /// Whether there is a newer token than the one that was refused here.
    pub(super) async fn renews(&mut self, trouble: &Trouble) -> bool {
        self.relay.sign_in.renews(self.token.as_ref(), trouble).await
    }

    /// All up to where mail may begin; trouble is noted in the transcript.
    pub(super) async fn stand(&mut self) -> Result<(), Trouble> {
        let stands = self.establish().await;
        if let Err(trouble) = &stands {
            self.client.note(&trouble.text);
        }
        stands
    }

    async fn establish(&mut self) -> Result<(), Trouble> {
        if self.relay.settings.security == Security::Implicit {
            self.make_tls().await?;
        }
        let mut output = self.greeting().await?;
        loop {
            output = match self.step(output).await.map_err(|failure| self.explain(failure))? {
                Output::StartTls => {
                    self.make_tls().await?;
                    self.client.tls_done()
                }
                Output::Ready => break,
                other => other,
            };
        }
        self.relay.sign_in.worked(&self.client, self.is_private, &self.relay.peer);
        if !self.client.is_secured() && matches!(self.relay.settings.security, Security::StartTls { .. }) {
            tracing::warn!(peer = %self.relay.peer, "the relay offers no STARTTLS: mail goes in clear");
        }
        Ok(())
    }

    /// The greeting, or the news that the port waits for TLS while we wait for it.
    async fn greeting(&mut self) -> Result<Output, Trouble> {
        let relay = Arc::clone(&self.relay);
        if relay.settings.security == Security::Implicit {
            return Ok(Output::Wait);
        }
        let heard = tokio::select! {
            heard = self.step(Output::Wait) => heard,
            () = dial::finds_tls(&relay) => {
                Err(Failure::new(FailureKind::Misbehaved, Phase::Greeting, None, "the port speaks TLS from the start"))
            }
        };
        heard.map_err(|failure| self.explain(failure))
    }

    async fn make_tls(&mut self) -> Result<(), Trouble> {
        if let Some(stream) = self.stream.take() {
            let (stream, facts) = dial::handshake(&self.relay, stream).await?;
            self.client.note(&format!("{} {}", facts.version, facts.cipher));
            self.client.bind(facts.exporter.clone());
            (self.stream, self.tls) = (Some(stream), Some(facts));
        }
        Ok(())
    }

    /// Whether it can take another mail.
    pub(super) fn reusable(&self) -> bool {
        self.stream.is_some() && self.client.reusable() && self.may_go_on()
    }

    /// Whether it has neither carried its share of mails, or refused ones, nor reached its age.
    pub(super) fn may_go_on(&self) -> bool {
        let few = self.client.transactions() < self.most() && !self.client.is_barren();
        few && self.opened.elapsed() < self.relay.settings.max_age
    }

    /// Mails that may go over one connection.
    fn most(&self) -> u64 {
        let ours = u64::from(self.relay.settings.messages_per_connection);
        self.client.capabilities().mail_max.map_or(ours, |theirs| ours.min(u64::from(theirs)))
    }

    /// Whether it has served a mail whole, so that it may have died since.
    pub(super) fn has_served(&self) -> bool {
        self.client.transactions() > self.under_way() as u64
    }

    /// Whether it is too old to trust, or has closed or spoken unasked.
    pub(super) async fn is_stale(&mut self) -> bool {
        if self.last_used.elapsed() >= self.relay.settings.max_idle {
            return true;
        }
        let Some(stream) = &mut self.stream else { return true };
        let mut octet = [0u8; 1];
        poll_fn(|cx| {
            let mut buffer = ReadBuf::new(&mut octet);
            Poll::Ready(Pin::new(&mut *stream).poll_read(cx, &mut buffer).is_ready())
        })
        .await
    }

    pub(super) fn idle_for(&self) -> Duration {
        self.last_used.elapsed()
    }

    /// What the handshake settled: for sign-in bound to the channel, and for a check.
    pub(super) fn tls(&self) -> Option<&TlsFacts> {
        self.tls.as_ref()
    }

    /// Where the line leads, of all addresses of the relay's name.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.address
    }

    pub(super) fn capabilities(&self) -> &smtp::Capabilities {
        self.client.capabilities()
    }

    pub(super) fn transcript(&self) -> String {
        self.client.transcript()
    }

    /// QUIT, and a short wait for the answer; whatever comes changes nothing.
    pub(super) async fn close(mut self) {
        if !self.client.reusable() {
            return;
        }
        let limit = self.relay.settings.deadlines.quit;
        let quit = async {
            let mut output = self.client.quit();
            while let Ok(next) = self.step(output).await {
                if matches!(next, Output::Closed) {
                    break;
                }
                output = next;
            }
            if let Some(stream) = &mut self.stream {
                stream.shutdown().await.ok();
            }
        };
        timeout(limit, quit).await.ok();
    }

    /// Obeys one output and asks for the next.
    async fn step(&mut self, output: Output) -> Result<Output, Failure> {
        match output {
            Output::Write(octets) => self.write(octets.expose()).await,
            Output::Wait => self.listen().await,
            other => Ok(other),
        }
    }

    /// Reads until the core has something to say; the deadline runs from one whole reply to the next.
    async fn listen(&mut self) -> Result<Output, Failure> {
        let mut answered = self.client.answered();
        let mut deadline = Instant::now() + self.deadline();
        let mut buffer = [0u8; READ];
        loop {
            let output = self.client.poll()?;
            if !matches!(output, Output::Wait) {
                return Ok(output);
            }
            if answered != self.client.answered() {
                answered = self.client.answered();
                deadline = Instant::now() + self.deadline();
            }
            let Some(stream) = &mut self.stream else { return Err(self.lost("the line is closed")) };
            match timeout_at(deadline, stream.read(&mut buffer)).await {
                Err(_) => return Err(self.failure(FailureKind::Timeout, "no reply in time")),
                Ok(Ok(0)) => return Err(self.lost("the peer closed the connection")),
                Ok(Ok(n)) => self.client.receive(buffer.get(..n).unwrap_or_default()),
                Ok(Err(error)) => return Err(self.failure(FailureKind::Lost, &tls::broke(&error))),
            }
        }
    }

    /// Writes the session's commands, and hears what the peer says meanwhile.
    async fn write(&mut self, mut rest: &[u8]) -> Result<Output, Failure> {
        let deadline = Instant::now() + self.relay.settings.deadlines.block;
        loop {
            match timeout_at(deadline, self.write_or_hear(&mut rest)).await {
                Err(_) => {
                    return Err(self.failure(FailureKind::Timeout, "the peer takes our octets too slowly"));
                }
                Ok(Ok(Wrote::All)) => return Ok(Output::Wait),
                Ok(Ok(Wrote::Heard)) => match self.client.poll()? {
                    Output::Wait => {}
                    _ if !rest.is_empty() => {
                        let text = "the server answers commands before they are sent";
                        return Err(self.failure(FailureKind::Misbehaved, text));
                    }
                    output => return Ok(output),
                },
                Ok(Err(error)) => return self.last_words(&error).await,
            }
        }
    }

    async fn write_or_hear(&mut self, rest: &mut &[u8]) -> io::Result<Wrote> {
        let Self { stream, client, .. } = self;
        let Some(stream) = stream else { return Err(io::ErrorKind::NotConnected.into()) };
        poll_fn(|cx| {
            if let Poll::Ready(heard) = hear(stream, client, cx) {
                return Poll::Ready(heard.map(|()| Wrote::Heard));
            }
            while !rest.is_empty() {
                match Pin::new(&mut *stream).poll_write(cx, rest) {
                    Poll::Pending => return Poll::Pending,
                    Poll::Ready(Ok(0)) => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                    Poll::Ready(Ok(taken)) => *rest = rest.get(taken..).unwrap_or_default(),
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                }
            }
            Pin::new(&mut *stream).poll_flush(cx).map_ok(|()| Wrote::All)
        })
        .await
    }

    /// The line broke under our writing; a reply may have come before.
    async fn last_words(&mut self, error: &io::Error) -> Result<Output, Failure> {
        let limit = self.relay.settings.deadlines.quit;
        let mut buffer = [0u8; READ];
        loop {
            match self.client.poll()? {
                Output::Wait => {}
                output => return Ok(output),
            }
            let Some(stream) = &mut self.stream else { return Err(self.lost(&error.to_string())) };
            match timeout(limit, stream.read(&mut buffer)).await {
                Ok(Ok(n)) if n > 0 => self.client.receive(buffer.get(..n).unwrap_or_default()),
                _ => return Err(self.lost(&error.to_string())),
            }
        }
    }

    pub(super) fn deadline(&self) -> Duration {
        let all = &self.relay.settings.deadlines;
        match self.client.awaiting() {
            Some(Phase::Greeting) => all.greeting,
            Some(Phase::Mail) => all.mail,
            Some(Phase::Rcpt) => all.rcpt,
            Some(Phase::Data) => all.data,
            Some(Phase::End) => all.end,
            Some(Phase::Quit) => all.quit,
            Some(Phase::Hello | Phase::Tls | Phase::Auth | Phase::Reset) | None => all.hello,
        }
    }

    fn lost(&self, cause: &str) -> Failure {
        self.failure(FailureKind::Lost, &format!("the connection broke: {cause}"))
    }

    pub(super) fn failure(&self, kind: FailureKind, text: &str) -> Failure {
        Failure::new(kind, self.client.awaiting().unwrap_or(Phase::Mail), None, text)
    }

    /// Silence or noise where a greeting should be is often TLS.
    fn explain(&self, failure: Failure) -> Trouble {
        let silent = failure.phase == Phase::Greeting && failure.reply.is_none();
        let mut trouble = map::trouble(failure);
        if silent && self.relay.settings.security != Security::Implicit {
            let hint = "; if this port speaks TLS from the start (465 does), use smtps://";
            trouble.text = format!("{}{hint}", trouble.text).into();
        }
        trouble
    }
}

pub(super) fn hear(
    stream: &mut Box<dyn Duplex>,
    client: &mut Client,
    cx: &mut Context<'_>,
) -> Poll<io::Result<()>> {
    let mut octets = [0u8; READ];
    let mut buffer = ReadBuf::new(&mut octets);
    match Pin::new(stream).poll_read(cx, &mut buffer) {
        Poll::Ready(Ok(())) if buffer.filled().is_empty() => {
            Poll::Ready(Err(io::ErrorKind::UnexpectedEof.into()))
        }
        Poll::Ready(Ok(())) => {
            client.receive(buffer.filled());
            Poll::Ready(Ok(()))
        }
        Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
        Poll::Pending => Poll::Pending,
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("peer", &self.relay.peer).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
