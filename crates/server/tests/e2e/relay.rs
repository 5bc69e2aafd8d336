//! What becomes of a mail when the relay is away or says no.

use testkit::{Script, Sink, free_port, until};

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
