//! SIGTERM drains, a second one ends at once, and nothing is lost by either.

use testkit::{Script, Sink};

use crate::{daemon, mail, until_status};

#[tokio::test(flavor = "multi_thread")]
async fn sigterm_settles_what_is_under_way_and_loses_nothing() {
    let sink = Sink::tcp(0, true).await.unwrap();
    let mut daemon = daemon(sink.port());
    let ids: Vec<String> =
        (0..200).map(|n| daemon.api.send(&mail(&format!("r{n}@example.org"), "Drain"))).collect();
    daemon.terminate();
    let status = daemon.wait();
    assert_eq!(status.code(), Some(0), "{}", daemon.log());
    daemon.restart();
    for id in &ids {
        let email = until_status(&daemon, id, &["sent"]);
        assert!(email["possible_duplicate"] != true, "a clean stop leaves nothing in doubt: {email}");
    }
    assert_eq!(sink.count(), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_sigterm_ends_at_once_and_the_mail_waits() {
    let hanging = Script::listen("S: 220 hi\nC: EHLO\nS: 250 hi\nC: MAIL\nC: never").await.unwrap();
    let mut daemon = daemon(hanging.port());
    let id = daemon.api.send(&mail("ada@example.org", "Stuck"));
    until_status(&daemon, &id, &["sending"]);
    daemon.terminate();
    testkit::until("the daemon to say that it stops", crate::PATIENCE, || {
        (daemon.log().to_lowercase().contains("stopping")).then_some(())
    });
    daemon.terminate();
    daemon.wait();
    daemon.restart();
    until_status(&daemon, &id, &["queued", "sending", "deferred"]);
}
