//! A mailer's life inside an application.

use crate::bench::{PATIENCE, builder, message, recorder, scripted, subjects};
use envelope::Reply;
use postrider::dummy::Step;
use postrider::{Drained, OpenError, Status, SubmitError};
use std::time::Duration;

#[tokio::test]
async fn what_is_submitted_is_sent_and_its_outcome_told() {
    let refuse = |code, text: &str| Step::Refuse(Reply::new(code, text));
    let sender = scripted(vec![Step::Accept, refuse(550, "5.7.1 no")]);
    let mailer = builder(&sender).memory().open().await.unwrap();
    let sent = mailer.send(message("one")).await.unwrap();
    assert_eq!((sent.status, sent.meta.subject.as_str()), (Status::Sent, "one"));
    assert_eq!(sent.meta.door, postrider::Door::Library);
    let failed = mailer.send(message("two")).await.unwrap();
    assert_eq!(failed.status, Status::Failed);
    assert_eq!(failed.attempts[0].recipients[0].reply.as_ref().map(|r| r.code), Some(550));
    let id = mailer.submit(message("three")).await.unwrap();
    assert_eq!(mailer.wait(id, PATIENCE).await.unwrap().unwrap().status, Status::Sent);
    assert_eq!(subjects(&sender), ["one", "two", "three"]);
    assert_eq!(mailer.close(PATIENCE).await.unwrap(), Drained::Clean);
    let Err(SubmitError::Busy(text)) = mailer.submit(message("four")).await else { panic!("taken") };
    assert_eq!(text, "the mailer is closed");
    assert_eq!(mailer.close(PATIENCE).await.unwrap(), Drained::Clean, "a second time");
}

#[tokio::test]
async fn waiting_has_an_end() {
    let sender = scripted(vec![Step::Hang]);
    let mailer = builder(&sender).memory().open().await.unwrap();
    let seen = mailer.send_within(message("one"), Duration::from_millis(10)).await.unwrap();
    assert!(!seen.status.is_final(), "{:?}", seen.status);
    assert!(!mailer.idle(Duration::from_millis(10)).await.unwrap());
    assert_eq!(mailer.close(Duration::from_millis(10)).await.unwrap(), Drained::Hammered);
}

#[tokio::test]
async fn mail_on_disk_goes_on_with_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let sender = scripted(vec![Step::Refuse(Reply::new(451, "4.3.0 later"))]);
    let mailer = builder(&sender).disk(folder.path()).retry([Duration::ZERO]).open().await.unwrap();
    mailer.pause(None, "not yet").await.unwrap();
    let id = mailer.submit(message("one")).await.unwrap();
    let second = builder(&sender).disk(folder.path()).open().await;
    let Err(OpenError::Store(owned)) = second else { panic!("two owners") };
    assert!(owned.to_string().contains(&std::process::id().to_string()), "{owned}");
    mailer.close(PATIENCE).await.unwrap();
    assert_eq!(sender.calls().len(), 0, "paused");

    let again = builder(&sender).disk(folder.path()).retry([Duration::ZERO]).open().await.unwrap();
    assert_eq!(again.relays().all_paused().as_deref(), Some("not yet"), "a pause outlives the process");
    again.resume(None).await.unwrap();
    let seen = again.wait(id, PATIENCE).await.unwrap().unwrap();
    assert_eq!((seen.status, seen.attempts.len()), (Status::Sent, 2));
    again.close(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_mailer_that_is_only_dropped_loses_nothing_on_disk() {
    let folder = tempfile::tempdir().unwrap();
    let sender = scripted(vec![Step::Hang]);
    let mailer = builder(&sender).disk(folder.path()).open().await.unwrap();
    let id = mailer.submit(message("one")).await.unwrap();
    let handed_over = async {
        while sender.calls().is_empty() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, handed_over).await.unwrap();
    drop(mailer);
    let again = async {
        loop {
            match builder(&sender).disk(folder.path()).open().await {
                Ok(mailer) => return mailer,
                Err(OpenError::Store(_)) => tokio::task::yield_now().await,
                Err(other) => panic!("{other}"),
            }
        }
    };
    let again = tokio::time::timeout(PATIENCE, again).await.unwrap();
    let seen = again.wait(id, PATIENCE).await.unwrap().unwrap();
    assert_eq!((seen.status, seen.possible_duplicate), (Status::Sent, true), "in a sender's hands twice");
    again.close(PATIENCE).await.unwrap();
}

#[tokio::test]
async fn closing_a_mailer_in_memory_sends_what_is_due() {
    let sender = recorder();
    let mailer = builder(&sender).memory().open().await.unwrap();
    for n in 0..50 {
        mailer.submit(message(&n.to_string())).await.unwrap();
    }
    assert_eq!(mailer.close(PATIENCE).await.unwrap(), Drained::Clean);
    assert_eq!(sender.calls().len(), 50);
}

#[tokio::test]
async fn a_batch_is_taken_whole_or_not_at_all() {
    let sender = recorder();
    let mailer = builder(&sender).memory().open().await.unwrap();
    let ids = mailer.submit_batch(vec![message("a"), message("b")]).await.unwrap();
    assert_eq!(ids.len(), 2);
    let bad = mailer.submit_batch(vec![message("c"), message("two\nlines").to("x")]).await;
    let Err(SubmitError::Invalid(mistakes)) = bad else { panic!("taken") };
    let fields: Vec<_> = mistakes.iter().map(|m| m.field.as_str()).collect();
    assert_eq!(fields, ["[1].to[1]", "[1].subject"]);
    mailer.close(PATIENCE).await.unwrap();
    assert_eq!(subjects(&sender), ["a", "b"]);
}

#[tokio::test]
async fn a_key_is_taken_once_and_length_is_a_bound() {
    let sender = recorder();
    let mailer = builder(&sender).memory().length(1).open().await.unwrap();
    mailer.pause(None, "so that mail waits").await.unwrap();
    let keyed = || message("one").idempotency_key("order-1");
    let id = mailer.submit(keyed()).await.unwrap();
    assert_eq!(mailer.submit(keyed()).await.unwrap(), id);
    let Err(SubmitError::KeyReused(first)) = mailer.submit(keyed().to("b@example.org")).await else {
        panic!()
    };
    assert_eq!(first, id);
    let Err(SubmitError::Busy(full)) = mailer.submit(message("two")).await else { panic!("over LENGTH") };
    assert!(full.contains('1'), "{full}");
}
