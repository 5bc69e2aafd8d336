//! What becomes of a mail when the relay is away or says no.

use serde_json::Value;
use testkit::{Daemon, Script, Sink, free_port, until};

use crate::{PATIENCE, daemon, mail, raw, until_status};

#[tokio::test(flavor = "multi_thread")]
async fn mail_waits_for_a_relay_that_is_down() {
    let port = free_port();
    let daemon = daemon(port);
    let id = daemon.api.send(&mail("ada@example.org", "Patience"));
    until("the daemon to meet the closed port", PATIENCE, || {
        daemon.log().to_lowercase().contains("refused").then_some(())
    });
    let email = daemon.api.email(&id);
    let waiting = ["queued", "sending", "deferred"];
    assert!(waiting.iter().any(|state| email["status"] == *state), "{email}");
    let sink = Sink::tcp(port, true).await.unwrap();
    until_status(&daemon, &id, &["sent"]);
    let mails = sink.mails();
    assert_eq!(mails.len(), 1);
    assert_eq!(mails[0].to, ["ada@example.org"]);
    assert_eq!(String::from_utf8_lossy(&mails[0].bytes), String::from_utf8_lossy(&raw(&daemon, &id)));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_mail_is_failed_and_shows_the_reply() {
    for verb in ["MAIL", "RCPT", "DATA", "."] {
        let sink = Sink::refusing(verb, "550 5.1.1 nobody of that name here").await.unwrap();
        let daemon = daemon(sink.port());
        let id = daemon.api.send(&mail("ada@example.org", "No"));
        let email = until_status(&daemon, &id, &["failed"]);
        let text = email.to_string();
        assert!(text.contains("nobody of that name here") && text.contains("550"), "{verb}: {text}");
        assert_eq!(sink.count(), 0, "{verb}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deferred_mail_is_tried_again() {
    let script = Script::listen(
        "S: 220 hi\nC: EHLO\nS: 250 hi\nC: MAIL\nS: 250 Ok\nC: RCPT\nS: 451 4.3.0 later please",
    )
    .await
    .unwrap();
    let daemon = daemon(script.port());
    let id = daemon.api.send(&mail("ada@example.org", "Later"));
    until("a second attempt", PATIENCE, || {
        let email = daemon.api.email(&id);
        (email["attempts"].as_array().is_some_and(|attempts| attempts.len() >= 2)).then_some(())
    });
    let text = daemon.api.email(&id).to_string();
    assert!(text.contains("later please"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_final_answer_marks_the_repeat() {
    let script = Script::listen(
        "S: 220 hi\nC: EHLO\nS: 250 hi\nC: MAIL\nS: 250 Ok\nC: RCPT\nS: 250 Ok\nC: DATA\nS: 354 go\nC: .\nS: !",
    )
    .await
    .unwrap();
    let daemon = daemon(script.port());
    let id = daemon.api.send(&mail("ada@example.org", "Lost"));
    until("the mark", PATIENCE, || (daemon.api.email(&id)["possible_duplicate"] == true).then_some(()));
    assert!(daemon.api.email(&id)["status"] != "sent");
}

/// How many mails show this status.
#[track_caller]
fn count(daemon: &Daemon, status: &str) -> u64 {
    let stats = daemon.api.get("/queue").unwrap().json;
    stats["by_status"][status].as_u64().unwrap_or_else(|| panic!("{status}: {stats}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_that_denies_relaying_is_held_and_two_thousand_mails_wait_for_its_mending() {
    let sink = Sink::refusing("RCPT", "554 5.7.1 Relay access denied").await.unwrap();
    let daemon = daemon(sink.port());
    let to = |n: usize| format!("r{n}@example.org");
    for first in (0..2_000).step_by(100) {
        let mails = (first..first + 100).map(|n| mail(&to(n), "Denied")).collect();
        let answer = daemon.api.post("/emails/batch", &Value::Array(mails)).unwrap();
        assert_eq!(answer.status, 202, "{}", String::from_utf8_lossy(&answer.body));
    }
    let relay = || daemon.api.get("/relays").unwrap().json["data"][0].clone();
    let trouble = until("the relay to be held", PATIENCE, || relay()["trouble"].as_str().map(str::to_owned));
    for said in ["554 5.7.1 Relay access denied", "postrider relay resume default"] {
        assert!(trouble.contains(said), "{said}: {trouble}");
    }
    assert_eq!(relay()["state"], "trouble");
    let health = daemon.api.get("/healthz").unwrap();
    assert!(health.status == 503 && health.json.to_string().contains("Relay access denied"), "{health:?}");
    assert_eq!(daemon.api.get("/readyz").unwrap().status, 200);
    daemon.api.send(&mail(&to(2_000), "Intake is open"));
    until("what is under way to end", PATIENCE, || (count(&daemon, "sending") == 0).then_some(()));
    let failed = count(&daemon, "failed");
    assert!(failed <= 20, "{failed} failed");

    sink.mend();
    // What was in its hands waits for the next look at the relay, unless it is told to go now.
    for words in [&["relay", "resume", "default"][..], &["queue", "flush"]] {
        let done = daemon.verb(words).output().unwrap();
        assert!(done.status.success(), "{words:?}: {done:?}");
    }
    until("the rest to arrive", PATIENCE, || {
        (count(&daemon, "sent") + count(&daemon, "failed") == 2_001).then_some(())
    });
    assert_eq!(count(&daemon, "failed"), failed);
    let mut arrived: Vec<_> = sink.mails().into_iter().flat_map(|mail| mail.to).collect();
    arrived.sort();
    arrived.dedup();
    assert_eq!((arrived.len() as u64, sink.count()), (2_001 - failed, 2_001 - failed), "each once");
    assert_eq!(daemon.api.get("/healthz").unwrap().status, 200);
}
