//! Memory, connections and time are bounded.

use super::*;
use std::time::Duration;

#[tokio::test]
async fn what_has_no_room_is_refused_before_it_is_read() {
    let house = House { budget: Budget::new(1 << 20), ..House::new() };
    let door = open(house, settings()).await;
    let mut client = door.client().await;
    client.check(&OPENING[..2]).await;
    client.check(&[("MAIL FROM:<a@b.c> SIZE=2000000", "250"), OPENING[3], ("DATA", "452 4.3.1")]).await;
    client.check(&[OPENING[2], OPENING[3]]).await;
    client.say(&format!("BDAT 2000000\r\n{}", "x".repeat(2_000_000))).await;
    client.check(&[("", "452 4.3.1"), ("NOOP", "250")]).await;
    client.check(&[OPENING[2], OPENING[3], ("DATA", "354")]).await;
    let line = format!("{}\r\n", "x".repeat(98));
    client.say(&line.repeat(30_000)).await;
    client.check(&[(".", "452 4.3.1"), ("NOOP", "250")]).await;
    assert_eq!(door.house.budget.held(), 0);
    client.check(&[OPENING[2], OPENING[3], ("DATA", "354"), ("x\r\n.", "250")]).await;
    assert_eq!(door.house.budget.held(), 0);
}

#[tokio::test]
async fn room_is_held_until_the_message_is_stored() {
    let house = House { gate: Semaphore::new(0), ..House::new() };
    let door = open(house, settings()).await;
    let mut client = door.client().await;
    client.check(&OPENING).await;
    client.check(&[("DATA", "354")]).await;
    client.say("x\r\n.\r\nNOOP\r\n").await;
    door.house.asked.notified().await;
    assert!(door.house.budget.held() > 0);
    door.house.gate.add_permits(1);
    client.check(&[("", "250"), ("", "250")]).await;
    assert_eq!(door.house.budget.held(), 0);
}

#[tokio::test]
async fn one_client_too_many_is_sent_away() {
    let door = open(House::new(), SubmissionSettings { max_connections: 1, ..settings() }).await;
    let mut first = door.client().await;
    first.check(&[("", "220")]).await;
    door.client().await.check(&[("", "421 4.7.0"), ("", "")]).await;
    first.check(&[("QUIT", "221"), ("", "")]).await;
    drop(first);
    loop {
        let mut next = door.client().await;
        if next.hear().await.starts_with("220") {
            return next.check(&[("NOOP", "250")]).await;
        }
    }
}

#[tokio::test]
async fn silence_and_trickles_end() {
    let soon = Duration::from_millis(30);
    let silent = Timeouts { command: soon, ..Timeouts::default() };
    let door = open(House::new(), SubmissionSettings { timeouts: silent, ..settings() }).await;
    door.client().await.check(&[("", "220"), ("", "421 4.4.2"), ("", "")]).await;

    let slow = Timeouts { body: soon, rate: 1 << 40, ..Timeouts::default() };
    let door = open(House::new(), SubmissionSettings { timeouts: slow, ..settings() }).await;
    let mut client = door.client().await;
    client.check(&OPENING).await;
    client.check(&[("DATA", "354"), ("x", "421 4.4.2"), ("", "")]).await;
    assert!(door.house.bodies().is_empty());
}

/// A store slower than a client is patient: it is told to send again, and what was stored after all
/// is taken back.
#[tokio::test]
async fn b6_111_what_is_stored_too_late_is_withdrawn() {
    let house = House { gate: Semaphore::new(0), ..House::new() };
    let timeouts = Timeouts { store: Duration::from_millis(30), ..Timeouts::default() };
    let door = open(house, SubmissionSettings { timeouts, ..settings() }).await;
    let mut client = door.client().await;
    client.check(&OPENING).await;
    client.check(&[("DATA", "354"), ("x\r\n.", "451 4.3.0"), ("NOOP", "250")]).await;
    door.house.asked.notified().await;
    door.house.gate.add_permits(1);
    door.house.asked.notified().await;
    assert_eq!(door.house.withdrawn.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn b6_104_words_without_a_message_win_no_time() {
    let useless = Timeouts { useless: Duration::from_millis(50), ..Timeouts::default() };
    let door = open(House::new(), SubmissionSettings { timeouts: useless, ..settings() }).await;
    let mut client = door.client().await;
    client.check(&OPENING[..2]).await;
    let end = loop {
        client.say("NOOP\r\n").await;
        let reply = client.hear().await;
        if !reply.starts_with("250") {
            break reply;
        }
    };
    assert!(end.starts_with("421 4.4.2"), "{end}");
}
