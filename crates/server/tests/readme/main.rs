//! The README's examples, run as they are written (ports aside) against `dev`.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test ends by panic"
)]

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

const README: &str = include_str!("../../../../README.md");

/// A running `postrider dev`, ended by its pid when the test is over.
struct Dev {
    child: Child,
    api: String,
    smtp: String,
    folder: tempfile::TempDir,
}

impl Drop for Dev {
    fn drop(&mut self) {
        self.child.kill().expect("dev runs");
        self.child.wait().expect("dev ends");
    }
}

fn dev() -> Dev {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut child = Command::new(env!("CARGO_BIN_EXE_postrider"))
        .args(["dev", "--json", "--http", "127.0.0.1:0", "--smtp", "127.0.0.1:0", "--data"])
        .arg(folder.path())
        .stdout(Stdio::piped())
        .spawn()
        .expect("dev starts");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
    let ready: serde_json::Value = serde_json::from_str(&line).expect("JSON on the first line");
    let text = |key: &str| {
        let value = ready[key].as_str().expect("a text").trim_end_matches('/');
        value.rsplit("//").next().expect("an address").to_owned()
    };
    Dev { api: text("api"), smtp: text("smtp"), child, folder }
}

/// The fenced blocks of one language.
fn blocks(language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut inside: Option<String> = None;
    for line in README.lines() {
        match (&mut inside, line.strip_prefix("```")) {
            (None, Some(tag)) if tag == language => inside = Some(String::new()),
            (Some(block), Some(_)) => {
                found.push(std::mem::take(block));
                inside = None;
            }
            (Some(block), None) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, _) => {}
        }
    }
    found
}

fn run(mut command: Command, script: &str) -> String {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    child.stdin.take().expect("piped").write_all(script.as_bytes()).expect("the script is read");
    let output = child.wait_with_output().expect("it ends");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{script}\n{}{}", text(&output.stdout), text(&output.stderr));
    text(&output.stdout)
}

/// Runs every block of a language and returns what they printed.
fn examples(dev: &Dev, language: &str, command: impl Fn() -> Command) -> Vec<String> {
    let found = blocks(language);
    assert!(!found.is_empty(), "the README has no {language} example");
    let (host, port) = dev.smtp.rsplit_once(':').expect("host and port");
    let smtp = format!("smtplib.SMTP(\"{host}\", {port})");
    let here = |block: &String| {
        block.replace("127.0.0.1:8025", &dev.api).replace("smtplib.SMTP(\"127.0.0.1\", 1025)", &smtp)
    };
    found.iter().map(|block| run(command(), &here(block))).collect()
}

fn with_arg(program: impl AsRef<std::ffi::OsStr>, arg: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(arg);
    command
}

fn subjects(dev: &Dev) -> Vec<String> {
    let script = format!("curl -sS http://{}/emails", dev.api);
    let list: serde_json::Value = serde_json::from_str(&run(with_arg("sh", "-s"), &script)).expect("JSON");
    let mails = list["data"].as_array().expect("a list").iter();
    mails.map(|m| m["subject"].as_str().expect("a subject").to_owned()).collect()
}

#[test]
fn the_shell_examples_send_and_show_a_mail() {
    let dev = dev();
    let printed = examples(&dev, "sh", || with_arg("sh", "-s"));
    assert!(printed[0].contains("\"id\""), "{printed:?}");
    assert!(printed[1].contains("Your order"), "{printed:?}");
    assert_eq!(subjects(&dev), ["Your order"]);
}

#[test]
fn the_python_examples_send_by_http_and_by_smtp() {
    let dev = dev();
    examples(&dev, "python", || with_arg("python3", "-"));
    assert_eq!(subjects(&dev), ["Hello", "Hello"]);
}

#[test]
fn the_node_example_sends_by_http() {
    let dev = dev();
    examples(&dev, "js", || with_arg("node", "--input-type=module"));
    assert_eq!(subjects(&dev), ["Hello"]);
}

#[test]
fn the_send_example_sends_a_mail() {
    let dev = dev();
    let line = README.lines().find(|l| l.contains("send --data ./try")).expect("a send example");
    let data = dev.folder.path().to_str().expect("UTF-8");
    let script = line
        .trim_start_matches("$ ")
        .replace("target/release/postrider", env!("CARGO_BIN_EXE_postrider"))
        .replace("./try", data);
    run(with_arg("sh", "-s"), &script);
    assert_eq!(subjects(&dev), ["Hello"]);
}
