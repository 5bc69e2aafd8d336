//! The examples, run as they are.

use std::path::PathBuf;
use std::process::Command;

/// `target/…/examples/NAME`, which `cargo test` has built beside us.
fn example(name: &str) -> PathBuf {
    let ours = std::env::current_exe().unwrap();
    let path = ours.parent().and_then(|deps| deps.parent()).unwrap().join("examples").join(name);
    assert!(path.exists(), "{} is not there; run cargo test -p postrider --all-targets", path.display());
    path
}

fn run(name: &str, arguments: &[&str]) -> String {
    let output = Command::new(example(name)).args(arguments).output().unwrap();
    assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn embed_keeps_its_mail_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().to_str().unwrap();
    for _ in 0..2 {
        let said = run("embed", &[folder]);
        assert!(said.starts_with("accepted ") && said.ends_with("\nsent\n"), "{said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn embed_sends_through_a_relay() {
    let relay = testkit::Script::listen(
        "S: 220 relay\nC: EHLO\nS: 250 relay\nC: MAIL FROM:<shop@example.com>$\nS: 250 Ok\n\
         C: RCPT TO:<ada@example.org>$\nS: 250 Ok\nC: DATA\nS: 354 go\nC: .\nS: 250 Ok",
    );
    let relay = relay.await.unwrap();
    let (folder, port) = (tempfile::tempdir().unwrap(), relay.port().to_string());
    let folder = folder.path().to_str().unwrap().to_owned();
    let said = tokio::task::spawn_blocking(move || run("embed", &[&folder, "127.0.0.1", &port]));
    assert!(said.await.unwrap().ends_with("\nsent\n"));
    assert_eq!(relay.outcomes().first(), Some(&Ok(())));
}

#[test]
fn blocking_tells_the_outcome_and_the_mistakes() {
    let said = run("blocking", &[]);
    let lines: Vec<_> = said.lines().collect();
    assert_eq!(lines[0], "sent");
    assert!(lines[1].contains("to: ") && lines[1].contains("subject: "), "{said}");
}

#[test]
fn send_async_sends_all_but_the_bad_one() {
    let said = run("send_async", &[]);
    assert!(said.contains("not taken: \"Build 4 is ready\": to: ") && said.ends_with("3 sent\n"), "{said}");
}

#[test]
fn own_sender_decides_for_each_recipient() {
    let said = run("own_sender", &[]);
    assert!(said.contains("partial\nada@example.org: sent\neve@example.net: failed\n"), "{said}");
}

#[test]
fn attachment_composes_a_whole_mail() {
    let said = run("attachment", &[]);
    for part in ["multipart/mixed", "multipart/related", "logo.png", "invoice.txt", "X-Order: 4711"] {
        assert!(said.contains(part), "{part}: {said}");
    }
}
