//! The mailer without async.

use crate::bench::{PATIENCE, builder, message, recorder, subjects};
use postrider::blocking::Mailer;
use postrider::{Message, Status, SubmitError};
use std::sync::{Arc, Mutex};

#[test]
fn a_program_without_async_sends_mail() {
    let sender = recorder();
    let mailer = builder(&sender).memory().open_blocking().unwrap();
    let id = mailer.submit(message("one")).unwrap();
    assert_eq!(mailer.send(message("two")).unwrap().status, Status::Sent);
    assert_eq!(mailer.send_within(message("three"), PATIENCE).unwrap().status, Status::Sent);
    mailer.send_async(message("four"));
    assert_eq!(mailer.submit_batch(vec![message("five"), message("six")]).unwrap().len(), 2);
    let Err(SubmitError::Invalid(mistakes)) = mailer.submit(message("x").cc("nobody")) else {
        panic!("taken")
    };
    assert_eq!(mistakes[0].field, "cc");
    mailer.close(PATIENCE).unwrap();
    assert!(matches!(mailer.submit(message("x")), Err(SubmitError::Busy(_))));
    let mut got = subjects(&sender);
    got.sort_unstable();
    assert_eq!(got, ["five", "four", "one", "six", "three", "two"]);
    assert_ne!(id.to_string(), "");
}

#[tokio::test]
async fn inside_a_runtime_it_works_and_ends_without_a_panic() {
    let sender = recorder();
    let mailer = builder(&sender).memory().open_blocking().unwrap();
    assert_eq!(mailer.send(message("one")).unwrap().status, Status::Sent);
    assert_eq!(mailer.inner().settings().relays, ["default"]);
    drop(mailer);
}

#[test]
fn a_dropped_mailer_stores_what_it_was_given() {
    const MAILS: usize = 1000;
    let folder = tempfile::tempdir().unwrap();
    let sender = recorder();
    let mailer = builder(&sender).disk(folder.path()).open_blocking().unwrap();
    for n in 0..MAILS {
        mailer.send_async(message(&n.to_string()));
    }
    drop(mailer);
    // The folder is free once the last of the runtime is gone.
    let since = std::time::Instant::now();
    let again = loop {
        match builder(&sender).disk(folder.path()).open_blocking() {
            Ok(mailer) => break mailer,
            Err(error) => assert!(since.elapsed() < PATIENCE, "{error}"),
        }
        std::thread::yield_now();
    };
    again.send(message(&MAILS.to_string())).unwrap();
    again.close(PATIENCE).unwrap();
    let mut got: Vec<usize> = subjects(&sender).iter().map(|subject| subject.parse().unwrap()).collect();
    got.sort_unstable();
    got.dedup();
    assert_eq!(got, (0..=MAILS).collect::<Vec<_>>());
}

#[test]
fn the_hook_may_call_the_mailer_that_called_it() {
    let (told, answer) = std::sync::mpsc::channel();
    let slot = Arc::new(Mutex::new(None::<Mailer>));
    let of_hook = slot.clone();
    let hook = move |_: &Message, _: &SubmitError| {
        if let Some(mailer) = of_hook.lock().unwrap().take() {
            told.send(mailer.submit(message("alert")).map(|_| ())).unwrap();
        }
    };
    let sender = recorder();
    let mailer = builder(&sender).memory().on_error(hook).open_blocking().unwrap();
    *slot.lock().unwrap() = Some(mailer.clone());
    mailer.send_async(Message::new().to("nobody").subject("bad").text("x"));
    answer.recv_timeout(PATIENCE).expect("it hangs").unwrap();
    mailer.close(PATIENCE).unwrap();
    assert_eq!(subjects(&sender), ["alert"]);
}
