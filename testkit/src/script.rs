//! A peer that says what a script tells it, for the replies no real server gives on demand.

use std::io;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};
use tokio_rustls::TlsAcceptor;

trait Duplex: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Duplex for T {}
type Stream = BufReader<Box<dyn Duplex>>;

/// One line of a dialogue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// `S: 250 Ok` is written with CRLF.
    Say(String),
    /// `C: MAIL FROM:` a line that begins so is read, without regard to case; `C: RSET$` a line that is just so.
    Expect(String),
    /// `C: .` everything is read up to the lone dot.
    Message,
    /// `S: !` the connection is cut with nothing said.
    Cut,
    /// `S: ~` TLS is made, at once or after a 220 to STARTTLS.
    Tls,
}

/// Each connection follows the whole script, then is closed.
#[derive(Debug)]
pub struct Script {
    port: u16,
    seen: Arc<Mutex<Vec<Result<(), String>>>>,
    task: JoinHandle<()>,
}

impl Drop for Script {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Script {
    /// `text` has one step a line: `S:` the peer speaks, `C:` it listens. Connections are served side by side.
    pub async fn listen(text: &str) -> io::Result<Self> {
        Self::serve(text, None).await
    }

    /// As `listen`, with the means to make TLS.
    pub async fn secured(text: &str, acceptor: TlsAcceptor) -> io::Result<Self> {
        Self::serve(text, Some(acceptor)).await
    }

    async fn serve(text: &str, acceptor: Option<TlsAcceptor>) -> io::Result<Self> {
        let steps: Arc<[Step]> = text.lines().map(str::trim).filter(|l| !l.is_empty()).map(step).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&seen);
        let task = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (steps, acceptor, shared) = (Arc::clone(&steps), acceptor.clone(), Arc::clone(&shared));
                connections.spawn(async move {
                    let outcome = follow(Box::new(stream), &steps, acceptor).await;
                    shared.lock().expect("no panic under the lock").push(outcome);
                });
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Script { port, seen, task })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// How each connection so far ended: `Err` says where it left the script.
    pub fn outcomes(&self) -> Vec<Result<(), String>> {
        self.seen.lock().expect("no panic under the lock").clone()
    }
}

fn step(line: &str) -> Step {
    let (side, rest) = line.split_once(':').expect("S: or C:");
    let rest = rest.trim().to_owned();
    match (side, rest.as_str()) {
        ("S", "!") => Step::Cut,
        ("S", "~") => Step::Tls,
        ("S", _) => Step::Say(rest),
        ("C", ".") => Step::Message,
        ("C", _) => Step::Expect(rest),
        _ => panic!("a step begins with S: or C:, not {line:?}"),
    }
}

async fn follow(
    stream: Box<dyn Duplex>,
    steps: &[Step],
    acceptor: Option<TlsAcceptor>,
) -> Result<(), String> {
    let mut stream = BufReader::new(stream);
    for step in steps {
        match step {
            Step::Say(line) => {
                stream.write_all(format!("{line}\r\n").as_bytes()).await.map_err(|e| e.to_string())?;
            }
            Step::Expect(start) => {
                let line = line(&mut stream).await?;
                let (said, due) = (line.to_ascii_lowercase(), start.to_ascii_lowercase());
                let fits = match due.strip_suffix('$') {
                    Some(due) => said.trim_end() == due,
                    None => said.starts_with(&due),
                };
                if !fits {
                    return Err(format!("{line:?} came where {start:?} was due"));
                }
            }
            Step::Message => while line(&mut stream).await? != ".\r\n" {},
            Step::Cut => return Ok(()),
            Step::Tls => {
                let acceptor = acceptor.as_ref().expect("a script with TLS is made by `secured`");
                let made = acceptor.accept(stream.into_inner()).await.map_err(|e| e.to_string())?;
                stream = BufReader::new(Box::new(made));
            }
        }
    }
    Ok(())
}

async fn line(stream: &mut Stream) -> Result<String, String> {
    let mut bytes = Vec::new();
    match stream.read_until(b'\n', &mut bytes).await {
        Ok(0) => Err("the client hung up".to_owned()),
        Ok(_) => Ok(String::from_utf8_lossy(&bytes).into_owned()),
        Err(error) => Err(error.to_string()),
    }
}
