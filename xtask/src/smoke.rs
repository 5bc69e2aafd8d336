//! The README's first command as a user meets it: `dev` starts, takes a mail, shows it.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::Value;

const PATIENCE: Duration = Duration::from_secs(30);

/// Ends the daemon whatever happens between.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Err(error) = self.0.kill().and_then(|()| self.0.wait()) {
            eprintln!("cannot end the daemon: {error}");
        }
    }
}

pub(crate) fn run(binary: &Path) -> Result<()> {
    let mut command = Command::new(binary);
    command.args(["dev", "--json", "--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0"]).stdout(Stdio::piped());
    let mut daemon = Ended(command.spawn().with_context(|| format!("cannot start {}", binary.display()))?);
    let mut line = String::new();
    let stdout = daemon.0.stdout.take().context("no standard output")?;
    BufReader::new(stdout).read_line(&mut line)?;
    let ready: Value = serde_json::from_str(&line).with_context(|| format!("no JSON first: {line:?}"))?;
    let text = |key: &str| ready.get(key).and_then(Value::as_str).with_context(|| format!("no {key}"));
    let (api, key) = (text("api")?.trim_start_matches("http://").trim_end_matches('/'), text("key")?);
    let mail = r#"{"from":"a@example.com","to":"smoke@example.org","subject":"Smoke","text":"It flows."}"#;
    let sent = call(api, key, "POST", "/emails", mail)?;
    let id = sent.get("id").and_then(Value::as_str).with_context(|| format!("no id in {sent}"))?;
    let seen = call(api, key, "GET", "/emails/latest?to=smoke@example.org&wait=10s", "")?;
    if seen.get("subject").and_then(Value::as_str) != Some("Smoke") {
        bail!("the mail {id} is not in the inbox: {seen}");
    }
    println!("mail {id} was sent and seen");
    Ok(())
}

fn call(host: &str, key: &str, method: &str, path: &str, body: &str) -> Result<Value> {
    let mut stream = TcpStream::connect(host).with_context(|| format!("cannot reach {host}"))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(
        stream,
        "{method} {path} HTTP/1.0\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("half an answer")?;
    if !head.split(' ').nth(1).is_some_and(|status| status.starts_with('2')) {
        bail!("{method} {path}: {answer}");
    }
    serde_json::from_str(body).with_context(|| format!("no JSON: {body:?}"))
}
