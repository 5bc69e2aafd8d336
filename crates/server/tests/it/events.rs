//! docs/events.md, tried as it is written.

use crate::run::Dev;
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;

/// The guide's blocks of this language.
fn blocks(language: &str) -> Vec<String> {
    let guide = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/events.md");
    let guide = std::fs::read_to_string(guide).expect("the guide");
    let opening = format!("```{language}\n");
    let blocks = guide.split(opening.as_str()).skip(1);
    blocks.map(|rest| rest.split("```").next().unwrap_or_default().to_owned()).collect()
}

/// Runs a command of the guide against this `dev`.
fn run(command: &str, dev: &Dev) -> Value {
    assert!(command.contains("http://127.0.0.1:8025/"), "{command}");
    let command = command.replace("127.0.0.1:8025", &dev.api.address.to_string());
    let output = Command::new("sh").arg("-c").arg(&command).output().expect("a shell");
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn mail(dev: &Dev, to: &str) -> Value {
    let answer = dev.api.get(&format!("/emails/latest?to={to}&wait=5s")).expect("an answer");
    assert_eq!(answer.status, 200, "{to}");
    answer.json
}

#[test]
fn the_first_example_mails_two_and_spares_the_actor() {
    let dev = Dev::start();
    let command = blocks("sh").into_iter().find(|text| text.contains("issue.comment")).expect("an example");
    let answer = run(&command, &dev);
    let shown: Value = serde_json::from_str(&blocks("json")[0]).expect("the answer is JSON");
    let to = |answer: &Value| -> Vec<Value> {
        answer["data"].as_array().expect("mails").iter().map(|mail| mail["to"].clone()).collect()
    };
    assert_eq!((to(&answer), &answer["skipped"]), (to(&shown), &shown["skipped"]), "{answer}");
    assert_eq!(run(&command, &dev), answer, "a repeat sends nothing twice");
    let (tim, jana) = (mail(&dev, "tim@example.com"), mail(&dev, "jana@example.net"));
    assert_eq!(tim["subject"], "Re: [octo/hello] The door does not open (#12)");
    assert_eq!(tim["from"], "Ada Lovelace <postrider@localhost>");
    let text = |mail: &Value| mail["text"].as_str().expect("a text").to_owned();
    assert!(text(&tim).contains("Ada Lovelace mentioned you in issue #12."), "{tim}");
    assert!(text(&jana).contains("Ada Lovelace hat Issue #12 kommentiert."), "{jana}");
    let list = dev.api.get("/emails").expect("an answer").json;
    assert_eq!(list["data"].as_array().map(Vec::len), Some(2));
}

/// The application's own: a template, what is said of it, and the call.
#[test]
fn the_second_example_mails_an_event_of_ones_own() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("invoice")).expect("made");
    std::fs::write(folder.path().join("invoice/paid.html"), &blocks("html")[0]).expect("written");
    std::fs::write(folder.path().join("events.toml"), &blocks("toml")[0]).expect("written");
    let dev = Dev::launch(&["--templates", folder.path().to_str().expect("UTF-8")], &std::env::temp_dir());
    let command = blocks("sh").into_iter().find(|text| text.contains("invoice.paid")).expect("an example");
    let answer = run(&command, &dev);
    assert_eq!(answer["data"][0]["to"], "sales@example.org", "{answer}");
    let mail = mail(&dev, "sales@example.org");
    assert_eq!(
        (&mail["subject"], &mail["from"]),
        (&json!("Invoice 4711 is paid"), &json!("Ada <postrider@localhost>"))
    );
    let raw =
        dev.api.get(&format!("/emails/{}/raw", mail["id"].as_str().expect("an id"))).expect("an answer");
    let raw = String::from_utf8_lossy(&raw.body).replace("\r\n ", " ");
    assert!(raw.contains("\r\nMessage-ID: <invoice/4711/paid@"), "{raw}");
    assert!(raw.contains("\r\nReferences: <invoice/4711@"), "{raw}");
    let command = command.replace("\"number\": 4711, ", "");
    assert_eq!(run(&command, &dev)["errors"][0]["field"], "data.invoice.number");
}

#[test]
fn an_unknown_event_is_answered_with_those_there_are() {
    let dev = Dev::start();
    let answer = dev.api.post("/events/issue.commented", &json!({"recipients": ["a@example.org"]}));
    let answer = answer.expect("an answer");
    assert_eq!(answer.status, 404);
    assert!(answer.json["detail"].as_str().expect("a text").contains("issue.comment, "), "{}", answer.json);
}
