//! What a builder refuses, and what it fills in.

use crate::bench::{builder, message, recorder};
use postrider::{Mailer, OpenError, Relay, Timestamp};
use std::sync::Arc;

fn fields(error: OpenError) -> Vec<String> {
    let OpenError::Invalid(mistakes) = error else { panic!("{error}") };
    mistakes.into_iter().map(|mistake| mistake.field).collect()
}

#[tokio::test]
async fn all_mistakes_of_a_builder_are_told_at_once() {
    let empty = Mailer::builder().from("nobody").envelope_from("a@b, c@d").open().await;
    assert_eq!(fields(empty.err().unwrap()), ["disk", "clock", "sender", "from", "envelope_from"]);
    let sender = recorder();
    let twice = builder(&sender).memory().relay(Relay::new("default", Arc::new(sender.clone()))).open().await;
    assert_eq!(fields(twice.err().unwrap()), ["relay"]);
}

#[test]
fn without_a_runtime_nothing_is_opened() {
    let opening = Mailer::builder().memory().clock(Timestamp::now).sender(recorder()).open();
    let mut opening = std::pin::pin!(opening);
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(opened) = opening.as_mut().poll(&mut context) else { panic!("it waits") };
    assert!(matches!(opened.err(), Some(OpenError::Runtime(_))));
}

#[tokio::test]
async fn a_folder_that_is_a_file_is_named() {
    let file = tempfile::NamedTempFile::new().unwrap();
    let opened = builder(&recorder()).disk(file.path()).open().await;
    let told = opened.err().unwrap().to_string();
    assert!(told.contains(file.path().to_str().unwrap()), "{told}");
}

#[tokio::test]
async fn the_house_rules_of_a_builder_shape_each_message() {
    let open = builder(&recorder()).memory().subject_prefix("[shop]").envelope_from("bounce@example.net");
    let mail = open.open().await.unwrap().compose(&message("Hello")).unwrap();
    assert_eq!(mail.subject, "[shop] Hello");
    assert_eq!(mail.envelope.from.as_str(), "bounce@example.net");
    assert!(mail.message_id.ends_with("@example.com>"), "{}", mail.message_id);
    let open = builder(&recorder()).memory().domain("mail.example.com").envelope_from("");
    let mail = open.open().await.unwrap().compose(&message("Hello")).unwrap();
    assert_eq!(mail.envelope.from.as_str(), "");
    assert!(mail.message_id.ends_with("@mail.example.com>"), "{}", mail.message_id);
}

#[tokio::test]
async fn the_relay_a_message_names_alone_takes_it() {
    let (first, second) = (recorder(), recorder());
    let backup = Relay::new("backup", Arc::new(second.clone()));
    let mailer = builder(&first).relay(backup).memory().open().await.unwrap();
    mailer.send(message("a").relay("backup")).await.unwrap();
    mailer.send(message("b")).await.unwrap();
    assert_eq!((first.calls().len(), second.calls().len()), (1, 1));
    let unknown = mailer.submit(message("c").relay("nowhere")).await.err().unwrap().to_string();
    assert!(unknown.contains("relay") && unknown.contains("backup"), "{unknown}");
}
