//! Those who send to the nodes: over HTTP, each mail under a key of its own, at the next node when one does not
//! answer or refuses for now. So no mail is two, whatever was lost on the way.

use crate::chance::Chance;
use crate::ledger::{Ledger, text};
use crate::wait::pause;
use serde_json::{Value, json};
use std::io;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;
use testkit::{Api, Connection};

/// How long a client waits for a node that stands still.
const PATIENCE: Duration = Duration::from_secs(8);
/// Milliseconds between two mails of a client at most.
const PACE: u64 = 200;
/// One mail in so many goes to any node, however well the last was served.
const WANDER: u64 = 30;
/// After the end of a round a mail is tried at so many nodes more.
const LAST_TRIES: usize = 6;

pub(crate) fn start(
    round: u32,
    seed: u64,
    count: u64,
    nodes: &[Api],
    ledger: &Arc<Ledger>,
) -> Vec<JoinHandle<()>> {
    let clients = (0..count).map(|number| {
        let chance = Chance::new(seed ^ (u64::from(round) << 32) ^ number);
        let mut client = Client { nodes: nodes.to_vec(), at: 0, connection: None, chance };
        let (name, ledger) = (format!("{round}-{number}"), Arc::clone(ledger));
        std::thread::spawn(move || client.send(&name, &ledger))
    });
    clients.collect()
}

struct Client {
    nodes: Vec<Api>,
    at: usize,
    connection: Option<Connection>,
    chance: Chance,
}

impl Client {
    fn send(&mut self, name: &str, ledger: &Ledger) {
        let mut sent = 0u64;
        while !ledger.is_over() {
            pause(Duration::from_millis(self.chance.within(0, PACE)));
            if self.chance.within(0, WANDER) == 0 {
                self.go(self.chance.clone().within(0, self.nodes.len() as u64));
            }
            sent += 1;
            let token = format!("torture-{name}-{sent}-end");
            ledger.attempt(&token);
            self.submit(&token, ledger);
        }
    }

    fn go(&mut self, by: u64) {
        self.at = (self.at + usize::try_from(by).unwrap_or(0)) % self.nodes.len();
        self.connection = None;
    }

    /// Until it is accepted; an end without an answer promised nothing.
    fn submit(&mut self, token: &str, ledger: &Ledger) {
        let mut last = 0;
        while last < LAST_TRIES {
            match self.ask(token, ledger) {
                Ok(202) => return ledger.accept(token),
                // In hand at another node just now, or too much at once.
                Ok(409 | 429 | 500..) | Err(_) => {}
                Ok(status) => return eprintln!("{token}: {status}"),
            }
            last += usize::from(ledger.is_over());
            pause(Duration::from_millis(self.chance.within(20, 200)));
            self.go(1);
        }
    }

    fn ask(&mut self, token: &str, ledger: &Ledger) -> io::Result<u16> {
        let mail = json!({
            "from": "a@example.com", "to": "b@example.org", "subject": token, "text": text(token),
        });
        if self.connection.is_none() {
            let node = self.nodes.get(self.at).ok_or(io::ErrorKind::NotFound)?;
            let connection = node.connect()?;
            connection.set_patience(PATIENCE)?;
            self.connection = Some(connection);
        }
        let connection = self.connection.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        let key = format!("Idempotency-Key: {token}\r\n");
        let answer = connection.call_with("POST", "/emails", &key, mail.to_string().as_bytes())?;
        if let Some(id) = answer.json.get("id").and_then(Value::as_str) {
            ledger.name(token, id);
        }
        Ok(answer.status)
    }
}
