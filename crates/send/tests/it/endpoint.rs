//! An endpoint for tokens that answers as it is told, one answer a request, the last one again and again.

use std::sync::{Arc, Mutex};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// A request: its head's lines and its body.
#[derive(Debug, Clone)]
pub(crate) struct Asked {
    pub head: Vec<String>,
    pub form: String,
}

impl Asked {
    pub(crate) fn authorization(&self) -> Option<&str> {
        self.head.iter().find_map(|line| line.strip_prefix("authorization: "))
    }
}

pub(crate) struct Endpoint {
    pub port: u16,
    asked: Arc<Mutex<Vec<Asked>>>,
    task: JoinHandle<()>,
}

impl Drop for Endpoint {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Endpoint {
    /// Answers: status and body; status 0 hangs up instead.
    pub(crate) async fn new(answers: &[(u16, &str)], acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let answers: Vec<(u16, String)> =
            answers.iter().map(|(status, body)| (*status, (*body).to_owned())).collect();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&asked);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // A handshake that fails is the client's choice.
                match &acceptor {
                    None => serve(stream, &answers, &seen).await,
                    Some(acceptor) => match acceptor.accept(stream).await {
                        Ok(stream) => serve(stream, &answers, &seen).await,
                        Err(_) => continue,
                    },
                }
            }
        });
        Self { port, asked, task }
    }

    pub(crate) fn url(&self, scheme: &str) -> Box<str> {
        format!("{scheme}://127.0.0.1:{}/token?api=1", self.port).into()
    }

    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

async fn serve(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    answers: &[(u16, String)],
    seen: &Mutex<Vec<Asked>>,
) {
    let mut line = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut text = String::new();
        line.read_line(&mut text).await.unwrap();
        match text.trim_end() {
            "" => break,
            field => head.push(field.to_owned()),
        }
    }
    let length = head.iter().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    line.read_exact(&mut body).await.unwrap();
    let n = {
        let mut seen = seen.lock().unwrap();
        seen.push(Asked { head, form: String::from_utf8(body).unwrap() });
        seen.len() - 1
    };
    let (status, body) = answers.get(n).or(answers.last()).unwrap();
    if *status != 0 {
        let length = body.len();
        let answer = format!("HTTP/1.1 {status} x\r\nContent-Length: {length}\r\n\r\n{body}");
        // A client that has read enough may be gone.
        line.write_all(answer.as_bytes()).await.ok();
        line.shutdown().await.ok();
    }
}
