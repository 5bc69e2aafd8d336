//! A test mail through the running daemon's real queue, and what became of it in the relay's words.

use crate::cli::client::{self, Client};
use crate::cli::queue::show;
use crate::config::{Settings, Surroundings};
use crate::exit::Failure;
use hyper::Method;
use queue::Status;
use serde_json::{Value, json};
use std::time::Duration;

/// How long the outcome is waited for: SMTP's own deadlines for one mail are shorter.
const PATIENCE: Duration = Duration::from_secs(600);
const TEXT: &str = "This mail was sent by \"postrider check --to\". It went the way of every mail: through the queue of \
                    the daemon and over its relay.\n";

/// The test mail, as the daemon tells of it.
pub(super) struct Sent {
    mail: Value,
}

/// Hands the mail in and waits until it is sent, refused or put off.
pub(super) async fn send(to: &str, settings: &Settings, around: &Surroundings) -> Result<Sent, Failure> {
    let sockets = client::sockets(&settings.data_dir, around);
    let client = Client::find(sockets).await.ok_or_else(|| {
        Failure::Unavailable(format!(
            "no daemon answers at {}, and a test mail goes through its queue; start one with postrider serve",
            settings.data_dir.join("submit.sock").display()
        ))
    })?;
    let message = json!({"to": to, "subject": "A test by postrider", "text": TEXT, "tags": [{"name": "check", "value": "mail"}]});
    let answer = client.call(Method::POST, "/emails", Some(&message)).await?.success()?;
    let id = answer.get("id").and_then(Value::as_str);
    let id = id.ok_or_else(|| Failure::Protocol("the daemon accepted the mail and named no id".into()))?;
    match tokio::time::timeout(PATIENCE, outcome(&client, id)).await {
        Ok(mail) => Ok(Sent { mail: mail? }),
        Err(_) => {
            Err(Failure::Later(format!("{id} is accepted and not yet tried to its end; the daemon goes on")))
        }
    }
}

async fn outcome(client: &Client, id: &str) -> Result<Value, Failure> {
    let mut pause = Duration::from_millis(20);
    loop {
        let mail = client.call(Method::GET, &format!("/emails/{id}"), None).await?.success()?;
        let status = mail.get("status").and_then(Value::as_str).and_then(Status::parse);
        let told = status.is_none_or(|status| status.is_final() || status == Status::Held);
        if told || status == Some(Status::Deferred) {
            return Ok(mail);
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(Duration::from_secs(1));
    }
}

impl Sent {
    fn word(&self, key: &str) -> &str {
        self.mail.get(key).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn text(&self) -> String {
        format!("test mail\n{}", show::mail(&self.mail))
    }

    pub(super) fn json(&self) -> Value {
        let of = |key: &str| self.mail.get(key).cloned().unwrap_or(Value::Null);
        json!({"id": of("id"), "status": of("status"), "recipients": of("recipients"), "attempts": of("attempts")})
    }

    /// Anything but a mail that was sent.
    pub(super) fn failure(&self) -> Option<Failure> {
        let recipients = self.mail.get("recipients").unwrap_or(&Value::Null);
        let said: Vec<String> = show::recipients(recipients).collect();
        let text =
            format!("the test mail {} is {}: {}", self.word("id"), self.word("status"), said.join("; "));
        match Status::parse(self.word("status")) {
            Some(Status::Sent) => None,
            Some(Status::Deferred | Status::Held) => Some(Failure::Later(text)),
            _ => Some(Failure::Unavailable(text)),
        }
    }
}
