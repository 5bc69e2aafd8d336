//! A relay in trouble keeps its mail.

use crate::bench::{Answer, accepted, bench, refused, relay, trouble};
use postrider_worker::{Route, WorkerSettings};
use queue::{Clock, Status};
use send::{Phase, RecipientOutcome, TroubleKind};
use std::sync::Arc;
use std::time::Duration;

fn unreachable() -> Answer {
    Answer::All(RecipientOutcome::NotAttempted(trouble(TroubleKind::Unreachable, Phase::Connect)))
}

#[tokio::test(start_paused = true)]
async fn mail_waits_for_a_relay_that_is_down_and_spends_no_attempt() {
    let mut bench = bench(|_, nth| if nth <= 4 { unreachable() } else { Answer::All(accepted()) });
    let id = bench.submit(&["b@example.org"]).await;
    for seconds in [1, 2, 4, 8] {
        let view = bench.until(id, Status::Deferred).await;
        let wait = view.due_at.duration_since(bench.clock_now()).as_secs();
        assert_eq!(wait, seconds, "the mail waits for the probe, not for the retry profile");
        assert!(bench.worker.relays().status()[0].trouble.as_ref().unwrap().contains("as the test says"));
        bench.pass(Duration::from_secs(seconds as u64));
    }
    let view = bench.until(id, Status::Sent).await;
    assert!(!view.possible_duplicate);
    assert_eq!(bench.worker.relays().status()[0].trouble, None);
}

#[tokio::test(start_paused = true)]
async fn a_refused_login_holds_the_relay_not_the_mail() {
    let mut bench = bench(|_, nth| match nth {
        1 => Answer::All(refused(535, "5.7.8 authentication failed")),
        _ => Answer::All(accepted()),
    });
    let id = bench.submit(&["b@example.org"]).await;
    let view = bench.until(id, Status::Deferred).await;
    assert_eq!(view.due_at.duration_since(bench.clock_now()).as_secs(), 60);
    bench.pass(Duration::from_secs(61));
    bench.until(id, Status::Sent).await;
}

/// The store's clock stands still in these: what was put off does not come due by itself.
#[tokio::test(start_paused = true)]
async fn mail_that_was_put_off_goes_at_once_when_its_relay_is_resumed() {
    let mut bench = bench(|_, nth| match nth {
        1 => Answer::All(refused(535, "5.7.8 authentication failed")),
        _ => Answer::All(accepted()),
    });
    let id = bench.submit(&["b@example.org"]).await;
    bench.until(id, Status::Deferred).await;
    assert!(bench.worker.relays().resume("default"));
    bench.until(id, Status::Sent).await;
}

#[tokio::test(start_paused = true)]
async fn mail_that_was_put_off_goes_at_once_when_a_probe_is_taken() {
    let mut bench = bench(|_, nth| if nth == 1 { unreachable() } else { Answer::All(accepted()) });
    let id = bench.submit(&["b@example.org"]).await;
    bench.until(id, Status::Deferred).await;
    let probe = bench.submit(&["c@example.org"]).await;
    bench.until(probe, Status::Sent).await;
    bench.until(id, Status::Sent).await;
}

#[tokio::test(start_paused = true)]
async fn mail_that_was_put_off_goes_at_once_when_the_worker_is_new() {
    let down = |_: &send::Mail, _| unreachable();
    let mut bench = bench(down);
    let id = bench.submit(&["b@example.org"]).await;
    bench.until(id, Status::Deferred).await;
    let (relay, _) = relay("default", |_, _| Answer::All(accepted()));
    let routes = vec![Route { name: "default".into(), relays: vec![relay] }];
    let clock: Arc<dyn Clock> = bench.clock.clone();
    let next = bench.worker.successor(&bench.store, routes, WorkerSettings::default(), &clock);
    drop(std::mem::replace(&mut bench.worker, next));
    bench.until(id, Status::Sent).await;
}

#[tokio::test(start_paused = true)]
async fn while_a_relay_is_down_only_probes_reach_it() {
    let mut bench = bench(|_, nth| if nth <= 10 { unreachable() } else { Answer::All(accepted()) });
    let mut ids = Vec::new();
    for _ in 0..200 {
        ids.push(bench.submit(&["b@example.org"]).await);
    }
    let last = *ids.last().unwrap();
    for _ in 0..40 {
        bench.pass(Duration::from_secs(300));
        bench.taken(1).await;
        if bench.sender.seen.lock().unwrap().len() > 10 {
            break;
        }
    }
    bench.pass(Duration::from_secs(3600));
    while bench.view(last).await.status != Status::Sent {
        bench.pass(Duration::from_secs(300));
        bench.changed().await;
    }
    let tries = bench.sender.seen.lock().unwrap().len();
    // Two connections with a batch of four each may have been under way when the relay went down.
    assert!(tries <= 200 + 10 + 8, "{tries} tries for 200 mails");
}

#[tokio::test(start_paused = true)]
async fn regress_a_relay_that_took_the_mail_for_one_recipient_is_not_in_trouble() {
    let mut bench = bench(|_, nth| match nth {
        1 => Answer::Each(vec![accepted(), refused(554, "5.7.1 Relay access denied")]),
        _ => Answer::All(accepted()),
    });
    let id = bench.submit(&["a@example.org", "b@example.net"]).await;
    let view = bench.until(id, Status::Deferred).await;
    assert_eq!(bench.worker.relays().status()[0].trouble, None);
    assert!(view.due_at.duration_since(bench.clock_now()).as_secs() >= 48, "charged to the mail");
}

/// A mail that makes the relay hang up does not get to make it hang up again while others wait.
#[tokio::test(start_paused = true)]
async fn a_probe_is_another_mail_than_the_one_that_tripped() {
    let mut bench = bench(|mail, _| match mail.to[0].address.local() {
        "poison" => Answer::All(RecipientOutcome::NotAttempted(trouble(TroubleKind::Lost, Phase::Mail))),
        _ => Answer::All(accepted()),
    });
    let poison = bench.submit(&["poison@example.org"]).await;
    bench.until(poison, Status::Deferred).await;
    let healthy = bench.submit(&["b@example.org"]).await;
    bench.pass(Duration::from_secs(1));
    bench.until(healthy, Status::Sent).await;
    assert_eq!(bench.sent_to()[1], ["b@example.org"], "the probe");
}
