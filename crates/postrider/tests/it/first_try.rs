//! Submissions that are answered once their mail was tried, as with `[queue] TYPE = dummy`.

use crate::bench::{PATIENCE, message, recorder, scripted};
use envelope::Reply;
use futures_util::StreamExt;
use postrider::dummy::Step;
use postrider::{
    BoxStream, DummySender, Mail, MailOutcome, Mailer, MailerSettings, Phase, Relay, Sender, Status, Store,
    Timestamp, Trouble, TroubleKind,
};
use std::sync::Arc;
use std::time::Duration;

/// Takes so long for a mail that an answer which does not wait is there long before its outcome.
struct Slow(Arc<DummySender>);

impl Sender for Slow {
    fn send_batch<'a>(&'a self, mails: BoxStream<'a, Mail>) -> BoxStream<'a, MailOutcome> {
        let slowly = mails.then(async |mail| {
            for _ in 0..500 {
                tokio::task::yield_now().await;
            }
            mail
        });
        self.0.send_batch(slowly.boxed())
    }
}

/// A mailer whose submissions wait for the first try for at most so long.
async fn answering_late(sender: &Arc<DummySender>, at_most: Duration) -> Mailer {
    let builder = Mailer::builder().clock(Timestamp::now).from("Shop <shop@example.com>").memory();
    // One mail at a time, so that others wait.
    let relay = Relay { connections: 1, batch: 1, ..Relay::new("one", Arc::new(Slow(sender.clone()))) };
    let mailer = builder.relay(relay).retry([PATIENCE * 60]).open().await.unwrap();
    mailer.change(MailerSettings { first_try: at_most, ..(*mailer.settings()).clone() });
    mailer
}

fn down() -> Step {
    let text = "down".into();
    Step::Trouble(Trouble { kind: TroubleKind::Unreachable, phase: Phase::Connect, reply: None, text })
}

#[tokio::test]
async fn a_submission_may_wait_for_the_end_of_the_first_try() {
    let refuse = |code, text: &str| Step::Refuse(Reply::new(code, text));
    let steps = vec![Step::Accept, refuse(550, "5.7.1 no"), refuse(451, "4.3.0 later"), down(), Step::Hang];
    let sender = scripted(steps);
    let mailer = answering_late(&sender, PATIENCE * 10).await;
    let check = async |subject: &str, status: Status, tried: usize| {
        let mail = message(subject);
        let later = Timestamp::now() + PATIENCE * 60;
        let mail = if status == Status::Scheduled { mail.schedule(later) } else { mail };
        let id = mailer.submit(mail).await.unwrap();
        let seen = mailer.store().get(id).await.unwrap().unwrap();
        assert_eq!((seen.status, seen.attempts.len()), (status, tried), "{subject}");
    };
    let all = async {
        check("taken", Status::Sent, 1).await;
        check("refused", Status::Failed, 1).await;
        check("put off", Status::Deferred, 1).await;
        check("not yet", Status::Scheduled, 0).await;
        check("the relay went down", Status::Deferred, 1).await;
        check("and is left alone", Status::Queued, 0).await;
        mailer.pause(None, "no mail is tried").await.unwrap();
        check("paused", Status::Queued, 0).await;
    };
    tokio::time::timeout(PATIENCE, all).await.expect("no answer waits for what does not come");
}

#[tokio::test]
async fn those_behind_a_mail_that_finds_the_relay_down_are_answered_with_it() {
    // Whoever still waits then is given to the next try, which has no end.
    let mailer = answering_late(&scripted(vec![down(), Step::Hang]), PATIENCE * 10).await;
    let both = async { tokio::join!(mailer.submit(message("a")), mailer.submit(message("b"))) };
    let (a, b) = tokio::time::timeout(PATIENCE, both).await.expect("nobody waits for a relay that is down");
    let mut tried = Vec::new();
    for id in [a.unwrap(), b.unwrap()] {
        tried.push(mailer.store().get(id).await.unwrap().unwrap().attempts.len());
    }
    tried.sort_unstable();
    assert_eq!(tried, [0, 1]);
}

#[tokio::test]
async fn a_whole_batch_is_tried_before_the_answer() {
    let mailer = answering_late(&recorder(), PATIENCE * 10).await;
    let ids = mailer.submit_batch((0..50).map(|n| message(&n.to_string())).collect()).await.unwrap();
    for id in ids {
        assert_eq!(mailer.store().get(id).await.unwrap().unwrap().status, Status::Sent);
    }
}

#[tokio::test]
async fn a_first_try_without_end_is_not_waited_for_without_end() {
    let mailer = answering_late(&scripted(vec![Step::Hang]), Duration::from_millis(10)).await;
    let id = mailer.submit(message("one")).await.unwrap();
    let seen = mailer.store().get(id).await.unwrap().unwrap();
    assert!(!seen.status.is_final() && seen.attempts.is_empty(), "{seen:?}");
}
