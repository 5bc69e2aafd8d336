//! A fast SMTP server that takes everything: counts, keeps what it is told to keep, answers as a relay would.

use std::borrow::Cow;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{
    AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader, BufWriter, split,
};
use tokio::net::{TcpListener, UnixListener};
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

/// A mail as it came: dots taken off, the final line end kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Received {
    pub from: String,
    pub to: Vec<String>,
    pub bytes: Vec<u8>,
}

#[derive(Debug, Default)]
struct Kept {
    keep: bool,
    /// A verb and the line that answers it instead of success.
    refusal: Option<(&'static str, String)>,
    /// The refusal is over.
    mended: AtomicBool,
    count: AtomicU64,
    mails: Mutex<Vec<Received>>,
}

/// Listens until dropped. A mail counts before its 250 is written: whoever reads a 250 finds it counted.
#[derive(Debug)]
pub struct Sink {
    address: Option<SocketAddr>,
    kept: Arc<Kept>,
    task: JoinHandle<()>,
}

impl Drop for Sink {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Sink {
    /// On `127.0.0.1:port`; 0 takes a free one. `keep`: mails are kept, not only counted.
    pub async fn tcp(port: u16, keep: bool) -> io::Result<Self> {
        Self::listen(port, Kept { keep, ..Kept::default() }, None).await
    }

    /// Answers one verb with `reply` until it is mended; `.` stands for the end of the message. Mails are kept.
    pub async fn refusing(verb: &'static str, reply: &str) -> io::Result<Self> {
        let refusal = Some((verb, format!("{reply}\r\n")));
        Self::listen(0, Kept { keep: true, refusal, ..Kept::default() }, None).await
    }

    /// From now on it refuses nothing.
    pub fn mend(&self) {
        self.kept.mended.store(true, Ordering::SeqCst);
    }

    /// TLS from the first octet.
    pub async fn tls(acceptor: TlsAcceptor, keep: bool) -> io::Result<Self> {
        Self::listen(0, Kept { keep, ..Kept::default() }, Some(acceptor)).await
    }

    async fn listen(port: u16, kept: Kept, tls: Option<TlsAcceptor>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = Some(listener.local_addr()?);
        let kept = Arc::new(kept);
        let shared = Arc::clone(&kept);
        let task = tokio::spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, tls) = (Arc::clone(&shared), tls.clone());
                sessions.spawn(async move {
                    stream.set_nodelay(true)?;
                    match tls {
                        Some(tls) => session(tls.accept(stream).await?, kept).await,
                        None => session(stream, kept).await,
                    }
                });
                while sessions.try_join_next().is_some() {}
            }
        });
        Ok(Sink { address, kept, task })
    }

    pub fn unix(path: &Path, keep: bool) -> io::Result<Self> {
        let listener = UnixListener::bind(path)?;
        let kept = Arc::new(Kept { keep, ..Kept::default() });
        let shared = Arc::clone(&kept);
        let task = tokio::spawn(async move {
            let mut sessions = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                sessions.spawn(session(stream, Arc::clone(&shared)));
                while sessions.try_join_next().is_some() {}
            }
        });
        Ok(Sink { address: None, kept, task })
    }

    /// Of a TCP sink.
    pub fn port(&self) -> u16 {
        self.address.expect("a TCP sink").port()
    }

    /// Mails taken so far.
    pub fn count(&self) -> u64 {
        self.kept.count.load(Ordering::SeqCst)
    }

    /// The mails kept so far, in the order of their final dots.
    pub fn mails(&self) -> Vec<Received> {
        self.kept.mails.lock().expect("no panic under the lock").clone()
    }
}

const HELLO: &str = "250-sink\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-CHUNKING\r\n250-ENHANCEDSTATUSCODES\r\n250 SIZE\r\n";

/// One connection; answers wait in the buffer while more commands are there to read.
async fn session(stream: impl AsyncRead + AsyncWrite, kept: Arc<Kept>) -> io::Result<()> {
    let (reader, writer) = split(stream);
    let (mut reader, mut writer) = (BufReader::with_capacity(64 * 1024, reader), BufWriter::new(writer));
    writer.write_all(b"220 sink ESMTP\r\n").await?;
    let mut open: Option<Received> = None;
    let mut line = Vec::new();
    loop {
        if reader.buffer().is_empty() {
            writer.flush().await?;
        }
        line.clear();
        if reader.read_until(b'\n', &mut line).await? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&line);
        let text = text.trim_end();
        let verb = text.split([' ', ':']).next().unwrap_or("").to_ascii_uppercase();
        // the octets of a chunk follow whatever the answer will be
        let last =
            verb == "BDAT" && chunk(&mut reader, text, open.as_mut().map(|mail| &mut mail.bytes)).await?;
        // Who refuses DATA refuses the text, however it comes.
        let asked = if verb == "BDAT" { "DATA" } else { &verb };
        let reply = match (verb.as_str(), kept.refusal(asked), open.take_if(|_| last || verb == "DATA")) {
            (_, Some(reply), _) => reply.into(),
            ("DATA", None, Some(mut mail)) if !mail.to.is_empty() => {
                writer.write_all(b"354 go on\r\n").await?;
                writer.flush().await?;
                mail.bytes = dotted(&mut reader).await?;
                kept.accept(mail).into()
            }
            ("BDAT", None, Some(mail)) if !mail.to.is_empty() => kept.accept(mail).into(),
            ("BDAT", None, None) if open.as_ref().is_some_and(|mail| !mail.to.is_empty()) => OK.into(),
            ("QUIT", None, _) => {
                writer.write_all(b"221 2.0.0 Bye\r\n").await?;
                return writer.flush().await;
            }
            _ => Cow::from(answer(&verb, text, &mut open)),
        };
        writer.write_all(reply.as_bytes()).await?;
    }
}

const OK: &str = "250 2.0.0 Ok\r\n";

/// The commands without a body, and those that came out of order (RFC 5321 4.1.4).
fn answer(verb: &str, text: &str, open: &mut Option<Received>) -> &'static str {
    match (verb, open.as_mut()) {
        ("EHLO" | "HELO", _) => HELLO,
        ("MAIL", None) => {
            *open = Some(Received { from: path(text), to: Vec::new(), bytes: Vec::new() });
            OK
        }
        ("RCPT", Some(mail)) => {
            mail.to.push(path(text));
            OK
        }
        ("RSET", _) => {
            *open = None;
            OK
        }
        ("NOOP", _) => OK,
        ("MAIL" | "RCPT" | "DATA" | "BDAT", _) => "503 5.5.1 not now\r\n",
        _ => "500 5.5.1 unknown\r\n",
    }
}

impl Kept {
    fn refusal(&self, verb: &str) -> Option<&str> {
        let refusal = self.refusal.as_ref().filter(|(refused, _)| *refused == verb);
        refusal.filter(|_| !self.mended.load(Ordering::SeqCst)).map(|(_, reply)| reply.as_str())
    }

    /// Keeps and counts a mail, in this order, and makes the answer.
    fn accept(&self, mail: Received) -> String {
        if let Some(reply) = self.refusal(".") {
            return reply.to_owned();
        }
        if self.keep {
            self.mails.lock().expect("no panic under the lock").push(mail);
        }
        let number = self.count.fetch_add(1, Ordering::SeqCst) + 1;
        format!("250 2.0.0 Ok: queued as S{number}\r\n")
    }
}

/// What stands between the angle brackets.
fn path(command: &str) -> String {
    let inner = command.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
    inner.map_or("", |(address, _)| address).to_owned()
}

/// Reads up to the lone dot.
async fn dotted(stream: &mut (impl AsyncBufReadExt + Unpin)) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        let start = bytes.len();
        if stream.read_until(b'\n', &mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        match &bytes[start..] {
            b".\r\n" => {
                bytes.truncate(start);
                return Ok(bytes);
            }
            [b'.', ..] => {
                bytes.remove(start);
            }
            _ => {}
        }
    }
}

/// Reads `BDAT size [LAST]`'s octets (RFC 3030); whether it was the last.
async fn chunk(
    stream: &mut (impl AsyncReadExt + Unpin),
    command: &str,
    into: Option<&mut Vec<u8>>,
) -> io::Result<bool> {
    let mut words = command.split_ascii_whitespace().skip(1);
    let size: u64 = words.next().and_then(|size| size.parse().ok()).ok_or(io::ErrorKind::InvalidData)?;
    let mut nowhere = Vec::new();
    let read = stream.take(size).read_to_end(into.unwrap_or(&mut nowhere)).await?;
    if (read as u64) < size {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(words.next().is_some_and(|word| word.eq_ignore_ascii_case("LAST")))
}
