//! What becomes of a mail that the relay answers for.

use crate::bench::{Answer, accepted, bench, refused, trouble};
use queue::{RecipientState, Status};
use send::{Phase, RecipientOutcome, TroubleKind};
use std::time::Duration;

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn an_accepted_mail_is_sent_and_shows_its_attempt() {
    let mut bench = bench(|_, _| Answer::All(accepted()));
    let id = bench.submit(&["b@example.org"]).await;
    let view = bench.until(id, Status::Sent).await;
    assert_eq!(view.attempts.len(), 1);
    let attempt = &view.attempts[0];
    assert_eq!((attempt.relay.as_str(), attempt.peer.as_str()), ("default", "relay.test:25"));
    assert_eq!(attempt.remote_id.as_deref(), Some("4XyZ"));
    assert!(!view.possible_duplicate);
    let relay = &bench.worker.relays().status()[0];
    assert_eq!((relay.sent, &relay.trouble), (1, &None));
}

#[tokio::test]
async fn a_mail_refused_for_good_is_failed_and_shows_the_reply() {
    let mut bench = bench(|_, _| Answer::All(refused(550, "5.1.1 no such user")));
    let id = bench.submit(&["b@example.org"]).await;
    let view = bench.until(id, Status::Failed).await;
    let recipient = &view.attempts[0].recipients[0];
    assert_eq!(recipient.command, "RCPT");
    assert_eq!(recipient.reply.as_ref().unwrap().to_string(), "550 5.1.1 no such user");
}

#[tokio::test]
async fn each_recipient_is_settled_by_itself() {
    let mut bench = bench(|_, nth| match nth {
        1 => Answer::Each(vec![accepted(), refused(550, "5.1.1 gone"), refused(450, "4.2.0 greylisted")]),
        _ => Answer::All(accepted()),
    });
    let id = bench.submit(&["a@example.org", "b@example.org", "c@example.org"]).await;
    let view = bench.until(id, Status::Deferred).await;
    let states: Vec<_> = view.recipients.iter().map(|r| r.state).collect();
    assert_eq!(states, [RecipientState::Sent, RecipientState::Failed, RecipientState::Open]);
    bench.pass(2 * MINUTE);
    let view = bench.until(id, Status::Partial).await;
    assert_eq!(view.attempts.len(), 2);
    assert_eq!(bench.sent_to()[1], ["c@example.org"], "only the open recipient is tried again");
}

#[tokio::test]
async fn a_deferred_mail_waits_for_its_retry() {
    let mut bench = bench(|_, nth| match nth {
        1..=3 => Answer::All(refused(451, "4.3.0 later")),
        _ => Answer::All(accepted()),
    });
    let id = bench.submit(&["b@example.org"]).await;
    for minutes in [1, 5, 15] {
        let view = bench.until(id, Status::Deferred).await;
        let wait = view.due_at.duration_since(bench.clock_now()).as_secs();
        assert!((minutes * 48..=minutes * 72).contains(&wait), "{minutes} min: {wait} s");
        bench.pass(Duration::from_secs(minutes as u64 * 72));
    }
    assert_eq!(bench.until(id, Status::Sent).await.attempts.len(), 4);
}

#[tokio::test]
async fn an_unknown_outcome_is_tried_again_and_marked() {
    let mut bench = bench(|_, nth| match nth {
        1 => Answer::All(RecipientOutcome::Unknown(trouble(TroubleKind::Lost, Phase::End))),
        _ => Answer::All(accepted()),
    });
    let id = bench.submit(&["b@example.org"]).await;
    let view = bench.until(id, Status::Deferred).await;
    assert!(view.possible_duplicate);
    assert!(view.due_at.duration_since(bench.clock_now()).as_secs() >= 60);
    bench.pass(2 * MINUTE);
    assert!(bench.until(id, Status::Sent).await.possible_duplicate, "the mark stays");
}

#[tokio::test]
async fn a_sender_that_panics_costs_one_mail_its_certainty_and_nobody_else() {
    let mut bench = bench(|mail, _| match mail.to[0].address.local() {
        "poison" => Answer::Panic,
        _ => Answer::All(accepted()),
    });
    let poison = bench.submit(&["poison@example.org"]).await;
    let view = bench.until(poison, Status::Deferred).await;
    assert!(view.possible_duplicate);
    for _ in 0..5 {
        let healthy = bench.submit(&["b@example.org"]).await;
        bench.until(healthy, Status::Sent).await;
    }
}

/// A destination that says "later" for ever: waits grow to their most, none is cut short, and in the
/// end there is one expired mail that shows every attempt.
#[tokio::test(start_paused = true)]
async fn b1_19_a_mail_deferred_for_ever_expires_once_and_shows_every_attempt() {
    let mut bench = bench(|_, _| Answer::All(refused(451, "4.3.0 later")));
    let id = bench.submit(&["b@example.org"]).await;
    let mut waits = Vec::new();
    loop {
        bench.changed().await;
        let view = bench.view(id).await;
        match view.status {
            Status::Deferred => {
                let tried = bench.sent_to().len();
                let wait = view.due_at.duration_since(bench.clock_now());
                waits.push(wait.as_secs());
                let wait = Duration::try_from(wait).unwrap();
                bench.pass(wait - Duration::from_millis(1));
                let now = bench.view(id).await.status;
                let due = if view.due_at > view.expires_at { Status::Expired } else { Status::Deferred };
                assert_eq!((now, bench.sent_to().len()), (due, tried));
                bench.pass(Duration::from_millis(1));
            }
            Status::Expired => break,
            _ => {}
        }
    }
    let view = bench.view(id).await;
    assert_eq!((view.attempts.len(), bench.sent_to().len()), (waits.len(), waits.len()));
    let minutes = [1, 5, 15, 30, 60, 120].into_iter().chain(std::iter::repeat(240));
    for (wait, m) in waits.iter().zip(minutes) {
        assert!((m * 48..=m * 72).contains(wait), "{wait} s where {m} min are due");
    }
    assert!((25..=40).contains(&waits.len()), "{} attempts in five days", waits.len());
}
