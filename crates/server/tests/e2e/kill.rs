//! The promise under SIGKILL: what was accepted is delivered, whole, and a repeat bears its mark.
//!
//! Sixteen clients send over HTTP while the daemon is killed at random moments and started again on the same
//! folder. A ledger outside it knows each mail that was attempted and each that was accepted.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::json;
use testkit::{Api, Daemon, Received, Sink, free_port, until};

use crate::{PATIENCE, binary, daemon, mail, raw};

const CLIENTS: usize = 16;
const KILLS: usize = 5;
/// Mails accepted between two kills, at most.
const BETWEEN: u64 = 400;

/// What the clients know.
#[derive(Default)]
struct Ledger {
    attempted: Mutex<BTreeSet<String>>,
    /// Token to id, written after the 202 was read.
    accepted: Mutex<BTreeMap<String, String>>,
    count: AtomicUsize,
    over: AtomicBool,
}

#[tokio::test(flavor = "multi_thread")]
async fn accepted_mail_survives_sigkill() {
    let sink = Sink::tcp(0, true).await.unwrap();
    let mut daemon = daemon(sink.port());
    let ledger = Arc::new(Ledger::default());
    let clients: Vec<_> = (0..CLIENTS).map(|number| client(number, daemon.api.clone(), &ledger)).collect();
    for round in 0..KILLS {
        let goal = ledger.count.load(Ordering::SeqCst) + 1 + random(round) as usize;
        until("mail to be accepted", PATIENCE, || {
            (ledger.count.load(Ordering::SeqCst) >= goal).then_some(())
        });
        daemon.kill();
        daemon.restart();
    }
    ledger.over.store(true, Ordering::SeqCst);
    for client in clients {
        client.join().unwrap();
    }
    drain(&daemon, &ledger);
    compare(&daemon, &ledger, &sink.mails());
}

/// The control: the same comparison over a queue in memory must see the loss, or it proves nothing.
#[tokio::test(flavor = "multi_thread")]
#[should_panic(expected = "was accepted and is lost")]
async fn a_queue_in_memory_is_caught() {
    let mailer = format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {}", free_port());
    let mut daemon = Daemon::start(binary(), &mailer, "[queue]\nTYPE = channel");
    let ledger = Ledger::default();
    let id = daemon.api.send(&mail("ada@example.org", "token-0-1-end"));
    ledger.attempted.lock().unwrap().insert("token-0-1-end".to_owned());
    ledger.accepted.lock().unwrap().insert("token-0-1-end".to_owned(), id);
    daemon.kill();
    daemon.restart();
    drain(&daemon, &ledger);
    compare(&daemon, &ledger, &[]);
}

/// Up to `BETWEEN`, other in each run; a failure prints nothing to repeat it by, but the ledger names the mail.
fn random(round: usize) -> u64 {
    RandomState::new().hash_one(round) % BETWEEN
}

fn client(number: usize, api: Api, ledger: &Arc<Ledger>) -> std::thread::JoinHandle<()> {
    let ledger = Arc::clone(ledger);
    std::thread::spawn(move || {
        let mut sent = 0;
        while !ledger.over.load(Ordering::SeqCst) {
            sent += 1;
            let token = format!("token-{number}-{sent}-end");
            ledger.attempted.lock().unwrap().insert(token.clone());
            let mail = json!({
                "from": "a@example.com", "to": format!("r{number}@example.org"), "subject": token,
                "text": text(&token), "external_id": token
            });
            match api.post("/emails", &mail) {
                Ok(answer) if answer.status == 202 => {
                    let id = answer.json["id"].as_str().unwrap().to_owned();
                    ledger.accepted.lock().unwrap().insert(token, id);
                    ledger.count.fetch_add(1, Ordering::SeqCst);
                }
                // refused for now is an honest answer; the mail was not taken
                Ok(answer) => assert!(answer.status >= 500, "{}", String::from_utf8_lossy(&answer.body)),
                // killed in mid-call: taken or not, nobody was promised anything
                Err(_) => {
                    until("the daemon's return", PATIENCE, || api.get("/livez").ok());
                }
            }
        }
    })
}

/// Lines that tell their mail, some with a dot in front, some hundred octets to some ten thousand.
fn text(token: &str) -> String {
    let lines = 5 + (RandomState::new().hash_one(token) % 200) as usize;
    (0..lines)
        .map(|n| format!("{}{token} line {n} of {lines}\n", if n % 3 == 0 { "." } else { "" }))
        .collect()
}

fn drain(daemon: &Daemon, ledger: &Ledger) {
    let mut open: Vec<String> = ledger.accepted.lock().unwrap().values().cloned().collect();
    let settled = ["sent", "failed", "expired"];
    until("the queue to drain", PATIENCE, || {
        open.retain(|id| {
            let answer = daemon.api.get(&format!("/emails/{id}")).unwrap();
            // an unknown mail will not come any more: the comparison tells
            let email = answer.json;
            answer.status != 404 && !settled.iter().any(|state| email["status"] == *state)
        });
        open.is_empty().then_some(())
    });
}

fn token(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let subject = text.lines().find_map(|line| line.strip_prefix("Subject: ")).expect("a subject");
    subject.to_owned()
}

fn compare(daemon: &Daemon, ledger: &Ledger, delivered: &[Received]) {
    let attempted = ledger.attempted.lock().unwrap();
    let accepted = ledger.accepted.lock().unwrap();
    let mut copies: BTreeMap<String, Vec<&[u8]>> = BTreeMap::new();
    for mail in delivered {
        let token = token(&mail.bytes);
        assert!(attempted.contains(&token), "{token} was never attempted");
        copies.entry(token).or_default().push(&mail.bytes);
    }
    for (token, id) in accepted.iter() {
        let came = copies.get(token).unwrap_or_else(|| panic!("{token} ({id}) was accepted and is lost"));
        let kept = raw(daemon, id);
        assert!(came.iter().all(|bytes| *bytes == kept.as_slice()), "{token} ({id}) was altered on its way");
    }
    for (token, came) in copies {
        whole(&token, &came);
        if came.len() > 1 {
            let found = daemon.api.get(&format!("/emails?external_id={token}")).unwrap().json;
            let mails = found["data"].as_array().unwrap();
            assert_eq!(mails.len(), 1, "{token}: {found}");
            let email = daemon.api.email(mails[0]["id"].as_str().unwrap());
            assert_eq!(
                email["possible_duplicate"],
                true,
                "{token} came {} times unmarked: {email}",
                came.len()
            );
        }
    }
}

/// Every line of a mail the sender may not have an answer for is there, once and in order.
fn whole(token: &str, came: &[&[u8]]) {
    for bytes in came {
        let text = String::from_utf8_lossy(bytes);
        let (_, body) = text.split_once("\r\n\r\n").expect("header and body");
        let lines: Vec<&str> = body.trim_end().lines().collect();
        for (n, line) in lines.iter().enumerate() {
            let dot = if n % 3 == 0 { "." } else { "" };
            assert_eq!(*line, format!("{dot}{token} line {n} of {}", lines.len()));
        }
    }
}
