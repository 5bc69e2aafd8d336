//! What several daemons share beside the mail.

use serde_json::Value;
use testkit::{Api, Daemon, Sink, until};

use crate::redis::{ended, fresh, node};
use crate::{PATIENCE, mail, until_status};

/// Until the daemon answers so to a call with this key.
#[track_caller]
fn until_answered(daemon: &Daemon, key: &str, status: u16) {
    let api = Api { key: key.to_owned(), ..daemon.api.clone() };
    until("the other node to know", PATIENCE, || {
        (api.get("/emails").expect("an answer").status == status).then_some(())
    });
}

/// Why its relay is paused, once that is so, or not.
#[track_caller]
fn until_paused(daemon: &Daemon, why: Option<&str>) {
    until("the pause to be the same", PATIENCE, || {
        let said = ended(&mut daemon.verb(&["relay", "list", "--json"])).1;
        let relay: Value = serde_json::from_str(said.lines().next()?).expect("JSON");
        (relay["paused"].as_str() == why).then_some(())
    });
}

fn well(daemon: &Daemon, words: &[&str]) {
    let (code, said) = ended(&mut daemon.verb(words));
    assert_eq!(code, Some(0), "{words:?}: {said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_made_on_one_node_works_on_all_and_ends_on_all() {
    let sink = Sink::tcp(0, true).await.unwrap();
    let place = fresh();
    let (first, second) = (node(sink.port(), &place), node(sink.port(), &place));
    let key = first.key("shop");
    until_answered(&second, &key, 200);
    let (code, said) = ended(&mut second.verb(&["key", "create", "--name", "shop"]));
    assert!(code == Some(64) && said.contains("shop"), "{code:?} {said}");
    well(&second, &["key", "revoke", "shop"]);
    until_answered(&first, &key, 403);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_paused_on_one_node_is_so_on_all_until_it_is_resumed_on_any() {
    let sink = Sink::tcp(0, true).await.unwrap();
    let place = fresh();
    let (first, mut second) = (node(sink.port(), &place), node(sink.port(), &place));
    well(&first, &["relay", "pause", "default", "--why", "it moves"]);
    until_paused(&second, Some("it moves"));
    let id = second.api.send(&mail("ada@example.org", "Waits"));
    second.kill();
    second.restart();
    until_paused(&second, Some("it moves"));
    assert_eq!((first.api.email(&id)["status"].as_str(), sink.count()), (Some("queued"), 0));
    well(&second, &["relay", "resume", "default"]);
    until_paused(&first, None);
    until_status(&first, &id, &["sent"]);
}
