//! The API over a plain socket: what a test says is what goes over the wire.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

/// Where the API listens and the key it wants.
#[derive(Debug, Clone)]
pub struct Api {
    pub address: SocketAddr,
    pub key: String,
}

/// Status and JSON; `Null` where the body is not JSON.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// Seconds of its `Retry-After`.
    pub retry_after: Option<u64>,
    pub json: Value,
    pub body: Vec<u8>,
}

impl Api {
    /// A connection for many calls, one after the other.
    ///
    /// # Errors
    /// The daemon is away.
    pub fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Connection { stream: BufReader::new(stream), api: self.clone() })
    }

    /// One call on a connection of its own.
    ///
    /// # Errors
    /// The daemon is away or died before its answer was whole: the call may or may not have been taken.
    pub fn call(&self, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        self.connect()?.call(method, path, body)
    }

    pub fn get(&self, path: &str) -> io::Result<Answer> {
        self.call("GET", path, b"")
    }

    pub fn post(&self, path: &str, json: &Value) -> io::Result<Answer> {
        self.call("POST", path, json.to_string().as_bytes())
    }

    /// Sends a mail that must be taken; its id.
    #[track_caller]
    pub fn send(&self, mail: &Value) -> String {
        let answer = self.post("/emails", mail).expect("the daemon answers");
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
        answer.json["id"].as_str().expect("an id").to_owned()
    }

    /// What the daemon knows of a mail.
    #[track_caller]
    pub fn email(&self, id: &str) -> Value {
        let answer = self.get(&format!("/emails/{id}")).expect("the daemon answers");
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        answer.json
    }
}

/// An open connection.
#[derive(Debug)]
pub struct Connection {
    stream: BufReader<TcpStream>,
    api: Api,
}

impl Connection {
    /// Waits no longer than this for the next octets of an answer.
    ///
    /// # Errors
    /// It is no time at all.
    pub fn set_patience(&self, patience: Duration) -> io::Result<()> {
        self.stream.get_ref().set_read_timeout(Some(patience))
    }

    /// # Errors
    /// As `Api::call`.
    pub fn call(&mut self, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        self.call_with(method, path, "", body)
    }

    /// With further header fields, each with its line end.
    ///
    /// # Errors
    /// As `Api::call`.
    pub fn call_with(&mut self, method: &str, path: &str, fields: &str, body: &[u8]) -> io::Result<Answer> {
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\n{fields}Content-Length: {}\r\n\r\n",
            self.api.address,
            self.api.key,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        self.stream.get_mut().write_all(&request)?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            if self.stream.read_until(b'\n', &mut head)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or(io::ErrorKind::InvalidData)?;
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name)).map(str::trim);
        let length = field("content-length:").and_then(|length| length.parse().ok());
        let retry_after = field("retry-after:").and_then(|seconds| seconds.parse().ok());
        let body = match length {
            Some(length) => self.exactly(length)?,
            None if field("transfer-encoding:") == Some("chunked") => self.chunks()?,
            None => Vec::new(),
        };
        Ok(Answer { status, retry_after, json: serde_json::from_slice(&body).unwrap_or_default(), body })
    }

    fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }

    fn chunks(&mut self) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16).map_err(|_| io::ErrorKind::InvalidData)?;
            body.extend(self.exactly(size)?);
            self.exactly(2)?;
            if size == 0 {
                return Ok(body);
            }
        }
    }
}
