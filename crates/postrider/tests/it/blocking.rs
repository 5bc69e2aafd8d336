//! The mailer without async.

use crate::bench::{PATIENCE, builder, message, recorder, subjects};
use postrider::{Status, SubmitError};

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
