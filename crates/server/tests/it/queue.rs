//! `queue` on a running daemon, over its control socket.

use crate::run::{Ended, binary, run, settings};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;
use testkit::{Daemon, Sink, until};

const PATIENCE: Duration = Duration::from_secs(30);

/// A daemon whose relay answers RCPT for ever with this.
struct House {
    _runtime: tokio::runtime::Runtime,
    _sink: Sink,
    daemon: Daemon,
    config: String,
}

fn house(reply: &str) -> House {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let sink = runtime.block_on(Sink::refusing("RCPT", reply)).expect("a port");
    let mailer = format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {}", sink.port());
    let daemon = Daemon::start(binary(), &mailer, "[postrider.queue]\nRETRY = 1h");
    let config = daemon.config().to_str().expect("UTF-8").to_owned();
    House { _runtime: runtime, _sink: sink, daemon, config }
}

impl House {
    /// Sends a mail and waits until it shows this status.
    fn send(&self, to: &str, status: &str) -> String {
        let id = self.daemon.api.send(&json!({"to": to, "subject": format!("for {to}"), "text": "x"}));
        self.until(&id, status);
        id
    }

    fn until(&self, id: &str, status: &str) {
        until(&format!("{id} to be {status}"), PATIENCE, || {
            (self.daemon.api.email(id)["status"] == status).then_some(())
        });
    }

    fn queue(&self, words: &[&str]) -> Ended {
        run(&[&["queue"], words, &["--config", &self.config]].concat(), "")
    }

    /// With `--json`, which must succeed: the objects of the lines.
    #[track_caller]
    fn json(&self, words: &[&str]) -> Vec<Value> {
        let ended = self.queue(&[words, &["--json"]].concat());
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""), "{words:?}");
        ended.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
    }
}

#[test]
fn failed_mail_is_listed_shown_and_purged() {
    let house = house("550 5.1.1 no \u{1b}[31msuch user");
    let first = house.send("ada@example.org", "failed");
    let second = house.send("bob@example.org", "failed");
    assert!(house.json(&["list"]).is_empty(), "failed mail does not wait");
    let failed = house.json(&["list", "--where", "status=failed code=5.1.1 to=ADA since=1h"]);
    assert_eq!((failed.len(), &failed[0]["id"]), (1, &json!(first)));
    assert_eq!(failed[0]["recipients"], json!(["ada@example.org"]));
    assert!(failed[0]["last_reply"].as_str().expect("a reply").contains("550 5.1.1"), "{}", failed[0]);
    let seen = house.queue(&["list", "--where", "status=failed", "--limit", "1"]);
    assert!(seen.out.contains(&second) && seen.out.contains("for bob@example.org"), "{}", seen.out);
    assert!(!seen.out.contains(&first) && seen.out.contains("raise --limit"), "{}", seen.out);
    let shown = house.queue(&["show", &first]);
    for said in [first.as_str(), "ada@example.org: failed: 550", "attempt", "RCPT TO:<ada@example.org>"] {
        assert!(shown.out.contains(said), "{said}: {}", shown.out);
    }
    assert!(!format!("{}{}", shown.out, seen.out).contains('\u{1b}'), "a terminal must not obey the relay");
    assert_eq!(house.json(&["show", &first])[0]["status"], "failed");
    let stats = house.json(&["stats"]).remove(0);
    assert_eq!(
        (&stats["queue"]["by_status"]["failed"], &stats["relays"][0]["name"]),
        (&json!(2), &json!("default"))
    );
    assert!(house.queue(&["stats"]).out.contains("failed"));
    let dry = house.queue(&["purge", "--dry-run"]);
    assert!(dry.out.contains("2 mails would be purged") && dry.out.contains(&first), "{}", dry.out);
    assert_eq!(house.queue(&["purge", "--where", "to=bob"]).out, "1 mail purged\n");
    assert_eq!(house.queue(&["purge"]).out, "1 mail purged\n");
    assert_eq!(house.queue(&["purge"]).out, "no mail matches\n");
    assert_eq!(house.queue(&["show", &first]).code, Some(64));
}

#[test]
fn waiting_mail_is_held_released_flushed_and_cancelled() {
    let house = house("450 4.2.1 later");
    let id = house.send("ada@example.org", "deferred");
    let other = house.send("bob@example.org", "deferred");
    assert_eq!(house.json(&["list"]).len(), 2);
    assert_eq!(house.queue(&["purge"]).out, "no mail matches\n", "waiting mail is never purged");
    assert_eq!(house.queue(&["hold", &id]).out, "1 mail held\n");
    house.until(&id, "held");
    let tried = |id: &str| house.daemon.api.email(id)["attempts"].as_array().map_or(0, Vec::len);
    let (held, waiting) = (tried(&id), tried(&other));
    assert_eq!(house.json(&["flush"])[0]["changed"], 1);
    until("a second attempt", PATIENCE, || (tried(&other) > waiting).then_some(()));
    assert_eq!(tried(&id), held, "held mail is not tried");
    assert_eq!(house.queue(&["release", "--where", "status=held"]).out, "1 mail released\n");
    house.until(&other, "deferred");
    let before = tried(&other);
    assert_eq!(house.json(&["retry", &other])[0]["data"][0]["problem"], Value::Null);
    // What is in the relay's hands cannot be cancelled.
    until("the attempt asked for", PATIENCE, || (tried(&other) > before).then_some(()));
    house.until(&other, "deferred");
    let cancelled = house.queue(&["cancel", &id, &other]);
    assert_eq!(cancelled.code, Some(0), "{cancelled:?}");
    house.until(&id, "cancelled");
    let late = house.queue(&["hold", &id]);
    assert!(late.code == Some(69) && late.err.contains(&id) && late.err.contains("cancelled"), "{late:?}");
}

#[test]
fn a_pause_outlives_a_restart_and_a_drain_ends_with_the_last_mail() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let sink = runtime.block_on(Sink::tcp(0, true)).expect("a port");
    let mailer = format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {}", sink.port());
    let daemon = Daemon::start(binary(), &mailer, "");
    let config = daemon.config().to_str().expect("UTF-8").to_owned();
    let mut house = House { _runtime: runtime, _sink: sink, daemon, config };
    let relay =
        |house: &House, words: &[&str]| run(&[&["relay"], words, &["--config", &house.config]].concat(), "");
    let paused = house.queue(&["pause", "--why", "the relay moves"]);
    assert!(
        paused.code == Some(0) && paused.out.contains("no mail is delivered: the relay moves"),
        "{paused:?}"
    );
    assert_eq!(relay(&house, &["pause", "default", "--why", "twice"]).code, Some(0));
    let id = house.daemon.api.send(&json!({"to": "ada@example.org", "subject": "x", "text": "x"}));
    house.daemon.kill();
    house.daemon.restart();
    let listed = relay(&house, &["list"]).out;
    assert!(listed.contains("paused: the relay moves"), "{listed}");
    assert_eq!(house.queue(&["resume"]).code, Some(0));
    let listed = relay(&house, &["list", "--json"]).out;
    let listed: Value = serde_json::from_str(&listed).expect("JSON");
    assert_eq!((&listed["state"], &listed["paused"]), (&json!("paused"), &json!("twice")));
    assert_eq!(house.daemon.api.email(&id)["status"], "queued");
    let resumed = relay(&house, &["resume", "default"]);
    assert!(
        resumed.code == Some(0) && resumed.out.contains("default") && resumed.out.contains("ok"),
        "{resumed:?}"
    );
    house.until(&id, "sent");
    let unknown = relay(&house, &["pause", "nowhere"]);
    assert!(unknown.code == Some(64) && unknown.err.contains("no such relay"), "{unknown:?}");
    let last = house.daemon.api.send(&json!({"to": "ada@example.org", "subject": "last", "text": "x"}));
    let drained = house.queue(&["drain", "--wait"]);
    assert!(drained.code == Some(0) && drained.out.contains("no mail is accepted"), "{drained:?}");
    assert_eq!(house.daemon.api.email(&last)["status"], "sent");
    let late = run(&["send", "--config", &house.config, "--to", "a@example.org", "--text", "-"], "x");
    assert_eq!(late.code, Some(75), "{late:?}");
    assert_eq!(house.queue(&["resume"]).code, Some(0));
    house.send("ada@example.org", "sent");
}

#[test]
fn one_relay_is_tested_by_its_name() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let sink = runtime.block_on(Sink::tcp(0, true)).expect("a port");
    let text = format!(
        "[mailer]\nFROM = a@example.com\n[postrider.relay.good]\nURL = smtp://127.0.0.1:{}\n\
         [postrider.relay.dead]\nURL = smtp://127.0.0.1:{}\n",
        sink.port(),
        testkit::free_port()
    );
    let (_folder, path) = settings("app.ini", &text);
    let test = |name: &str| run(&["relay", "test", name, "--config", &path, "--json"], "");
    let good = test("good");
    let told: Value = serde_json::from_str(&good.out).expect("JSON");
    assert!(good.code == Some(0) && told["ok"] == true, "{good:?}");
    assert_eq!(told["relays"].as_array().map(Vec::len), Some(1));
    assert_eq!(test("dead").code, Some(69));
    let unknown = test("other");
    assert!(unknown.code == Some(64) && unknown.err.contains("dead, good"), "{unknown:?}");
    assert_eq!(sink.count(), 0);
}

#[test]
fn top_looks_again_and_again() {
    let house = house("550 5.1.1 no such user");
    house.send("ada@example.org", "failed");
    let top =
        |words: &[&str]| run(&[&["top", "--config", &house.config, "--every", "100ms"], words].concat(), "");
    let looks = top(&["--count", "2"]);
    assert!(looks.code == Some(0) && !looks.out.contains('\u{1b}'), "{looks:?}");
    assert_eq!(looks.out.matches("failed     1").count(), 2, "{}", looks.out);
    assert!(looks.out.contains("/s accepted") && looks.out.contains("default"), "{}", looks.out);
    let looks = top(&["--count", "2", "--json"]).out;
    let last: Value = serde_json::from_str(looks.lines().last().expect("two")).expect("JSON");
    assert_eq!(
        (&last["queue"]["unsettled"], &last["rates"]["accepted_per_second"]),
        (&json!(0), &json!(0.0))
    );
    let refused = run(&["top", "--every", "1ms"], "");
    assert!(refused.code == Some(64) && refused.err.contains("100ms"), "{refused:?}");
}

#[test]
fn mistakes_are_told_with_their_remedy() {
    let house = house("450 4.2.1 later");
    let refused = |words: &[&str], code: i32, said: &str| {
        let ended = house.queue(words);
        assert!(ended.code == Some(code) && ended.err.contains(said), "{words:?}: {ended:?}");
    };
    refused(&["hold"], 64, "--where");
    refused(&["hold", "x"], 64, "must be an email's id");
    refused(&["hold", "x", "--where", "to=a"], 64, "--where");
    refused(&["cancel", "--where", "colour=red"], 64, "colour is not a known key");
    refused(&["list", "--where", "status=late"], 64, "status=late");
    refused(&["list", "--limit", "0"], 64, "--limit");
    refused(&["show", "../keys"], 64, "no such email");
}

#[test]
fn without_a_daemon_the_remedy_is_told() {
    let (folder, path) = settings("postrider.toml", "[postrider.relay]\nURL = \"dummy://\"\n");
    let data = folder.path().to_str().expect("UTF-8");
    for place in [["--config", &path], ["--data", data]] {
        for verb in
            [&["list"][..], &["stats"], &["show", "x"], &["flush"], &["purge"], &["hold", "x"], &["drain"]]
        {
            let ended = run(&[&["queue"], verb, &place].concat(), "");
            assert_eq!(ended.code, Some(69), "{verb:?}: {}", ended.err);
            for said in ["no daemon answers", "control.sock", "postrider serve", "--data"] {
                assert!(ended.err.contains(said), "{verb:?}: {}", ended.err);
            }
        }
    }
    assert!(!Path::new(&format!("{data}/control.sock")).exists());
}

#[test]
fn a_changed_type_with_mail_on_disk_stops_the_start_until_it_is_given_up() {
    let mut house = house("450 4.2.1 later");
    let (first, second) =
        (house.send("ada@example.org", "deferred"), house.send("bob@example.org", "deferred"));
    let ended = house.queue(&["give-up"]);
    assert!(ended.code == Some(69) && ended.err.contains("belongs to a running process"), "{ended:?}");
    house.daemon.terminate();
    assert!(house.daemon.wait().success());
    let text = std::fs::read_to_string(&house.config).expect("readable");
    std::fs::write(&house.config, text.clone() + "\n[queue]\nTYPE = channel\n").expect("written");
    let serve = run(&["serve", "--config", &house.config], "");
    assert_eq!(serve.code, Some(78), "{serve:?}");
    for said in ["[queue] TYPE is one", "2 mails wait on disk", "TYPE = level", "postrider queue give-up"] {
        assert!(serve.err.contains(said), "{said}: {}", serve.err);
    }
    assert_eq!(house.json(&["give-up"]), [json!({"cancelled": 2})]);
    house.daemon.restart();
    house.daemon.terminate();
    assert!(house.daemon.wait().success());
    std::fs::write(&house.config, text).expect("written");
    house.daemon.restart();
    for id in [first, second] {
        assert_eq!(house.daemon.api.email(&id)["status"], "cancelled", "given up is not forgotten");
    }
}
