//! Python's email package reads what we compose as it was meant.

use crate::corpus;
use postrider_message::{Profile, compose};
use serde_json::json;
use std::io::Write;
use std::process::{Command, Stdio};

/// Mails of one run.
pub(crate) const MAILS: u64 = 500;

/// Runs a script with `lines` on its standard input; what it printed.
pub(crate) fn run(python: &mut Command, lines: Vec<u8>) -> String {
    let mut child = python.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || stdin.write_all(&lines));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn python_reads_every_mail_as_it_was_meant() {
    let mut lines = Vec::new();
    for seed in 0..MAILS {
        let (draft, expect) = corpus::draft(seed);
        let mail = compose(&draft, &Profile::default(), jiff::Timestamp::UNIX_EPOCH, 7)
            .unwrap_or_else(|e| panic!("seed {seed}: {e}"));
        let hex: String = mail.header.iter().chain(&mail.body).map(|b| format!("{b:02x}")).collect();
        writeln!(lines, "{}", json!({"seed": seed, "mail": hex, "expect": expect})).unwrap();
    }
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/referee.py");
    let said = run(Command::new("python3").arg(script), lines);
    assert_eq!(said, format!("{MAILS} read\n"));
}
