//! The API over a plain socket: what a test says is what goes over the wire.

use std::io::{self, Read, Write};
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
    pub json: Value,
    pub body: Vec<u8>,
}

impl Api {
    /// # Errors
    /// The daemon is away or died before its answer was whole: the call may or may not have been taken.
    pub fn call(&self, method: &str, path: &str, body: &[u8]) -> io::Result<Answer> {
        let mut stream = TcpStream::connect_timeout(&self.address, PATIENCE)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        let mut request = format!(
            "{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.address,
            self.key,
            body.len()
        )
        .into_bytes();
        request.extend_from_slice(body);
        stream.write_all(&request)?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer)?;
        parse(&answer).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
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

fn parse(answer: &[u8]) -> Option<Answer> {
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    let status = head.split(' ').nth(1)?.parse().ok()?;
    let rest = &answer[end + 4..];
    let field = |name: &str| head.lines().find_map(|l| l.strip_prefix(name)).map(str::trim);
    let body = match field("content-length:").and_then(|length| length.parse::<usize>().ok()) {
        Some(length) => rest.get(..length)?.to_vec(),
        None if field("transfer-encoding:") == Some("chunked") => chunks(rest)?,
        None => rest.to_vec(),
    };
    Some(Answer { status, json: serde_json::from_slice(&body).unwrap_or_default(), body })
}

fn chunks(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|two| two == b"\r\n")?;
        let size = usize::from_str_radix(std::str::from_utf8(&rest[..end]).ok()?.trim(), 16).ok()?;
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(end + 2..end + 2 + size)?);
        rest = rest.get(end + 4 + size..)?;
    }
}
