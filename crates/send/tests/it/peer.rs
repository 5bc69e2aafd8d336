//! A peer that follows a script, one per connection, over TCP or a unix socket, with TLS when told.
//!
//! `S: x` says x, in one write (`\r\n` in it ends a line) · `C: x` reads a line that begins with x · `BODY` reads to the lone dot · `READ n`
//! reads n octets · `DRAIN` reads all there is to come · `SCRAM x` checks the password x by SCRAM-SHA-256, bound to TLS where there is TLS · `TLS` makes TLS · `HANG` says nothing more · `HANGUP` closes without ado.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use futures_util::StreamExt;
use postrider_send::smtp::{Endpoint, Security, SmtpSettings};
use postrider_send::{Mail, MailOutcome, RecipientOutcome, Sender, SmtpSender};
use smtp::sasl::scram::{ScramServer, ServerBinding, Verifier};
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}
type Line = BufReader<Box<dyn Duplex>>;

#[derive(Default)]
struct Seen {
    connections: AtomicUsize,
    lines: Mutex<Vec<String>>,
    bodies: Mutex<Vec<Vec<u8>>>,
    strayed: Mutex<Vec<String>>,
    secured: Mutex<Vec<Secured>>,
}

/// What the server's side of a handshake settled.
struct Secured {
    name: Option<String>,
    exporter: Vec<u8>,
}

pub(crate) struct Peer {
    pub endpoint: Endpoint,
    seen: Arc<Seen>,
    task: JoinHandle<()>,
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

enum Listener {
    Tcp(TcpListener),
    /// Ends its connections by RST.
    Resetting(TcpListener),
    Unix(UnixListener),
}

impl Listener {
    async fn accept(&self) -> io::Result<Box<dyn Duplex>> {
        Ok(match self {
            Self::Tcp(listener) => Box::new(listener.accept().await?.0),
            Self::Resetting(listener) => {
                let stream = listener.accept().await?.0;
                stream.set_zero_linger()?;
                Box::new(stream)
            }
            Self::Unix(listener) => Box::new(listener.accept().await?.0),
        })
    }
}

/// Dialogues most scripts are made of.
pub(crate) const HELLO: &str = "S: 220 mx\nC: EHLO\nS: 250-mx\nS: 250 PIPELINING";
pub(crate) const TAKEN: &str =
    "C: MAIL\nC: RCPT\nC: DATA\nS: 250 ok\nS: 250 ok\nS: 354 go\nBODY\nS: 250 2.0.0 Ok: queued as 77";
pub(crate) const AGAIN: &str = "C: RSET\nS: 250 ok";
pub(crate) const QUIT: &str = "C: QUIT\nS: 221 bye";

impl Peer {
    /// Connection n follows script n, later ones the last.
    pub(crate) async fn tcp(scripts: &[String], acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint =
            Endpoint::Tcp { host: "127.0.0.1".into(), port: listener.local_addr().unwrap().port() };
        Self::serve(endpoint, scripts, acceptor, Listener::Tcp(listener))
    }

    /// At this address and port, 0 takes a free one; in clear.
    pub(crate) async fn at(ip: std::net::IpAddr, port: u16, script: &str) -> Self {
        let listener = TcpListener::bind((ip, port)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let endpoint = Endpoint::Tcp { host: ip.to_string().into(), port };
        Self::serve(endpoint, &[script.into()], None, Listener::Tcp(listener))
    }

    /// As `tcp`, in clear; the end of a script is an RST.
    pub(crate) async fn resetting(scripts: &[String]) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let endpoint =
            Endpoint::Tcp { host: "127.0.0.1".into(), port: listener.local_addr().unwrap().port() };
        Self::serve(endpoint, scripts, None, Listener::Resetting(listener))
    }

    pub(crate) fn unix(path: &Path, script: &str) -> Self {
        let listener = UnixListener::bind(path).unwrap();
        Self::serve(Endpoint::Unix { path: path.into() }, &[script.into()], None, Listener::Unix(listener))
    }

    fn serve(
        endpoint: Endpoint,
        scripts: &[String],
        acceptor: Option<TlsAcceptor>,
        listener: Listener,
    ) -> Self {
        let seen = Arc::new(Seen::default());
        let (scripts, shared) = (scripts.to_vec(), Arc::clone(&seen));
        let task = tokio::spawn(async move {
            while let Ok(stream) = listener.accept().await {
                let n = shared.connections.fetch_add(1, Ordering::SeqCst);
                let script = scripts.get(n).or(scripts.last()).unwrap().clone();
                let (shared, acceptor) = (Arc::clone(&shared), acceptor.clone());
                tokio::spawn(async move {
                    if let Err(stray) = follow(stream, &script, acceptor, &shared).await {
                        shared.strayed.lock().unwrap().push(stray);
                    }
                });
            }
        });
        Self { endpoint, seen, task }
    }

    pub(crate) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    /// All command lines read so far.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.seen.lines.lock().unwrap().clone()
    }

    /// The texts between 354 and the lone dot, as they travelled.
    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        self.seen.bodies.lock().unwrap().clone()
    }

    /// The names that TLS clients asked for.
    pub(crate) fn names(&self) -> Vec<Option<String>> {
        self.seen.secured.lock().unwrap().iter().map(|secured| secured.name.clone()).collect()
    }

    /// The tls-exporter values (RFC 9266) of the TLS connections.
    pub(crate) fn exporters(&self) -> Vec<Vec<u8>> {
        self.seen.secured.lock().unwrap().iter().map(|secured| secured.exporter.clone()).collect()
    }

    pub(crate) fn settings(&self, security: Security) -> SmtpSettings {
        SmtpSettings::new(self.endpoint.clone(), security)
    }

    /// Fails when a client left a script.
    pub(crate) fn assert_followed(&self) {
        let strayed = self.seen.strayed.lock().unwrap();
        assert!(strayed.is_empty(), "{strayed:?}");
    }
}

async fn follow(
    stream: Box<dyn Duplex>,
    script: &str,
    acceptor: Option<TlsAcceptor>,
    seen: &Seen,
) -> Result<(), String> {
    let mut line: Line = BufReader::new(stream);
    for step in script.lines() {
        let (verb, rest) = step.split_once(' ').unwrap_or((step, ""));
        match verb {
            "S:" => {
                let said = format!("{rest}\r\n").replace(r"\r\n", "\r\n");
                line.write_all(said.as_bytes()).await.map_err(|e| e.to_string())?;
                line.flush().await.map_err(|e| e.to_string())?;
            }
            "C:" => {
                let said = read_line(&mut line).await?;
                seen.lines.lock().unwrap().push(said.clone());
                if !said.starts_with(rest) {
                    return Err(format!("{said:?} came where {rest:?} was due"));
                }
            }
            "BODY" => {
                let mut body = Vec::new();
                while !(body == b".\r\n" || body.ends_with(b"\r\n.\r\n")) {
                    body.push(line.read_u8().await.map_err(|e| format!("in the text: {e}"))?);
                }
                seen.bodies.lock().unwrap().push(body);
            }
            "READ" => {
                let mut octets = vec![0; rest.parse().unwrap()];
                line.read_exact(&mut octets).await.map_err(|e| e.to_string())?;
            }
            "DRAIN" => {
                let mut rest = Vec::new();
                line.read_to_end(&mut rest).await.map_err(|e| e.to_string())?;
                seen.bodies.lock().unwrap().push(rest);
            }
            "TLS" => {
                let acceptor = acceptor.clone().unwrap();
                let made = acceptor.accept(line.into_inner()).await.map_err(|e| e.to_string())?;
                let server = made.get_ref().1;
                let label = b"EXPORTER-Channel-Binding";
                let exporter = server.export_keying_material(vec![0; 32], label, Some(&[]));
                seen.secured.lock().unwrap().push(Secured {
                    name: server.server_name().map(str::to_owned),
                    exporter: exporter.map_err(|e| e.to_string())?,
                });
                line = BufReader::new(Box::new(made));
            }
            "SCRAM" => {
                let bound = seen.secured.lock().unwrap().last().map(|secured| secured.exporter.clone());
                let offered = bound.map_or(ServerBinding::NotOffered, |x| ServerBinding::Exporter(x.into()));
                check_password(&mut line, rest, &offered).await?;
            }
            "HANGUP" => return Ok(()),
            "HANG" => std::future::pending().await,
            other => panic!("unknown step {other:?}"),
        }
    }
    Ok(())
}

async fn read_line(line: &mut Line) -> Result<String, String> {
    let mut octets = Vec::new();
    while !octets.ends_with(b"\r\n") {
        octets.push(line.read_u8().await.map_err(|e| format!("after {octets:?}: {e}"))?);
    }
    Ok(String::from_utf8_lossy(&octets).trim_end().to_owned())
}

/// The server's side of SCRAM-SHA-256; the AUTH line comes first.
async fn check_password(line: &mut Line, password: &str, binding: &ServerBinding) -> Result<(), String> {
    let decode = |text: &str| STANDARD.decode(text).map_err(|e| format!("{text}: {e}"));
    let challenge = |text: &str| format!("334 {}\r\n", STANDARD.encode(text));
    let auth = read_line(line).await?;
    let first = decode(auth.rsplit(' ').next().unwrap())?;
    let mut server = ScramServer::new(&first, binding).ok_or(format!("{auth}: no such binding"))?;
    let salt = *b"0123456789abcdef";
    let said = server.challenge(Verifier::of(password.as_bytes(), salt, 4096.try_into().unwrap()));
    line.write_all(challenge(&said).as_bytes()).await.map_err(|e| e.to_string())?;
    let proof = decode(&read_line(line).await?)?;
    let last = match server.finish(&proof) {
        Some(last) => challenge(&last),
        None => "535 5.7.8 no\r\n".into(),
    };
    line.write_all(last.as_bytes()).await.map_err(|e| e.to_string())?;
    let end = read_line(line).await?;
    line.write_all(b"235 ok\r\n").await.map_err(|e| e.to_string())?;
    if end.is_empty() { Ok(()) } else { Err(format!("{end:?} came where nothing was due")) }
}

/// A peer on TCP without TLS.
pub(crate) async fn plain(scripts: &[&str]) -> Peer {
    let scripts: Vec<String> = scripts.iter().map(|script| (*script).to_owned()).collect();
    Peer::tcp(&scripts, None).await
}

pub(crate) fn script(parts: &[&str]) -> String {
    parts.join("\n")
}

pub(crate) fn mail(ticket: u64, to: &[&str], body: &str) -> Mail {
    Mail {
        ticket,
        from: envelope::Address::parse("from@example.com").unwrap().into(),
        to: to.iter().map(|to| envelope::Address::parse(to).unwrap().into()).collect(),
        ret: None,
        envid: None,
        header: "Subject: x\r\n\r\n".into(),
        body: body.to_owned().into(),
        eight_bit: false,
        utf8_header: false,
        urgent: false,
    }
}

/// Sends these over one batch and collects the outcomes.
pub(crate) async fn send(sender: &SmtpSender, mails: Vec<Mail>) -> Vec<MailOutcome> {
    sender.send_batch(futures_util::stream::iter(mails).boxed()).collect().await
}

/// One mail to one recipient, by a new sender.
pub(crate) async fn send_one(settings: SmtpSettings) -> MailOutcome {
    let sender = SmtpSender::new(settings).unwrap();
    send(&sender, vec![mail(1, &["b@example.com"], "hello\r\n")]).await.remove(0)
}

/// Outcomes as one line each.
pub(crate) fn shown(outcome: &MailOutcome) -> Vec<String> {
    let one = |outcome: &RecipientOutcome| match outcome {
        RecipientOutcome::Accepted(reply) => format!("accepted {reply}"),
        RecipientOutcome::Refused { phase, reply } => format!("refused {phase:?} {reply}"),
        RecipientOutcome::Undeliverable { status, .. } => format!("undeliverable {status}"),
        RecipientOutcome::NotAttempted(trouble) => {
            format!("not attempted {:?} {:?}", trouble.kind, trouble.phase)
        }
        RecipientOutcome::Unknown(trouble) => format!("unknown {:?} {:?}", trouble.kind, trouble.phase),
    };
    outcome.recipients.iter().map(one).collect()
}

/// The operator's text of the trouble of the first recipient.
pub(crate) fn trouble_text(outcome: &MailOutcome) -> String {
    match outcome.recipients.first() {
        Some(RecipientOutcome::NotAttempted(trouble) | RecipientOutcome::Unknown(trouble)) => {
            trouble.text.to_string()
        }
        other => panic!("no trouble: {other:?}"),
    }
}
