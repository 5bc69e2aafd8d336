//! `dev`, and `send` into it.

use crate::run::{Dev, run};
use serde_json::json;

#[test]
fn a_mail_stands_in_the_inbox_within_a_second() {
    let dev = Dev::start();
    let mail =
        json!({"from": "shop@example.com", "to": "ada@example.org", "subject": "Order", "text": "Thanks"});
    let id = dev.api.send(&mail);
    let latest = dev.api.get("/emails/latest?to=ada@example.org&wait=1s").expect("an answer");
    assert_eq!((latest.status, latest.json["id"].as_str()), (200, Some(id.as_str())));
    let list = dev.api.get("/emails").expect("an answer").json;
    assert_eq!(list["data"][0]["subject"], "Order");
    assert_eq!(list["data"].as_array().map(Vec::len), Some(1));
    assert!(dev.smtp.starts_with("smtp://127.0.0.1:"), "{}", dev.smtp);
}

#[test]
fn no_key_is_needed_and_a_wrong_one_is_refused() {
    let dev = Dev::start();
    let with = |key: &str| testkit::Api { key: key.into(), ..dev.api.clone() };
    assert_eq!(with("pr_wrong").get("/emails").expect("an answer").status, 403);
    assert_eq!(dev.api.get("/emails").expect("an answer").status, 200);
}

#[test]
fn send_goes_through_the_socket_and_waits() {
    let dev = Dev::start();
    let data = dev.data.to_str().expect("UTF-8");
    let file = dev.data.join("note.txt");
    std::fs::write(&file, "attached").expect("written");
    let file = file.to_str().expect("UTF-8");
    let flags = ["send", "--data", data, "--to", "ada@example.org", "bob@example.org", "--subject", "Hello"];
    let more = ["--text", "-", "--attach", file, "--header", "X-One: 1", "--wait"];
    let ended = run(&[&flags[..], &more[..]].concat(), "It works\n");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let mail = dev.api.get(&format!("/emails/{}", ended.out.trim())).expect("an answer").json;
    assert_eq!((mail["status"].as_str(), mail["subject"].as_str()), (Some("sent"), Some("Hello")));
    assert_eq!(mail["recipients"].as_array().map(Vec::len), Some(2));
    let raw = dev.api.get(&format!("/emails/{}/raw", ended.out.trim())).expect("an answer");
    let raw = String::from_utf8(raw.body).expect("7-bit");
    assert!(raw.contains("X-One: 1\r\n") && raw.contains("note.txt") && raw.contains("It works"), "{raw}");
}

#[test]
fn a_folder_of_its_own_goes_at_the_end_and_a_named_one_stays() {
    let temporary = tempfile::tempdir().expect("a folder");
    let count = || std::fs::read_dir(temporary.path()).expect("a folder").count();
    let dev = Dev::launch(&[], temporary.path());
    assert_eq!(count(), 1);
    assert_eq!(dev.stop(), (Some(0), String::new()));
    assert_eq!(count(), 0);
    let named = tempfile::tempdir().expect("a folder");
    let path = named.path().to_str().expect("UTF-8").to_owned();
    let dev = Dev::launch(&["--data", &path], temporary.path());
    let first = dev.api.send(&json!({"to": "a@example.org", "subject": "one", "text": ""}));
    assert_eq!(dev.stop().0, Some(0));
    let dev = Dev::launch(&["--data", &path], temporary.path());
    assert_eq!(dev.api.get(&format!("/emails/{first}")).expect("an answer").json["subject"], "one");
}
