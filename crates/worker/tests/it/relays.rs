//! Several relays by priority: who gets a mail when one is in trouble.

use crate::bench::{Answer, Bench, accepted, bench, bench_of, job, refused, relay, trouble};
use envelope::{Class, EnhancedStatus};
use postrider_worker::{Drained, Relays, Route, WorkerSettings};
use queue::{Clock, JobId, JobView, NewJob, Status};
use send::{Mail, Phase, RecipientOutcome, TroubleKind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Up or down, as the test says.
#[derive(Clone, Default)]
struct Switch(Arc<AtomicBool>);

impl Switch {
    fn set(&self, down: bool) {
        self.0.store(down, Ordering::SeqCst);
    }

    fn script(&self) -> impl Fn(&Mail, usize) -> Answer + Send + Sync + 'static {
        let down = self.0.clone();
        move |_, _| {
            let gone = || RecipientOutcome::NotAttempted(trouble(TroubleKind::Unreachable, Phase::Connect));
            Answer::All(if down.load(Ordering::SeqCst) { gone() } else { accepted() })
        }
    }
}

/// The relays that were tried. With paused time a probe may come while the store still works, so how
/// often is not said.
fn in_turn(view: &JobView) -> Vec<&str> {
    let mut relays: Vec<_> = view.attempts.iter().map(|a| a.relay.as_str()).collect();
    relays.dedup();
    relays
}

fn took(bench: &Bench, relay: usize) -> u64 {
    bench.worker.relays().status()[relay].sent
}

async fn named(bench: &Bench, relay: &str) -> JobId {
    let job = NewJob { route: relay.into(), ..job(&["b@example.org"]) };
    let id = job.id;
    bench.submit_all(vec![job]).await;
    id
}

#[tokio::test(start_paused = true)]
async fn mail_goes_to_the_second_relay_while_the_first_is_down_and_back() {
    let first = Switch::default();
    let mut bench =
        bench_of(vec![relay("first", first.script()), relay("second", |_, _| Answer::All(accepted()))]);
    let id = bench.submit(&["b@example.org"]).await;
    bench.until(id, Status::Sent).await;
    assert_eq!((took(&bench, 0), took(&bench, 1)), (1, 0));

    first.set(true);
    let id = bench.submit(&["b@example.org"]).await;
    // The mail that found it down is tried at the other at once.
    let view = bench.until(id, Status::Sent).await;
    let relays = in_turn(&view);
    assert_eq!(relays, ["first", "second"]);
    assert!(!view.possible_duplicate);
    assert_eq!((took(&bench, 0), took(&bench, 1)), (1, 1));

    first.set(false);
    tokio::time::advance(Duration::from_secs(2)).await;
    for _ in 0..8 {
        let id = bench.submit(&["b@example.org"]).await;
        bench.until(id, Status::Sent).await;
    }
    let before = took(&bench, 1);
    for _ in 0..8 {
        let id = bench.submit(&["b@example.org"]).await;
        bench.until(id, Status::Sent).await;
    }
    assert_eq!(took(&bench, 1), before, "the first has its mail again");
}

#[tokio::test(start_paused = true)]
async fn mail_that_names_a_relay_waits_for_it_and_takes_no_other() {
    let second = Switch::default();
    second.set(true);
    let scenes = vec![relay("first", |_, _| Answer::All(accepted())), relay("second", second.script())];
    let mut bench = bench_of(scenes);
    let id = named(&bench, "second").await;
    bench.until(id, Status::Deferred).await;
    let free = bench.submit(&["c@example.org"]).await;
    bench.until(free, Status::Sent).await;
    assert_eq!(bench.sent_to(), [["c@example.org"]], "the first relay gets its own only");
    second.set(false);
    bench.pass(Duration::from_secs(2));
    let view = bench.until(id, Status::Sent).await;
    assert!(view.attempts.iter().all(|a| a.relay == "second"));
}

#[tokio::test(start_paused = true)]
async fn mail_in_doubt_goes_back_to_the_relay_that_may_have_it() {
    let first = Switch::default();
    first.set(true);
    let lost = |_: &Mail, nth| match nth {
        1 => Answer::All(RecipientOutcome::Unknown(trouble(TroubleKind::Lost, Phase::End))),
        _ => Answer::All(accepted()),
    };
    let mut bench = bench_of(vec![relay("first", first.script()), relay("second", lost)]);
    let id = bench.submit(&["b@example.org"]).await;
    while !bench.view(id).await.possible_duplicate {
        bench.changed().await;
    }
    // The first is well again, and so the second is spare; but the mail may be there.
    first.set(false);
    bench.pass(Duration::from_secs(2));
    let other = bench.submit(&["c@example.org"]).await;
    bench.until(other, Status::Sent).await;
    bench.pass(Duration::from_secs(90));
    let view = bench.until(id, Status::Sent).await;
    let relays = in_turn(&view);
    assert_eq!(relays, ["first", "second"]);
}

#[tokio::test(start_paused = true)]
async fn b3_63_mail_that_one_relay_cannot_carry_is_given_to_the_next() {
    let cannot = |_: &Mail, _| {
        let status = EnhancedStatus { class: Class::Permanent, subject: 6, detail: 7 };
        Answer::All(RecipientOutcome::Undeliverable { status, text: "no SMTPUTF8 here".into() })
    };
    let mut bench = bench_of(vec![relay("first", cannot), relay("second", |_, _| Answer::All(accepted()))]);
    let id = bench.submit(&["b@example.org"]).await;
    let view = bench.until(id, Status::Sent).await;
    assert_eq!(view.attempts.last().unwrap().relay, "second");
    let mut bench = bench_of(vec![relay("first", cannot), relay("second", cannot)]);
    let id = bench.submit(&["b@example.org"]).await;
    assert_eq!(bench.until(id, Status::Failed).await.attempts.len(), 2, "the last one's word is final");
    let id = named(&bench, "first").await;
    assert_eq!(bench.until(id, Status::Failed).await.attempts.len(), 1, "its caller wants no other");
}

/// The spare relay cannot take it; the first could, and is only down.
#[tokio::test(start_paused = true)]
async fn b3_63_mail_that_the_spare_relay_cannot_carry_waits_for_the_first() {
    let cannot = |_: &Mail, _| {
        let status = EnhancedStatus { class: Class::Permanent, subject: 6, detail: 3 };
        Answer::All(RecipientOutcome::Undeliverable { status, text: "no 8BITMIME here".into() })
    };
    let first = Switch::default();
    first.set(true);
    let spare = vec![relay("first", first.script()), relay("second", cannot), relay("third", cannot)];
    let mut bench = bench_of(spare);
    let id = bench.submit(&["b@example.org"]).await;
    while !bench.view(id).await.attempts.iter().any(|a| a.relay == "third") {
        bench.changed().await;
    }
    first.set(false);
    let view = loop {
        bench.pass(Duration::from_secs(2));
        let view = bench.view(id).await;
        if view.status.is_final() {
            break view;
        }
        bench.changed().await;
    };
    assert_eq!(view.status, Status::Sent);
    assert_eq!(in_turn(&view), ["first", "second", "third", "first"]);
}

#[tokio::test(start_paused = true)]
async fn a_paused_relay_gets_nothing_until_it_is_resumed() {
    let mut bench = bench(|_, _| Answer::All(accepted()));
    assert!(bench.worker.relays().pause("default", "moving house") && !bench.worker.relays().resume("other"));
    assert_eq!(bench.worker.relays().status()[0].paused.as_deref(), Some("moving house"));
    let id = bench.submit(&["b@example.org"]).await;
    for _ in 0..50 {
        tokio::task::yield_now().await;
        assert_eq!(bench.view(id).await.status, Status::Queued);
    }
    assert!(bench.worker.relays().resume("default"));
    bench.until(id, Status::Sent).await;
}

#[tokio::test(start_paused = true)]
async fn what_others_pause_and_resume_is_so_here_at_once() {
    let mut bench = bench(|_, nth| match nth {
        1 => Answer::All(RecipientOutcome::NotAttempted(trouble(TroubleKind::Auth, Phase::Auth))),
        _ => Answer::All(accepted()),
    });
    let relays = bench.worker.relays().clone();
    let named = |names: &[&str]| -> Vec<(String, String)> {
        names.iter().map(|name| ((*name).to_owned(), "moving house".to_owned())).collect()
    };
    let id = bench.submit(&["b@example.org"]).await;
    bench.until(id, Status::Deferred).await;
    relays.set_pauses(None, named(&["default", "of another node"]));
    assert_eq!(relays.status()[0].paused.as_deref(), Some("moving house"));
    relays.set_pauses(Some("night"), named(&["default"]));
    assert_eq!(relays.status()[0].paused.as_deref(), Some("night"));
    relays.set_pauses(None, named(&[]));
    let resumed = &relays.status()[0];
    assert_eq!((&resumed.paused, &resumed.trouble), (&None, &None), "it is trusted anew");
    bench.until(id, Status::Sent).await;
}

#[tokio::test(start_paused = true)]
async fn what_was_paused_stays_so_when_the_relays_are_changed() {
    let mut bench = bench(|_, _| Answer::All(accepted()));
    let relays = bench.worker.relays().clone();
    assert!(relays.pause("default", "moving house"));
    relays.pause_all(Some("night"));
    let clock: Arc<dyn Clock> = bench.clock.clone();
    let route = |name: &str| {
        let (relay, _) = relay(name, |_, _| Answer::All(accepted()));
        vec![Route { name: "default".into(), relays: vec![relay] }]
    };
    let next = bench.worker.successor(&bench.store, route("default"), WorkerSettings::default(), &clock);
    let old = std::mem::replace(&mut bench.worker, next);
    assert_eq!(old.drain(Duration::from_secs(1), std::future::pending()).await, Drained::Clean);
    let why = |relays: &Relays| relays.status()[0].paused.clone();
    assert_eq!(why(&relays).as_deref(), Some("night"));
    relays.pause_all(None);
    assert_eq!(why(&relays).as_deref(), Some("moving house"));
    let id = bench.submit(&["b@example.org"]).await;
    assert!(relays.resume("default"));
    bench.until(id, Status::Sent).await;
}

#[tokio::test(start_paused = true)]
async fn a_relay_that_is_told_too_much_is_given_less_and_asked_later() {
    let mut bench = bench(|_, nth| match nth {
        1 => Answer::All(refused(451, "4.7.1 rate limit exceeded, try again in 7 seconds")),
        _ => Answer::All(accepted()),
    });
    assert_eq!(bench.worker.relays().status()[0].connections, 2);
    let id = bench.submit(&["b@example.org"]).await;
    let view = bench.until(id, Status::Deferred).await;
    assert_eq!(view.due_at.duration_since(bench.clock_now()).as_secs(), 7);
    assert_eq!(bench.worker.relays().status()[0].connections, 1);
    bench.pass(Duration::from_secs(7));
    bench.until(id, Status::Sent).await;
    for _ in 0..8 {
        let id = bench.submit(&["b@example.org"]).await;
        bench.until(id, Status::Sent).await;
    }
    assert_eq!(bench.worker.relays().status()[0].connections, 2, "it may do more again");
}

/// The connection is gone with the reply, and the reply says for how long.
#[tokio::test(start_paused = true)]
async fn a_relay_that_goes_and_says_for_how_long_is_believed() {
    let mut bench = bench(|_, nth| match nth {
        1 => {
            let reply = Some(envelope::Reply::new(421, "4.3.2 restarting, try again in 40 seconds"));
            let busy = trouble(TroubleKind::Busy, Phase::Greeting);
            Answer::All(RecipientOutcome::NotAttempted(send::Trouble { reply, ..busy }))
        }
        _ => Answer::All(accepted()),
    });
    let id = bench.submit(&["b@example.org"]).await;
    let view = bench.until(id, Status::Deferred).await;
    assert_eq!(view.due_at.duration_since(bench.clock_now()).as_secs(), 40);
    assert_eq!(bench.worker.relays().status()[0].connections, 1, "and is given less");
    bench.pass(Duration::from_secs(40));
    bench.until(id, Status::Sent).await;
}

#[tokio::test(start_paused = true)]
async fn b1_14_a_mail_that_breaks_its_sender_three_times_is_quarantined() {
    let mut bench = bench(|mail, _| match mail.to[0].address.local() {
        "poison" => Answer::Panic,
        _ => Answer::All(accepted()),
    });
    let poison = bench.submit(&["poison@example.org"]).await;
    for _ in 0..2 {
        bench.until(poison, Status::Deferred).await;
        bench.pass(Duration::from_secs(3600));
    }
    let view = bench.until(poison, Status::Held).await;
    assert!(view.held_because.unwrap().contains("panicked three times"));
    let healthy = bench.submit(&["b@example.org"]).await;
    bench.until(healthy, Status::Sent).await;
}
