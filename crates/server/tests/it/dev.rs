//! `dev`, and `send` into it.

use crate::run::{Dev, binary, run};
use serde_json::json;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, UdpSocket};
use std::process::{Command, Stdio};

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
fn dev_off_loopback_warns_and_is_closed_to_others() {
    let data = tempfile::tempdir().expect("a folder");
    let mut child = Command::new(binary())
        .args(["dev", "--json", "--http", "0.0.0.0:0", "--smtp", "127.0.0.1:0", "--data"])
        .arg(data.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("dev starts");
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().expect("piped")).read_line(&mut line).expect("a line");
    let ready: serde_json::Value = serde_json::from_str(&line).expect("JSON");
    let port: SocketAddr = ready["api"].as_str().expect("a URL")[7..].parse().expect("an address");
    // The machine's own address elsewhere, if it has one: a client that uses it is no near one. Nothing is sent.
    let socket = UdpSocket::bind("0.0.0.0:0").expect("a socket");
    let own = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr()).ok().map(|a| a.ip());
    let far = own.filter(|ip| !ip.is_loopback() && !ip.is_unspecified());
    let status = |ip: IpAddr| {
        let address = SocketAddr::new(ip, port.port());
        let mut stream = TcpStream::connect(address).expect("the door");
        write!(stream, "GET /emails HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n").expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("an answer");
        answer[9..12].to_owned()
    };
    let (near, far) = (status([127, 0, 0, 1].into()), far.map(status));
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("our child");
    let mut warned = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut warned).expect("UTF-8");
    child.wait().expect("it ends");
    assert_eq!((near.as_str(), far.as_deref().unwrap_or("401")), ("200", "401"));
    assert!(warned.contains("--http 0.0.0.0:") && warned.contains("need the key"), "{warned}");
    assert!(!warned.contains("--smtp"), "{warned}");
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
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    for said in ["ada@example.org: sent", "bob@example.org: sent"] {
        assert!(ended.err.contains(said), "{}", ended.err);
    }
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

#[test]
fn a_run_removes_what_a_killed_one_left() {
    let temporary = tempfile::tempdir().expect("a folder");
    let left = temporary.path().join(format!("postrider-dev-{}", "0".repeat(32)));
    std::fs::create_dir_all(left.join("log")).expect("made");
    let long_ago = std::time::SystemTime::UNIX_EPOCH;
    std::fs::File::open(&left).expect("a folder").set_modified(long_ago).expect("ours");
    let dev = Dev::launch(&[], temporary.path());
    assert!(!left.exists());
    assert_eq!(dev.stop().0, Some(0));
}

#[test]
fn a_relay_is_warned_of_a_sender_it_cannot_answer() {
    let data = tempfile::tempdir().expect("a folder");
    // A lock that cannot be taken ends the run behind its warnings.
    std::fs::create_dir(data.path().join("lock")).expect("made");
    let relay = ["dev", "--http", "0", "--smtp", ":0", "--relay", "smtp://127.0.0.1:9"];
    let folder = ["--data", data.path().to_str().expect("UTF-8")];
    let ended = run(&[&relay[..], &folder[..]].concat(), "");
    assert!(
        ended.err.contains("postrider@localhost") && ended.err.contains("[mailer] FROM"),
        "{}",
        ended.err
    );
    assert_ne!(ended.code, Some(0));
}
