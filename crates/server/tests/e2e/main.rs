//! The daemon against real servers, real clients and real kills. Root and `cargo xtask peers` are needed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test ends by panic")]
#![allow(clippy::indexing_slicing, reason = "JSON of the API: a missing key is a failed test")]

// As the drafts of `corpus` name it.
extern crate message as postrider_message;

mod auth;
mod check;
mod clients;
#[path = "../../../message/tests/it/corpus.rs"]
mod corpus;
mod dkim;
mod dovecot;
mod foreign_sender;
mod kill;
mod matrix;
mod nodes;
#[path = "../../../message/tests/it/pages.rs"]
#[expect(dead_code, reason = "only its random source is wanted here")]
mod pages;
mod postfix;
mod redis;
mod relay;
#[path = "../../../smtp/tests/it/script.rs"]
#[expect(dead_code, reason = "a server hears and says, the rest is for the client core")]
mod script;
mod scripts;
mod signals;

use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use testkit::{Daemon, until};

/// An outcome must show within this, on a busy machine too.
const PATIENCE: Duration = Duration::from_secs(60);

/// Bodies are kept, to be compared; trouble is tried again soon.
const SECTIONS: &str = "[postrider.queue]\nRETRY = 1s\nKEEP_BODY = 1h";

fn binary() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_postrider"))
}

/// A daemon whose relay is plain SMTP on a port of this machine.
fn daemon(relay: u16) -> Daemon {
    Daemon::start(binary(), &format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {relay}"), SECTIONS)
}

fn mail(to: &str, subject: &str) -> Value {
    json!({"from": "a@example.com", "to": to, "subject": subject, "text": "Hello,\n.dot\nGrüße\n"})
}

/// Waits until a mail shows one of the states; what the API then says of it.
#[track_caller]
fn until_status(daemon: &Daemon, id: &str, states: &[&str]) -> Value {
    until(&format!("{id} to be {states:?}"), PATIENCE, || {
        let email = daemon.api.email(id);
        states.iter().any(|state| email["status"] == *state).then_some(email)
    })
}

/// The bytes as the daemon keeps them.
#[track_caller]
fn raw(daemon: &Daemon, id: &str) -> Vec<u8> {
    let answer = daemon.api.get(&format!("/emails/{id}/raw")).unwrap();
    assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
    answer.body
}
