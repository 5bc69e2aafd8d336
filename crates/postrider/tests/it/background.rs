//! Mail that nobody waits for.

use crate::bench::{PATIENCE, builder, message, recorder, subjects};
use postrider::{Limits, Message, Relay};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

type Told = Arc<Mutex<Vec<String>>>;

/// Keeps what the hook was told.
fn keep(told: &Told) -> impl Fn(&Message, &postrider::SubmitError) + Send + Sync + 'static {
    let told = told.clone();
    move |message, error| told.lock().unwrap().push(format!("{}: {error}", message.draft.subject))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_stored_in_the_order_of_the_calls_and_what_fails_is_told() {
    let (sender, told) = (recorder(), Told::default());
    // One connection, so that the order of delivery is that of storing.
    let relay = Relay { connections: 1, ..Relay::new("default", Arc::new(sender.clone())) };
    let builder = postrider::Mailer::builder().clock(postrider::Timestamp::now).from("a@example.com");
    let mailer = builder.relay(relay).memory().on_error(keep(&told)).open().await.unwrap();
    let thread = mailer.clone();
    let calls = move || {
        for n in 0..300 {
            thread.send_async(message(&n.to_string()));
        }
        thread.send_async(Message::new().to("nobody").subject("bad").text("x"));
    };
    std::thread::spawn(calls).join().unwrap();
    mailer.close(PATIENCE).await.unwrap();
    assert_eq!(subjects(&sender), (0..300).map(|n| n.to_string()).collect::<Vec<_>>());
    let told = told.lock().unwrap().clone();
    assert!(told.len() == 1 && told[0].starts_with("bad: to: "), "{told:?}");
}

#[tokio::test]
async fn what_cannot_be_taken_is_told_at_once() {
    let (sender, told) = (recorder(), Told::default());
    let limits = Limits { memory: 4096, ..Limits::default() };
    let mailer = builder(&sender).memory().limits(limits).on_error(keep(&told)).open().await.unwrap();
    mailer.send_async(message("big").text("x".repeat(5000)));
    assert!(told.lock().unwrap()[0].starts_with("big: no memory"), "{told:?}");
    mailer.drain();
    mailer.send_async(message("drained"));
    mailer.resume(None).await.unwrap();
    mailer.close(PATIENCE).await.unwrap();
    mailer.send_async(message("closed"));
    let told = told.lock().unwrap().clone();
    assert!(told[1].starts_with("drained: the queue is drained"), "{told:?}");
    assert_eq!(told[2], "closed: the mailer is closed");
    assert_eq!(sender.calls().len(), 0);
}

#[tokio::test]
async fn a_mailer_that_is_dropped_stores_what_it_was_given() {
    let folder = tempfile::tempdir().unwrap();
    let sender = recorder();
    let mailer = builder(&sender).disk(folder.path()).open().await.unwrap();
    for n in 0..100 {
        mailer.send_async(message(&n.to_string()));
    }
    drop(mailer);
    let again = async {
        loop {
            if let Ok(mailer) = builder(&sender).disk(folder.path()).open().await {
                return mailer;
            }
            tokio::task::yield_now().await;
        }
    };
    let again = tokio::time::timeout(PATIENCE, again).await.unwrap();
    again.idle(PATIENCE).await.unwrap();
    again.close(PATIENCE).await.unwrap();
    let mut got: Vec<usize> = subjects(&sender).iter().map(|subject| subject.parse().unwrap()).collect();
    got.sort_unstable();
    got.dedup();
    assert_eq!(got, (0..100).collect::<Vec<_>>());
}

/// A wall clock that panics once when it is told to and this thread, on which messages are composed, reads it.
fn clock_that_panics(soon: &Arc<AtomicBool>) -> impl Fn() -> postrider::Timestamp + Send + Sync + 'static {
    let (soon, here) = (soon.clone(), std::thread::current().id());
    move || {
        let met = std::thread::current().id() == here && soon.swap(false, Ordering::AcqRel);
        assert!(!met, "a clock out of order");
        postrider::Timestamp::now()
    }
}

#[tokio::test]
async fn a_panic_costs_the_message_that_met_it_and_no_other() {
    let (sender, told, soon) = (recorder(), Told::default(), Arc::default());
    let keep = keep(&told);
    let hook = move |message: &Message, error: &postrider::SubmitError| {
        keep(message, error);
        panic!("the application's fault");
    };
    let builder = builder(&sender).memory().clock(clock_that_panics(&soon)).on_error(hook);
    let mailer = builder.open().await.unwrap();
    soon.store(true, Ordering::Release);
    mailer.send_async(message("met"));
    for subject in ["nobody", "one", "two"] {
        let to =
            if subject == "nobody" { Message::new().to("nobody") } else { Message::new().to("a@b.example") };
        mailer.send_async(to.subject(subject).text("x"));
    }
    mailer.close(PATIENCE).await.unwrap();
    let mut got = subjects(&sender);
    got.sort_unstable();
    assert_eq!(got, ["one", "two"]);
    let told = told.lock().unwrap().clone();
    assert!(told.len() == 2 && told[0].starts_with("met: ") && told[0].contains("panic"), "{told:?}");
    assert!(told[1].starts_with("nobody: to: "), "{told:?}");
}

#[tokio::test]
async fn one_key_twice_at_once_is_a_repeat_and_no_failure() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, told) = (recorder(), Told::default());
    let mailer = builder(&sender).disk(folder.path()).on_error(keep(&told)).open().await.unwrap();
    for n in 0..10 {
        mailer.send_async(message(&n.to_string()).idempotency_key("once"));
    }
    assert!(mailer.idle(PATIENCE).await.unwrap());
    mailer.close(PATIENCE).await.unwrap();
    assert_eq!(told.lock().unwrap().clone(), Vec::<String>::new());
    assert_eq!(subjects(&sender), ["0"]);
}

#[tokio::test]
async fn a_key_that_somebody_else_submits_is_waited_for() {
    let folder = tempfile::tempdir().unwrap();
    let (sender, told) = (recorder(), Told::default());
    let mailer = builder(&sender).disk(folder.path()).on_error(keep(&told)).open().await.unwrap();
    let mut first = Box::pin(mailer.submit(message("first").idempotency_key("once")));
    let begun = std::future::poll_fn(|context| Poll::Ready(first.as_mut().poll(context))).await;
    mailer.send_async(message("second").idempotency_key("once"));
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    match begun {
        Poll::Pending => first.await.unwrap(),
        // The store's thread was quicker.
        Poll::Ready(id) => id.unwrap(),
    };
    assert!(mailer.idle(PATIENCE).await.unwrap());
    mailer.close(PATIENCE).await.unwrap();
    assert_eq!(told.lock().unwrap().clone(), Vec::<String>::new());
    assert_eq!(subjects(&sender), ["first"]);
}

#[tokio::test]
async fn everything_that_a_message_holds_counts_while_it_waits() {
    let limits = Limits { memory: 4096, ..Limits::default() };
    let check = async |what: &str, messages: Vec<Message>, too_many: usize| {
        let (sender, told) = (recorder(), Told::default());
        let builder = builder(&sender).memory().limits(limits).on_error(keep(&told));
        let mailer = builder.open().await.unwrap();
        messages.into_iter().for_each(|message| mailer.send_async(message));
        let told = told.lock().unwrap().clone();
        assert!(
            told.len() == too_many && told.iter().all(|t| t.contains("no memory is left")),
            "{what}: {told:?}"
        );
    };
    let long = || "x".repeat(5000);
    check("nothing in them", vec![Message::new(); 6], 2).await;
    check("to", vec![Message::new().to(long())], 1).await;
    check("cc", vec![Message::new().cc(("x", long().as_str()))], 1).await;
    check("bcc", vec![Message::new().bcc((long().as_str(), "x"))], 1).await;
    check("reply_to", vec![Message::new().reply_to(long())], 1).await;
    check("from", vec![Message::new().from(long())], 1).await;
    check("metadata", vec![Message::new().metadata(long())], 1).await;
    check("tag", vec![Message::new().tag("x", long())], 1).await;
    check("info", vec![Message::new().info(long())], 1).await;
    check("external_id", vec![Message::new().external_id(long())], 1).await;
    check("idempotency_key", vec![Message::new().idempotency_key(long())], 1).await;
    check("relay", vec![Message::new().relay(long())], 1).await;
    check("filename", vec![Message::new().attach(long(), "x")], 1).await;
    let variables = |value: serde_json::Value| serde_json::json!({"a": [value]});
    check("a variable", vec![Message::new().template("x", variables(long().into()))], 1).await;
    check("numbers", vec![Message::new().template("x", variables(vec![1; 500].into()))], 1).await;
    check("a name", vec![Message::new().template("x", serde_json::json!({long(): 1}))], 1).await;
}
