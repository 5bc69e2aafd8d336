//! HTTP/1 over the daemon's socket.

use crate::exit::Failure;
use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{Method, Request, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::time::Duration;
use tokio::net::UnixStream;

/// Octets of an answer that are read.
const MAX_ANSWER: usize = 64 << 20;
/// A daemon that syncs to a busy disk may take its time; one that takes longer is not well.
const PATIENCE: Duration = Duration::from_secs(60);

/// Calls the daemon; one connection a call.
pub(crate) struct Client {
    socket: PathBuf,
}

/// What the daemon said.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) body: Value,
}

impl Client {
    /// A client for the first of the sockets where somebody answers.
    pub(crate) async fn find(sockets: Vec<PathBuf>) -> Option<Self> {
        for socket in sockets {
            if UnixStream::connect(&socket).await.is_ok() {
                return Some(Self { socket });
            }
        }
        None
    }

    /// A client for this socket.
    pub(crate) fn at(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// A call with JSON.
    pub(crate) async fn call(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, Failure> {
        let payload = body.map_or_else(Bytes::new, |b| b.to_string().into());
        self.exchange(method, path, [("Content-Type", "application/json")], payload).await
    }

    /// A call with JSON that counts once under this key.
    pub(crate) async fn call_once(&self, path: &str, key: &str, body: &Value) -> Result<Answer, Failure> {
        let fields = [("Content-Type", "application/json"), ("Idempotency-Key", key)];
        self.exchange(Method::POST, path, fields, body.to_string().into()).await
    }

    /// A call with octets of another kind.
    pub(crate) async fn post(&self, path: &str, kind: &str, body: Vec<u8>) -> Result<Answer, Failure> {
        self.exchange(Method::POST, path, [("Content-Type", kind)], body.into()).await
    }

    async fn exchange<const N: usize>(
        &self,
        method: Method,
        path: &str,
        fields: [(&str, &str); N],
        payload: Bytes,
    ) -> Result<Answer, Failure> {
        match tokio::time::timeout(PATIENCE, self.send(method, path, &fields, payload)).await {
            Ok(answer) => answer,
            Err(_) => Err(Failure::Later(format!(
                "the daemon at {} did not answer within {} s; see its log",
                self.socket.display(),
                PATIENCE.as_secs()
            ))),
        }
    }

    async fn send(
        &self,
        method: Method,
        path: &str,
        fields: &[(&str, &str)],
        payload: Bytes,
    ) -> Result<Answer, Failure> {
        let lost = |error: &dyn std::fmt::Display| {
            Failure::Unavailable(format!("the daemon at {} broke off: {error}", self.socket.display()))
        };
        let stream = UnixStream::connect(&self.socket).await.map_err(|e| lost(&e))?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(|e| lost(&e))?;
        let driver = tokio::spawn(connection);
        let request = Request::builder().method(method).uri(path).header("Host", "localhost");
        let request = fields
            .iter()
            .fold(request, |request, (name, value)| request.header(*name, *value))
            .body(Full::new(payload))
            .map_err(|e| Failure::Bug(e.to_string()))?;
        let response = sender.send_request(request).await.map_err(|e| lost(&e))?;
        let status = response.status();
        let bytes = Limited::new(response.into_body(), MAX_ANSWER).collect().await;
        driver.abort();
        let bytes = bytes.map_err(|e| lost(&e))?.to_bytes();
        let body = serde_json::from_slice(&bytes).map_err(|_| {
            Failure::Protocol(format!(
                "the daemon at {} answered {status} without JSON",
                self.socket.display()
            ))
        })?;
        Ok(Answer { status, body })
    }
}

impl Answer {
    /// The body of a success; anything else as the failure it means.
    pub(crate) fn success(self) -> Result<Value, Failure> {
        if self.status.is_success() {
            return Ok(self.body);
        }
        let text = self.text();
        Err(match self.status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Failure::Forbidden(text),
            StatusCode::TOO_MANY_REQUESTS
            | StatusCode::SERVICE_UNAVAILABLE
            | StatusCode::INSUFFICIENT_STORAGE
            | StatusCode::INTERNAL_SERVER_ERROR => Failure::Later(text),
            status if status.is_client_error() => Failure::BadMessage(text),
            _ => Failure::Protocol(text),
        })
    }

    /// Every mistake on a line of its own, or what else the problem says.
    fn text(&self) -> String {
        let word = |value: &Value, key: &str| value.get(key).and_then(Value::as_str).map(ToOwned::to_owned);
        let errors = self.body.get("errors").and_then(Value::as_array).into_iter().flatten();
        let lines: Vec<String> = errors
            .filter_map(|e| {
                let problem = ["problem", "detail", "message"].iter().find_map(|key| word(e, key))?;
                Some(word(e, "field").map_or(problem.clone(), |field| format!("{field}: {problem}")))
            })
            .collect();
        if !lines.is_empty() {
            return lines.join("\n");
        }
        ["detail", "message", "title"]
            .iter()
            .find_map(|key| word(&self.body, key))
            .unwrap_or_else(|| format!("the daemon answered {}", self.status))
    }
}

/// Where the daemon of a data folder takes mail.
pub(crate) fn sockets(data_dir: &Path, around: &crate::config::Surroundings) -> Vec<PathBuf> {
    around
        .runtime_dir()
        .into_iter()
        .chain([data_dir.to_owned()])
        .map(|folder| folder.join("submit.sock"))
        .collect()
}
