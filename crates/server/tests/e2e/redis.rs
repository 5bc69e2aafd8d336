//! Several daemons over one queue in Redis.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use testkit::{Daemon, Flavour, Redis, Script, Sentinel, Sink, until};

use crate::{PATIENCE, SECTIONS, binary, mail, until_status};

/// Takes a mail and never answers.
const STALLS: &str = "S: 220 hi\nC: EHLO\nS: 250 hi\nC: MAIL\nC: never";

/// `[queue]` of a Redis.
fn queue(place: &str) -> String {
    format!("[queue]\nTYPE = redis\nCONN_STR = {place}\n")
}

/// A database of its own in the Redis that all tests share.
pub(crate) fn fresh() -> String {
    let redis = Redis::shared(Flavour::Redis);
    format!("redis://127.0.0.1:{}/{}", redis.port(), redis.database())
}

pub(crate) fn node(relay: u16, place: &str) -> Daemon {
    let relay = format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {relay}");
    Daemon::start(binary(), &relay, &(queue(place) + SECTIONS))
}

fn stats(daemon: &Daemon) -> Value {
    let output = daemon.verb(&["queue", "stats", "--json"]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice::<Value>(&output.stdout).unwrap()["queue"].clone()
}

fn nodes(daemon: &Daemon) -> usize {
    stats(daemon)["nodes"].as_array().unwrap().len()
}

/// Its exit code, and what it said on stderr and stdout. A daemon that was to refuse its start and does not is killed.
pub(crate) fn ended(verb: &mut Command) -> (Option<i32>, String) {
    let mut child = verb.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let start = std::time::Instant::now();
    until("its end", PATIENCE * 2, || {
        if start.elapsed() > PATIENCE {
            child.kill().unwrap();
        }
        child.try_wait().unwrap()
    });
    let output = child.wait_with_output().unwrap();
    let said = [output.stderr, output.stdout].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// Replaces `[queue]` of a settings file.
fn set_queue(daemon: &Daemon, lines: &str) {
    let text = std::fs::read_to_string(daemon.config()).unwrap();
    let (before, rest) = text.split_once("[queue]\n").unwrap();
    let after = rest.find("\n[").map_or("", |at| &rest[at..]);
    std::fs::write(daemon.config(), format!("{before}[queue]\n{lines}\n{after}")).unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn mail_taken_by_one_node_is_sent_once_by_any() {
    let sink = Sink::tcp(0, true).await.unwrap();
    let place = fresh();
    let (first, second) = (node(sink.port(), &place), node(sink.port(), &place));
    let ids: Vec<String> =
        (0..100).map(|n| first.api.send(&mail(&format!("r{n}@example.org"), "Shared"))).collect();
    for id in &ids {
        let email = until_status(&second, id, &["sent"]);
        assert_eq!(email["possible_duplicate"], false, "{email}");
    }
    assert_eq!(sink.count(), 100);
    let seen = stats(&second);
    let nodes = seen["nodes"].as_array().unwrap();
    let asked: Vec<bool> = nodes.iter().map(|node| node["this"] == true).collect();
    assert!(asked.len() == 2 && asked.contains(&true) && asked.contains(&false), "{seen}");
    assert_eq!((&seen["durable"], &seen["unsettled"]), (&json!(true), &json!(0)), "{seen}");
    let pid = format!("pid {}", first.pid().as_raw_nonzero());
    let human = ended(&mut second.verb(&["queue", "stats"])).1;
    assert!(human.contains(&pid) && human.contains("heard") && human.contains("maxmemory"), "{human}");
    assert!(ended(&mut second.verb(&["top", "--count", "1"])).1.contains(&pid));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_node_had_in_hand_another_sends_and_marks() {
    let stalling = Script::listen(STALLS).await.unwrap();
    let place = fresh();
    let mut first = node(stalling.port(), &place);
    let id = first.api.send(&mail("ada@example.org", "Stuck"));
    until_status(&first, &id, &["sending"]);
    let sink = Sink::tcp(0, true).await.unwrap();
    let second = node(sink.port(), &place);
    assert_eq!(nodes(&second), 2);
    first.kill();
    let email = until_status(&second, &id, &["sent"]);
    assert_eq!(email["possible_duplicate"], true, "{email}");
    assert_eq!((sink.count(), nodes(&second)), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_stops_is_none_at_once_and_its_mail_the_others() {
    let stalling = Script::listen(STALLS).await.unwrap();
    let place = fresh();
    let mut first = node(stalling.port(), &place);
    let id = first.api.send(&mail("ada@example.org", "Stuck"));
    until_status(&first, &id, &["sending"]);
    let sink = Sink::tcp(0, true).await.unwrap();
    let second = node(sink.port(), &place);
    first.terminate();
    until("it to say that it stops", PATIENCE, || first.log().contains("stopping").then_some(()));
    first.terminate();
    assert_eq!(first.wait().code(), Some(0), "{}", first.log());
    assert_eq!(nodes(&second), 1, "nobody waits for a lease of one who has gone");
    let email = second.api.email(&id);
    assert_eq!(
        (&email["status"], &email["possible_duplicate"]),
        (&json!("deferred"), &json!(true)),
        "{email}"
    );
    let (code, said) = ended(&mut second.verb(&["queue", "retry", &id]));
    assert_eq!(code, Some(0), "{said}");
    until_status(&second, &id, &["sent"]);
    assert_eq!(sink.count(), 1);
}

/// What the SMTP door says at the end of a mail, or before.
fn said_over_smtp(daemon: &Daemon) -> String {
    let stream = TcpStream::connect(("127.0.0.1", daemon.smtp_port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut reply = String::new();
    for command in [
        "",
        "EHLO client.example.com\r\n",
        "MAIL FROM:<a@example.com>\r\n",
        "RCPT TO:<ada@example.org>\r\n",
        "DATA\r\n",
        "Subject: x\r\n\r\nHello\r\n.\r\n",
    ] {
        (&stream).write_all(command.as_bytes()).unwrap();
        reply = loop {
            let line = lines.next().unwrap().unwrap();
            if line.as_bytes().get(3) != Some(&b'-') {
                break line;
            }
        };
        if reply.starts_with(['4', '5']) {
            break;
        }
    }
    reply
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_38_while_redis_stands_still_doors_say_so_in_bounded_time_and_recover() {
    let redis = Redis::start(Flavour::Redis);
    let sink = Sink::tcp(0, true).await.unwrap();
    let daemon = node(sink.port(), &format!("redis://127.0.0.1:{}/0", redis.port()));
    let id = daemon.api.send(&mail("ada@example.org", "Before"));
    until_status(&daemon, &id, &["sent"]);
    redis.pause();
    // Each call of the API ends within the 30 seconds of its client, all at once too.
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let api = daemon.api.clone();
            std::thread::spawn(move || api.post("/emails", &mail("bob@example.org", "Meanwhile")).unwrap())
        })
        .collect();
    for call in calls {
        let answer = call.join().unwrap();
        assert_eq!((answer.status, answer.retry_after.is_some()), (503, true), "{}", answer.json);
    }
    assert!(said_over_smtp(&daemon).starts_with("451 "), "{}", daemon.log());
    assert_eq!(daemon.api.get(&format!("/emails/{id}")).unwrap().status, 503);
    let ready = daemon.api.get("/readyz").unwrap();
    assert!(ready.status == 503 && ready.json["reasons"][0].as_str().unwrap().contains("Redis"), "{ready:?}");
    let port = redis.port().to_string();
    assert!(daemon.api.get("/healthz").unwrap().json["reasons"][0].as_str().unwrap().contains(&port));
    redis.resume();
    until("it to be ready again", PATIENCE, || (daemon.api.get("/readyz").ok()?.status == 200).then_some(()));
    let id = daemon.api.send(&mail("ada@example.org", "After"));
    until_status(&daemon, &id, &["sent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_daemon_whose_redis_is_gone_ends_all_the_same_and_its_mail_is_there_afterwards() {
    let mut redis = Redis::start(Flavour::Redis);
    let stalling = Script::listen(STALLS).await.unwrap();
    let mut daemon = node(stalling.port(), &format!("redis://127.0.0.1:{}/0", redis.port()));
    let id = daemon.api.send(&mail("ada@example.org", "Stuck"));
    until_status(&daemon, &id, &["sending"]);
    redis.kill();
    daemon.terminate();
    until("it to say that it stops", PATIENCE, || daemon.log().contains("stopping").then_some(()));
    daemon.terminate();
    assert_eq!(daemon.wait().code(), Some(0), "{}", daemon.log());
    redis.restart();
    daemon.restart();
    let email = daemon.api.email(&id);
    assert!(["sending", "queued", "deferred"].iter().any(|state| email["status"] == *state), "{email}");
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_32_a_redis_that_syncs_once_a_second_is_never_called_durable() {
    let redis = Redis::with(Flavour::Redis, "appendfsync everysec");
    let sink = Sink::refusing("RCPT", "550 5.1.1 nobody").await.unwrap();
    let daemon = node(sink.port(), &format!("redis://127.0.0.1:{}/0", redis.port()));
    let answer = daemon.api.post("/emails", &mail("ada@example.org", "Perhaps")).unwrap();
    assert_eq!((answer.status, &answer.json["durable"]), (202, &json!(false)), "{}", answer.json);
    let ready = daemon.api.get("/readyz").unwrap();
    assert_eq!((ready.status, &ready.json["durable"]), (200, &json!(false)));
    let check = ended(&mut daemon.verb(&["config", "check"]));
    assert_eq!(check.0, Some(0), "{}", check.1);
    let stats = ended(&mut daemon.verb(&["queue", "stats"])).1;
    for said in [ready.json["warnings"].to_string(), check.1, stats, daemon.log()] {
        assert!(said.contains("everysec") && said.contains("appendfsync always"), "{said}");
    }
    let mut sendmail = Command::new(binary());
    sendmail.args(["sendmail", "ada@example.org"]).env("POSTRIDER_CONFIG", daemon.config());
    assert_eq!(ended(sendmail.stdin(Stdio::null())).0, Some(69), "it waits for what becomes of the mail");
}

#[tokio::test(flavor = "multi_thread")]
async fn b2_33_a_redis_that_evicts_is_refused_and_a_full_one_takes_no_mail_for_now() {
    let redis = Redis::with(Flavour::Redis, "maxmemory 30mb\nmaxmemory-policy noeviction");
    let sink = Sink::tcp(0, true).await.unwrap();
    let mut daemon = node(sink.port(), &format!("redis://127.0.0.1:{}/0", redis.port()));
    redis.command(&["SETRANGE", "filler", "40000000", "x"]);
    let answer = daemon.api.post("/emails", &mail("ada@example.org", "Full")).unwrap();
    assert_eq!((answer.status, answer.retry_after.is_some()), (503, true), "{}", answer.json);
    assert!(said_over_smtp(&daemon).starts_with("452 "), "{}", daemon.log());
    redis.command(&["DEL", "filler"]);
    let id = daemon.api.send(&mail("ada@example.org", "Room"));
    until_status(&daemon, &id, &["sent"]);
    daemon.terminate();
    assert!(daemon.wait().success());
    redis.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    for verb in [&["serve"][..], &["config", "check"]] {
        let (code, said) = ended(&mut daemon.verb(verb));
        assert!(
            code == Some(78) && said.contains("allkeys-lru") && said.contains("noeviction"),
            "{code:?} {said}"
        );
    }
    redis.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    daemon.restart();
}

#[tokio::test(flavor = "multi_thread")]
async fn redis_is_reached_by_every_way_that_can_be_written() {
    let redis = Redis::start(Flavour::Redis);
    let sentinel = Sentinel::start(Flavour::Redis, &redis, 1);
    let (tls, socket) = (redis.tls_port(), redis.socket().display().to_string());
    let places = [
        format!("network=tcp,addr=127.0.0.1:{},db=1,pool_size=100", redis.port()),
        format!("redis+socket://{socket}?db=2"),
        format!("rediss://localhost:{tls}/3?cafile={}", redis.certificate().display()),
        format!("rediss://127.0.0.1:{tls}/4?skip_verify=true"),
        format!("redis+sentinel://127.0.0.1:{}/5?master_name={}", sentinel.port(), Sentinel::NAME),
    ];
    let sink = Sink::tcp(0, true).await.unwrap();
    for place in places {
        let daemon = node(sink.port(), &place);
        let id = daemon.api.send(&mail("ada@example.org", "By every way"));
        until_status(&daemon, &id, &["sent"]);
    }
    assert_eq!(sink.count(), 5);
    let unknown = node_that_ends(&format!("rediss://127.0.0.1:{tls}/6"));
    assert!(unknown.0 == Some(69) && unknown.1.contains("certificate"), "{unknown:?}");
}

/// What `serve` says that cannot start.
fn node_that_ends(place: &str) -> (Option<i32>, String) {
    let folder = tempfile::tempdir().unwrap();
    let config = folder.path().join("app.ini");
    let text = format!("[mailer]\nENABLED = true\nFROM = a@example.com\nPROTOCOL = dummy\n{}", queue(place));
    std::fs::write(&config, text).unwrap();
    let mut serve = Command::new(binary());
    serve.arg("serve").arg("--config").arg(&config).env("POSTRIDER__HTTP__LISTEN", "127.0.0.1:0");
    ended(&mut serve)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_type_with_mail_in_redis_stops_the_start_until_it_is_given_up() {
    let redis = Redis::with(Flavour::Redis, "requirepass hunter2");
    let sink = Sink::refusing("RCPT", "450 4.2.1 later").await.unwrap();
    let place = format!("redis://127.0.0.1:{}/0", redis.port());
    let with_password = place.replace("//", "//:hunter2@");
    let mut daemon = node(sink.port(), &with_password);
    let id = daemon.api.send(&mail("ada@example.org", "Waits"));
    until_status(&daemon, &id, &["deferred"]);
    let (code, said) = ended(&mut daemon.verb(&["queue", "give-up"]));
    let pid = format!("pid {}", daemon.pid().as_raw_nonzero());
    assert!(code == Some(69) && said.contains("at work") && said.contains(&pid), "{said}");
    daemon.terminate();
    assert!(daemon.wait().success());
    for (lines, why) in [
        ("TYPE = level".to_owned(), "cannot be asked"),
        (format!("TYPE = channel\nCONN_STR = {with_password}"), "1 mails wait there"),
    ] {
        set_queue(&daemon, &lines);
        let (code, said) = ended(&mut daemon.verb(&["serve"]));
        assert!(code == Some(78) && said.contains(why) && said.contains(&place), "{code:?} {said}");
        assert!(said.contains("postrider queue give-up") && !said.contains("hunter2"), "{said}");
    }
    assert!(ended(&mut daemon.verb(&["queue", "give-up", "--json"])).1.contains("{\"cancelled\":1}"));
    set_queue(&daemon, "TYPE = level");
    daemon.restart();
    let id = daemon.api.send(&mail("ada@example.org", "Waits on disk"));
    until_status(&daemon, &id, &["deferred"]);
    daemon.terminate();
    assert!(daemon.wait().success());
    set_queue(&daemon, &format!("TYPE = redis\nCONN_STR = {with_password}"));
    let (code, said) = ended(&mut daemon.verb(&["serve"]));
    assert!(code == Some(78) && said.contains("keeps mail in Redis, but 1 mails wait on disk"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_in_redis_that_was_empty_at_the_end_is_not_looked_for() {
    let mut redis = Redis::start(Flavour::Redis);
    let sink = Sink::tcp(0, true).await.unwrap();
    let mut daemon = node(sink.port(), &format!("redis://127.0.0.1:{}/0", redis.port()));
    let id = daemon.api.send(&mail("ada@example.org", "Sent"));
    until_status(&daemon, &id, &["sent"]);
    set_queue(&daemon, &format!("TYPE = redis\nCONN_STR = redis://127.0.0.1:{}/1", redis.port()));
    let told = ended(&mut daemon.verb(&["reload"])).1;
    assert!(told.contains("[queue] CONN_STR was changed; it holds from the next start"), "{told}");
    daemon.terminate();
    assert!(daemon.wait().success());
    redis.kill();
    set_queue(&daemon, "TYPE = level");
    daemon.restart();
}
