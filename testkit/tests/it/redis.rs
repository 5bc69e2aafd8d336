//! The real Redis and Valkey: what their doors, kills and pauses are said to do.

use std::io::BufRead;
use std::process::{Command, Stdio};
use std::time::Duration;

use testkit::{Flavour, Redis, RedisConnection, Reply, Sentinel, until};

const PATIENCE: Duration = Duration::from_secs(30);
/// Set in a run of this program that only starts the shared server, tells of it and waits to be killed.
const ALONE: &str = "POSTRIDER_TESTKIT_ALONE";

const CLIENT: &str = r#"
import socket, ssl, sys
tls, ca, path = int(sys.argv[1]), sys.argv[2], sys.argv[3]
unix = socket.socket(socket.AF_UNIX)
unix.connect(path)
plain = socket.create_connection(("127.0.0.1", tls))
secure = ssl.create_default_context(cafile=ca).wrap_socket(plain, server_hostname="localhost")
for s in unix, secure:
    s.sendall(b"INCR doors\r\n")
    print(s.recv(100).decode().strip())
"#;

#[test]
fn each_door_leads_to_the_same_data() {
    for flavour in Flavour::ALL {
        let redis = Redis::start(flavour);
        assert_eq!(redis.command(&["INCR", "doors"]), Reply::Integer(1), "{flavour:?}");
        let mut client = Command::new("python3");
        client.args(["-c", CLIENT, &redis.tls_port().to_string()]);
        let output = client.arg(redis.certificate()).arg(redis.socket()).output().expect("python3");
        let text = String::from_utf8_lossy(&output.stdout);
        assert_eq!(text, ":2\n:3\n", "{flavour:?}: {}", String::from_utf8_lossy(&output.stderr));
        let name = if flavour == Flavour::Valkey { "valkey" } else { "" };
        assert_eq!(redis.info("server_name"), name, "{flavour:?} is what it is called");
    }
}

#[test]
fn a_kill_keeps_what_was_answered_if_the_log_is_on() {
    for (flavour, lines, kept) in [
        (Flavour::Redis, "", "x"),
        (Flavour::Redis, "appendonly no", ""),
        (Flavour::Valkey, "appendfsync everysec", "x"),
    ] {
        let mut redis = Redis::with(flavour, lines);
        let port = redis.port();
        assert_eq!(redis.command(&["SET", "key", "x"]).text(), "OK");
        let pid = redis.pid();
        redis.kill();
        assert!(redis.try_command(&["PING"]).is_err(), "{lines}: it is gone");
        redis.restart();
        assert_ne!(redis.pid(), pid);
        assert_eq!((redis.port(), redis.command(&["GET", "key"]).text().as_str()), (port, kept), "{lines}");
    }
}

#[test]
fn a_password_is_asked_for_and_given() {
    let redis = Redis::with(Flavour::Redis, "requirepass a%secret");
    let mut stranger = RedisConnection::open(redis.port()).unwrap();
    assert!(stranger.command(&["GET", "x"]).unwrap().text().starts_with("NOAUTH"));
    assert_eq!(redis.command(&["GET", "x"]), Reply::Nil);
    assert_eq!(redis.replica().info("role"), "slave");
}

#[test]
fn a_full_server_refuses_writes() {
    let redis = Redis::with(Flavour::Valkey, "maxmemory 1\nmaxmemory-policy noeviction");
    assert!(redis.command(&["SET", "x", "y"]).text().starts_with("OOM"));
}

#[test]
fn a_paused_server_takes_commands_and_answers_later() {
    let redis = Redis::start(Flavour::Redis);
    let mut connection = redis.connect().unwrap();
    redis.pause();
    connection.send(&["INCR", "x"]).unwrap();
    let state = std::fs::read_to_string(format!("/proc/{}/stat", redis.pid().as_raw_nonzero())).unwrap();
    assert!(state.contains(") T "), "{state}");
    redis.resume();
    assert_eq!(connection.reply().unwrap(), Reply::Integer(1));
}

#[test]
fn the_shared_server_gives_each_a_database() {
    let redis = Redis::shared(Flavour::Redis);
    assert_eq!(redis.port(), Redis::shared(Flavour::Redis).port());
    assert_ne!(redis.port(), Redis::shared(Flavour::Valkey).port());
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (number, mut connection) = (redis.database().to_string(), redis.connect().unwrap());
        assert_eq!(connection.command(&["SELECT", &number]).unwrap().text(), "OK");
        assert_eq!(connection.command(&["INCR", "x"]).unwrap(), Reply::Integer(1));
        seen.push(number);
    }
    seen.dedup();
    assert_eq!(seen.len(), 3);
}

#[test]
fn no_server_outlives_a_killed_test() {
    if std::env::var_os(ALONE).is_some() {
        let redis = Redis::shared(Flavour::Valkey);
        eprintln!("{ALONE} {} {}", redis.pid().as_raw_nonzero(), redis.folder().display());
        std::io::stdin().lock().lines().for_each(drop);
        panic!("not killed");
    }
    let mut alone = Command::new(std::env::current_exe().unwrap());
    alone.args(["--exact", "redis::no_server_outlives_a_killed_test", "--nocapture"]).env(ALONE, "1");
    let mut alone = alone.stdin(Stdio::piped()).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let lines = std::io::BufReader::new(alone.stderr.take().unwrap()).lines();
    let told = lines.map(Result::unwrap).find_map(|line| Some(line.strip_prefix(ALONE)?.trim().to_owned()));
    let told = told.expect("a line about the server");
    let (pid, folder) = told.split_once(' ').unwrap();
    // one that nobody has waited for is at its end too
    let running =
        || std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z "));
    let stored = || std::fs::exists(folder).unwrap();
    assert!(running() && stored(), "{told}");
    alone.kill().unwrap();
    alone.wait().unwrap();
    until("the server's end", PATIENCE, || (!running() && !stored()).then_some(()));
}

#[test]
fn a_sentinel_makes_the_replica_primary() {
    for (flavour, sentinels) in [(Flavour::Redis, 1), (Flavour::Valkey, 3)] {
        let mut primary = Redis::start(flavour);
        let replica = primary.replica();
        // it waits for what this connection wrote
        let mut connection = primary.connect().unwrap();
        assert_eq!(connection.command(&["SET", "x", "y"]).unwrap().text(), "OK");
        assert_eq!(connection.command(&["WAIT", "1", "0"]).unwrap(), Reply::Integer(1));
        let quorum = if sentinels > 1 { 2 } else { 1 };
        let all: Vec<_> = (0..sentinels).map(|_| Sentinel::start(flavour, &primary, quorum)).collect();
        all.iter().for_each(|sentinel| sentinel.knows_others(sentinels - 1));
        assert_eq!(all[0].primary(), primary.port());
        primary.kill();
        all.iter().for_each(|sentinel| sentinel.failed_over_to(&replica));
        assert_eq!(replica.command(&["GET", "x"]).text(), "y");
    }
}
