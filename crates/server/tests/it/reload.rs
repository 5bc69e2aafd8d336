//! `reload` and SIGHUP on a running daemon.

use crate::run::{Ended, binary, run};
use rustix::process::{Signal, kill_process};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::sync::mpsc;
use std::time::Duration;
use testkit::{Daemon, Sink, free_port, until};

const PATIENCE: Duration = Duration::from_secs(30);

struct House {
    runtime: tokio::runtime::Runtime,
    daemon: Daemon,
}

/// A daemon whose relay is on a port where nobody listens, tried again in an hour.
fn house(port: u16) -> House {
    let daemon = Daemon::start(binary(), &relay(port), "[postrider.queue]\nRETRY = 1h");
    House { runtime: tokio::runtime::Runtime::new().expect("a runtime"), daemon }
}

fn relay(port: u16) -> String {
    format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {port}")
}

impl House {
    fn sink(&self) -> Sink {
        self.runtime.block_on(Sink::tcp(0, true)).expect("a port")
    }

    /// Replaces text of the settings file.
    fn edit(&self, from: &str, to: &str) {
        let path = self.daemon.config();
        let text = std::fs::read_to_string(&path).expect("readable");
        assert!(text.contains(from), "{from}: {text}");
        std::fs::write(&path, text.replace(from, to)).expect("written");
    }

    fn reload(&self, words: &[&str]) -> Ended {
        let config = self.daemon.config();
        run(&[&["reload", "--config", config.to_str().expect("UTF-8")], words].concat(), "")
    }

    #[track_caller]
    fn reloaded(&self) -> Value {
        let ended = self.reload(&["--json"]);
        assert_eq!(ended.code, Some(0), "{}", ended.err);
        serde_json::from_str(&ended.out).expect("JSON")
    }

    fn send(&self, subject: &str) -> String {
        self.daemon.api.send(&json!({"to": "ada@example.org", "subject": subject, "text": "x"}))
    }

    fn until(&self, id: &str, states: &[&str]) -> Value {
        until(&format!("{id} to be {states:?}"), PATIENCE, || {
            let mail = self.daemon.api.email(id);
            states.iter().any(|state| mail["status"] == *state).then_some(mail)
        })
    }
}

#[test]
fn waiting_mail_goes_to_the_relay_that_a_reload_names() {
    let dead = free_port();
    let house = house(dead);
    let id = house.send("waiting");
    until("the daemon to meet the closed port", PATIENCE, || {
        house.daemon.log().to_lowercase().contains("refused").then_some(())
    });
    let sink = house.sink();
    house.edit(&format!("SMTP_PORT = {dead}"), &format!("SMTP_PORT = {}", sink.port()));
    let told = house.reload(&[]);
    assert!(told.code == Some(0) && told.out.contains("relays: default"), "{told:?}");
    let mail = house.until(&id, &["sent"]);
    assert_ne!(mail["possible_duplicate"], true, "{mail}");
    assert_eq!(sink.count(), 1);
    house.reloaded();
    let relay = &house.daemon.api.get("/relays").expect("an answer").json["data"][0];
    assert!(relay["sent"] == 1 && relay["last_success"].is_string(), "counted on: {relay}");
}

#[test]
fn mail_of_a_vanished_relay_is_held_until_it_is_back() {
    let house = house(free_port());
    let (first, other) = (house.sink(), house.sink());
    let url = |sink: &Sink| format!("URL = smtp://127.0.0.1:{}\n", sink.port());
    let both = format!("[postrider.relay.a]\n{}[postrider.relay.b]\n{}", url(&first), url(&other));
    let only = format!("[postrider.relay.a]\n{}", url(&first));
    house.edit("[postrider.queue]\n", &format!("{both}[postrider.queue]\n"));
    assert_eq!(house.reloaded()["relays"], json!(["a", "b"]));
    let pinned = |subject: &str| {
        let mail = json!({"to": "ada@example.org", "subject": subject, "text": "x", "relay": "b",
            "scheduled_at": "2099-01-01T00:00:00Z"});
        house.daemon.api.send(&mail)
    };
    let id = pinned("for b");
    house.edit(&both, &only);
    assert_eq!(house.reloaded()["relays"], json!(["a"]));
    let held = house.until(&id, &["held"]);
    assert!(held["held_because"].as_str().is_some_and(|why| why.contains('b')), "{held}");
    let refused =
        house.daemon.api.post("/emails", &json!({"to": "a@example.org", "text": "x", "relay": "b"}));
    assert_eq!(refused.expect("an answer").status, 422);
    house.edit(&only, &both);
    assert_eq!(house.reloaded()["relays"], json!(["a", "b"]));
    house.until(&id, &["scheduled"]);
    let ended = run(&["queue", "retry", &id, "--config", house.daemon.config().to_str().expect("UTF-8")], "");
    assert_eq!(ended.code, Some(0), "{ended:?}");
    house.until(&id, &["sent"]);
    assert_eq!((first.count(), other.count()), (0, 1));
}

/// A relay that takes one mail and answers its end when told to.
fn slow_relay() -> (u16, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let ((has, whole), (go, told)) = (mpsc::channel(), mpsc::channel());
    std::thread::spawn(move || {
        let (stream, _) = listener.accept().expect("a client");
        let (mut to, mut in_mail) = (stream.try_clone().expect("a socket"), false);
        to.write_all(b"220 slow\r\n").expect("it reads");
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            let answer = match line.as_str() {
                "." => {
                    in_mail = false;
                    has.send(()).expect("the test waits");
                    told.recv().expect("the test tells");
                    "250 2.0.0 Ok: slow\r\n"
                }
                _ if in_mail => continue,
                "DATA" => {
                    in_mail = true;
                    "354 go\r\n"
                }
                _ => "250 slow\r\n",
            };
            to.write_all(answer.as_bytes()).expect("it reads");
        }
    });
    (port, whole, go)
}

#[test]
fn mail_in_a_relays_hands_is_finished_there() {
    let (port, whole, go) = slow_relay();
    let house = house(port);
    let first = house.send("in hand");
    whole.recv_timeout(PATIENCE).expect("the mail");
    let sink = house.sink();
    house.edit(&format!("SMTP_PORT = {port}"), &format!("SMTP_PORT = {}", sink.port()));
    house.reloaded();
    let second = house.send("the new way");
    house.until(&second, &["sent"]);
    assert_eq!(house.daemon.api.email(&first)["status"], "sending");
    go.send(()).expect("the relay waits");
    let mail = house.until(&first, &["sent"]);
    assert_ne!(mail["possible_duplicate"], true, "{mail}");
    assert!(mail["attempts"].to_string().contains("Ok: slow"), "{mail}");
    assert_eq!(sink.count(), 1);
}

#[test]
fn reloads_under_load_lose_nothing_and_repeat_nothing() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let sink = runtime.block_on(Sink::tcp(0, true)).expect("a port");
    let daemon = Daemon::start(binary(), &relay(sink.port()), "");
    let house = House { runtime, daemon };
    let mails: Vec<Value> =
        (0..60).map(|n| json!({"to": format!("r{n}@example.org"), "subject": "load", "text": "x"})).collect();
    for _ in 0..5 {
        let taken = house.daemon.api.post("/emails/batch", &json!(mails)).expect("an answer");
        assert_eq!(taken.status, 202);
        house.reloaded();
    }
    until("all mail to be sent", PATIENCE, || {
        let counts = house.daemon.api.get("/queue").expect("an answer").json;
        (counts["by_status"]["sent"] == 300).then_some(())
    });
    assert_eq!(sink.count(), 300);
    let all = house.daemon.api.get("/emails?limit=1000").expect("an answer").json;
    let marked = all["data"].as_array().expect("a list").iter().filter(|m| m["possible_duplicate"] == true);
    assert_eq!(marked.count(), 0);
}

#[test]
fn a_mistake_changes_nothing_and_is_told_with_its_place() {
    let house = house(free_port());
    let sink = house.sink();
    house.edit(
        "RETRY = 1h",
        &format!("RETRY = 1h\n[postrider.relay]\nURL = smtp://127.0.0.1:{}", sink.port()),
    );
    assert_eq!(house.reloaded()["relays"], json!(["default"]));
    house.edit("[postrider.smtp]\n", "[postrider.smtp]\nMAX_SIZE = huge\nTLS_CERT = no.pem\n");
    house.edit(&format!("smtp://127.0.0.1:{}", sink.port()), "smtp://127.0.0.1:1");
    let refused = house.daemon.verb(&["config", "check"]).output().expect("it starts");
    assert_eq!(refused.status.code(), Some(78));
    let data = house.daemon.config().with_file_name("state");
    let refused = run(&["reload", "--data", data.to_str().expect("UTF-8")], "");
    assert_eq!(refused.code, Some(78), "{refused:?}");
    for said in ["old settings go on to hold", "app.ini:", "MAX_SIZE", "TLS_CERT", "no.pem"] {
        assert!(refused.err.contains(said), "{said}: {}", refused.err);
    }
    let id = house.send("the old relay");
    house.until(&id, &["sent"]);
    assert_eq!(sink.count(), 1);
}

#[test]
fn b11_153_a_hangup_reloads_and_a_broken_file_keeps_the_old() {
    let house = house(free_port());
    let sink = house.sink();
    let hangup = || kill_process(house.daemon.pid(), Signal::HUP).expect("our child");
    house.edit("FROM = \"Shop\" <shop@example.com>", "FROM = broken");
    hangup();
    until("the refusal in the log", PATIENCE, || {
        house.daemon.log().contains("the new settings are refused").then_some(())
    });
    house.edit("FROM = broken", "FROM = \"Other\" <other@example.net>");
    house.edit(
        "RETRY = 1h",
        &format!("RETRY = 1h\n[postrider.relay]\nURL = smtp://127.0.0.1:{}", sink.port()),
    );
    hangup();
    until("the reload in the log", PATIENCE, || {
        house.daemon.log().contains("the settings were read anew").then_some(())
    });
    let id = house.send("anew");
    let mail = house.until(&id, &["sent"]);
    assert_eq!(mail["envelope_from"], "other@example.net");
}

#[test]
fn doors_move_open_and_close() {
    let house = house(free_port());
    let (http, smtp) = (house.daemon.api.address, house.daemon.smtp_port);
    let (next_http, next_smtp) = (free_port(), free_port());
    house.edit(&http.port().to_string(), &next_http.to_string());
    house.edit(&format!("LISTEN = 127.0.0.1:{smtp}"), &format!("LISTEN = 127.0.0.1:{next_smtp}"));
    house.reloaded();
    let api = testkit::Api { address: ([127, 0, 0, 1], next_http).into(), ..house.daemon.api.clone() };
    assert_eq!(api.get("/livez").expect("an answer").status, 200);
    assert!(TcpStream::connect(("127.0.0.1", next_smtp)).is_ok());
    until("the old doors to close", PATIENCE, || {
        (TcpStream::connect(http).is_err() && TcpStream::connect(("127.0.0.1", smtp)).is_err()).then_some(())
    });
    house.edit(&format!("LISTEN = 127.0.0.1:{next_smtp}\n"), "");
    house.reloaded();
    until("the SMTP door to close", PATIENCE, || {
        TcpStream::connect(("127.0.0.1", next_smtp)).is_err().then_some(())
    });
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port");
    let taken = taken.local_addr().expect("an address").to_string();
    house.edit("[postrider.smtp]\n", &format!("[postrider.smtp]\nLISTEN = {taken}\n"));
    house.edit(&format!("LISTEN = 127.0.0.1:{next_http}"), &format!("LISTEN = 127.0.0.1:{}", free_port()));
    let refused = house.reload(&[]);
    assert!(refused.code == Some(78) && refused.err.contains(&taken), "{refused:?}");
    assert_eq!(api.get("/livez").expect("an answer").status, 200, "no door moved");
}

#[test]
fn settings_of_a_door_hold_without_its_closing() {
    let house = house(free_port());
    let state = house.daemon.config().with_file_name("state");
    let mode =
        || std::fs::metadata(state.join("submit.sock")).expect("a socket").permissions().mode() & 0o777;
    assert_eq!(mode(), 0o666);
    house.edit("ALLOW_LOCAL = true", "ALLOW_LOCAL = false\nMAX_SIZE = 1M");
    house.reloaded();
    assert_eq!(mode(), 0o600);
    let said = |line: &str| {
        let mut stream = TcpStream::connect(("127.0.0.1", house.daemon.smtp_port)).expect("the door");
        write!(stream, "EHLO me.example\r\n{line}\r\nQUIT\r\n").expect("sent");
        BufReader::new(stream).lines().map(|l| l.expect("text")).collect::<Vec<_>>().join("\n")
    };
    let session = said("MAIL FROM:<a@example.com>");
    assert!(session.contains("SIZE 1048576") && session.contains("\n530 "), "{session}");
    let large = json!({"to": "a@example.org", "subject": "x", "text": "x".repeat(2_000_000)});
    assert_eq!(house.daemon.api.post("/emails", &large).expect("an answer").status, 413);
}

#[test]
fn what_holds_only_from_the_next_start_is_named() {
    let house = house(free_port());
    house.edit("[postrider]\n", "[postrider]\nMEMORY = 64M\n");
    house.edit("RETRY = 1h", "RETRY = 1h\nKEEP_HISTORY = 1d\n[queue]\nTYPE = channel");
    let named = ["[postrider] MEMORY", "[queue] TYPE", "[postrider.queue] KEEP_HISTORY"];
    assert_eq!(house.reloaded()["needs_restart"], json!(named));
    assert_eq!(house.reloaded()["needs_restart"], json!(named), "still");
    let id = house.send("on disk");
    assert_ne!(house.daemon.api.email(&id)["durable"], false);
    let told = house.reload(&[]);
    assert!(told.code == Some(0) && told.err.contains("[queue] TYPE was changed"), "{told:?}");
}

#[test]
fn a_run_without_settings_says_so() {
    let dev = crate::run::Dev::start();
    let told = run(&["reload", "--data", dev.data.to_str().expect("UTF-8")], "");
    assert!(told.code != Some(0) && told.err.contains("dev has no settings"), "{told:?}");
}
