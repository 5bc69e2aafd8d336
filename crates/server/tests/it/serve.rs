//! `serve`, `key` and `config`, by their command lines.

use crate::run::{binary, run, settings};
use serde_json::{Value, json};
use testkit::{Daemon, Sink};

const DUMMY: &str = "PROTOCOL = dummy";

#[test]
fn calls_need_a_key_and_a_revoked_one_ends_at_once() {
    let mut daemon = Daemon::start(binary(), DUMMY, "");
    let without = testkit::Api { key: "pr_wrong".into(), ..daemon.api.clone() };
    assert_eq!(without.get("/emails").expect("an answer").status, 403);
    let id = daemon.api.send(&json!({"to": "a@example.org", "subject": "x", "text": "y"}));
    let latest = daemon.api.get("/emails/latest?to=a@example.org&wait=5s").expect("an answer");
    assert_eq!(latest.json["id"].as_str(), Some(id.as_str()));
    let config = daemon.config();
    let config = config.to_str().expect("UTF-8");
    let revoked = run(&["key", "revoke", &daemon.user, "--config", config], "");
    assert_eq!(revoked.code, Some(0), "{}", revoked.err);
    assert_eq!(daemon.api.get("/emails").expect("an answer").status, 403);
    daemon.terminate();
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn send_finds_the_daemon_by_its_settings_and_does_without_one() {
    let mut daemon = Daemon::start(binary(), DUMMY, "");
    let config = daemon.config();
    let config = config.to_str().expect("UTF-8");
    let flags = ["send", "--config", config, "--to", "a@example.org", "--text", "-", "--json"];
    let ended = run(&flags, "x");
    assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    let id =
        serde_json::from_str::<Value>(&ended.out).expect("JSON")["id"].as_str().expect("an id").to_owned();
    assert_eq!(daemon.api.get(&format!("/emails/{id}")).expect("an answer").status, 200);
    daemon.terminate();
    assert_eq!(daemon.wait().code(), Some(0));
    let ended = run(&flags, "x");
    assert!(ended.code == Some(0) && ended.err.contains("was not queued"), "{}", ended.err);
    let told: Value = serde_json::from_str(&ended.out).expect("JSON");
    assert_eq!((&told["status"], &told["queued"]), (&json!("sent"), &json!(false)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_queue_that_is_none_answers_after_the_first_try() {
    for (refusal, expected) in
        [("250 2.0.0 Ok", "sent"), ("550 5.7.1 no", "failed"), ("450 4.2.1 later", "deferred")]
    {
        let sink = Sink::refusing(".", refusal).await.expect("a port");
        let relay = format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {}", sink.port());
        let daemon = Daemon::start(binary(), &relay, "[queue]\nTYPE = immediate");
        let id = daemon.api.send(&json!({"to": "a@example.org", "subject": "x", "text": "y"}));
        assert_eq!(daemon.api.email(&id)["status"], expected);
    }
}

#[test]
fn keys_are_made_listed_and_revoked() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().to_str().expect("UTF-8");
    let key = |flags: &[&str]| run(&[&["key"], flags, &["--data", data, "--json"]].concat(), "");
    let made = key(&["create", "--name", "shop", "--scope", "send,read", "--from", "example.com"]);
    let made: Value = serde_json::from_str(&made.out).expect("JSON");
    assert!(made["key"].as_str().is_some_and(|k| k.starts_with("pr_")), "{made}");
    let again = key(&["create", "--name", "shop"]);
    assert!(again.code == Some(64) && again.err.contains("shop"), "{again:?}");
    assert_eq!(key(&["create", "--name", "UPPER"]).code, Some(64));
    assert_eq!(key(&["create", "--name", "x", "--scope", "fly"]).code, Some(64));
    let listed = key(&["list"]);
    let listed: Value = serde_json::from_str(listed.out.trim()).expect("one line");
    assert_eq!(
        (&listed["id"], &listed["scopes"], &listed["from"]),
        (&made["id"], &json!(["send", "read"]), &json!(["example.com"]))
    );
    assert!(!listed.to_string().contains(made["key"].as_str().expect("a key")));
    assert_eq!(key(&["revoke", "shop"]).code, Some(0));
    for gone in ["nobody", "shop"] {
        let refused = key(&["revoke", gone]);
        assert!(refused.code == Some(64) && refused.err.contains(&format!("{gone:?}")), "{refused:?}");
    }
}

#[test]
fn config_show_tells_origins_and_no_secret() {
    let (_folder, path) = settings(
        "app.ini",
        "[mailer]\nENABLED = true\nFROM = a@b.example\nSMTP_ADDR = m.example\nSMTP_PORT = 465\nUSER = u\nPASSWD = hunter2\n",
    );
    let shown = run(&["config", "show", "--config", &path, "--json"], "");
    assert_eq!((shown.code, shown.out.contains("hunter2")), (Some(0), false), "{shown:?}");
    let shown: Value = serde_json::from_str(&shown.out).expect("JSON");
    let all = shown["settings"].as_array().expect("a list");
    let origin = |key: &str| all.iter().find(|s| s["key"] == key).expect(key)["origin"].clone();
    assert_eq!(origin("SMTP_ADDR"), format!("{path}:4"));
    assert_eq!(origin("EXPIRE"), "default");
    assert_eq!(run(&["config", "check", "--config", &path], "").code, Some(0));
}

#[test]
fn every_verb_has_examples() {
    for verb in [
        "dev",
        "serve",
        "send",
        "sendmail",
        "compose",
        "queue",
        "top",
        "relay",
        "reload",
        "key",
        "config",
        "completions",
        "man",
    ] {
        let help = run(&[verb, "--help"], "");
        assert_eq!(help.code, Some(0), "{verb}");
        assert!(
            help.out.contains("Examples:") && help.out.contains(&format!("postrider {verb}")),
            "{}",
            help.out
        );
    }
}

/// A daemon whose relay is a sink, on a runtime of the test's own.
fn with_sink(
    sink: impl Future<Output = std::io::Result<testkit::Sink>>,
) -> (tokio::runtime::Runtime, testkit::Sink, Daemon) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let sink = runtime.block_on(sink).expect("a port");
    let port = sink.port();
    let daemon =
        Daemon::start(binary(), &format!("PROTOCOL = smtp\nSMTP_ADDR = 127.0.0.1\nSMTP_PORT = {port}"), "");
    (runtime, sink, daemon)
}

#[test]
fn mail_reaches_the_relay_of_an_app_ini() {
    let (_runtime, sink, daemon) = with_sink(testkit::Sink::tcp(0, true));
    let config = daemon.config();
    let config = config.to_str().expect("UTF-8");
    let sent =
        run(&["send", "--config", config, "--to", "a@example.org", "--text", "-", "--wait"], "It works");
    assert!(sent.code == Some(0) && sent.err.starts_with("a@example.org: sent: 250 "), "{sent:?}");
    let mails = sink.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(
        (mails[0].from.as_str(), mails[0].to.join(",").as_str()),
        ("shop@example.com", "a@example.org")
    );
    let text = String::from_utf8(mails[0].bytes.clone()).expect("7-bit");
    assert!(text.contains("It works") && text.contains("From: Shop <shop@example.com>"), "{text}");
}

#[test]
fn a_mail_refused_for_good_fails_and_says_so() {
    let (_runtime, _sink, daemon) = with_sink(testkit::Sink::refusing("RCPT", "550 5.1.1 no such user"));
    let config = daemon.config();
    let config = config.to_str().expect("UTF-8");
    let sent = run(&["send", "--config", config, "--to", "a@example.org", "--text", "-", "--wait"], "x");
    let words = "a@example.org: failed: 550 5.1.1 no such user";
    assert!(sent.code == Some(69) && sent.err.contains("is failed") && sent.err.contains(words), "{sent:?}");
    let mail = daemon.api.get(&format!("/emails/{}", sent.out.trim())).expect("an answer").json;
    assert!(mail["attempts"].to_string().contains("no such user"), "{mail}");
}

#[test]
fn without_a_daemon_send_talks_to_the_relay_itself() {
    let (_runtime, sink, mut daemon) = with_sink(testkit::Sink::tcp(0, true));
    daemon.terminate();
    assert_eq!(daemon.wait().code(), Some(0));
    let config = daemon.config();
    let config = config.to_str().expect("UTF-8");
    let flags = ["send", "--config", config, "--to", "a@example.org", "--text", "-"];
    let sent = run(&flags, "x");
    let relay = format!("handed to smtp://127.0.0.1:{}", sink.port());
    assert!(sent.code == Some(0) && sent.err.contains(&relay), "{sent:?}");
    assert_eq!(sink.mails().len(), 1);
    drop(sink);
    let sent = run(&flags, "x");
    assert!(sent.code == Some(75) && sent.err.contains("a@example.org"), "{sent:?}");
}

#[test]
fn without_a_daemon_send_tries_the_relays_by_priority() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let sink = runtime.block_on(testkit::Sink::tcp(0, true)).expect("a port");
    let text = format!(
        "[mailer]\nFROM = a@example.com\n[postrider.relay.dead]\nURL = smtp://127.0.0.1:{}\nPRIORITY = 1\n\
         [postrider.relay.good]\nURL = smtp://127.0.0.1:{}\nPRIORITY = 2\n",
        testkit::free_port(),
        sink.port()
    );
    let (_folder, path) = settings("app.ini", &text);
    let sent = run(&["send", "--config", &path, "--to", "ada@example.org", "--text", "-"], "x");
    assert!(sent.code == Some(0) && sent.err.contains(&sink.port().to_string()), "{sent:?}");
    assert_eq!(sink.count(), 1);
}

#[test]
fn a_kill_loses_no_mail_and_leftover_sockets_do_not_matter() {
    let (_runtime, _sink, mut daemon) = with_sink(testkit::Sink::refusing("RCPT", "450 4.2.1 later"));
    let id = daemon.api.send(&json!({"to": "a@example.org", "subject": "kept", "text": "x"}));
    daemon.kill();
    daemon.restart();
    let mail = daemon.api.get(&format!("/emails/{id}")).expect("an answer").json;
    assert_eq!(mail["subject"], "kept", "{mail}");
    assert_ne!(mail["status"], "sent", "{mail}");
    daemon.terminate();
    assert_eq!(daemon.wait().code(), Some(0));
}

#[test]
fn mail_reaches_the_program_of_an_app_ini() {
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("program");
    let text = "#!/bin/sh\nhere=${0%/*}\nprintf '[%s]' \"$@\" > \"$here/argv\"\ncat > \"$here/mail\"\n";
    std::fs::write(folder.path().join("text"), text).expect("written");
    // Made by another process: a file somebody of ours has open for writing cannot be executed.
    let made = std::process::Command::new("install")
        .args(["-m", "700"])
        .args([&folder.path().join("text"), &script])
        .status();
    assert!(made.expect("install").success());
    let mailer =
        format!("PROTOCOL = sendmail\nSENDMAIL_PATH = {}\nSENDMAIL_ARGS = -o 'a b'", script.display());
    let daemon = Daemon::start(binary(), &mailer, "");
    let config = daemon.config();
    let config = config.to_str().expect("UTF-8");
    let flags = ["send", "--config", config, "--to", "a@example.org", "--text", "-", "--wait"];
    let sent = run(&flags, "It works");
    assert_eq!(sent.code, Some(0), "{}", sent.err);
    let read = |name: &str| std::fs::read_to_string(folder.path().join(name)).expect(name);
    assert_eq!(read("argv"), "[-f][shop@example.com][-i][-o][a b][--][a@example.org]");
    let mail = read("mail");
    assert!(mail.contains("\n\nIt works\n") && !mail.contains('\r'), "{mail}");
    let shown = daemon.api.get(&format!("/emails/{}", sent.out.trim())).expect("an answer").json;
    assert!(shown["attempts"].to_string().contains("exit status 0"), "{shown}");
}

#[test]
fn a_relay_whose_name_leads_to_our_own_door_is_refused_at_the_start() {
    let port = testkit::free_port();
    // A name to the settings, an address to the resolver (inet_aton(3)).
    let (folder, path) = settings(
        "postrider.toml",
        &format!(
            "[mailer]\nFROM = \"a@b.example\"\n[postrider.relay]\nURL = \"smtp://127.1:{port}\"\n\
             [postrider.smtp]\nLISTEN = \"127.0.0.1:{port}\"\n"
        ),
    );
    let ended = run(&["serve", "--config", &path], "");
    assert_eq!(ended.code, Some(78), "{ended:?}");
    for part in ["[postrider.relay] URL", "[postrider.smtp] LISTEN", "every mail would come back"] {
        assert!(ended.err.contains(part), "{part}: {}", ended.err);
    }
    assert!(!folder.path().join("postrider-data").exists(), "nothing was begun");
}
