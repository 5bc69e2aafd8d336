//! Mails that break their sender, relays that are black holes, operators that act while mail leaves.

use crate::bench::{Answer, Bench, accepted, bench, bench_of, job, refused, relay, trouble};
use queue::{Action, JobId, NewJob, Priority, Status, Store};
use send::{Phase, RecipientOutcome, TroubleKind};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

async fn count(bench: &Bench, status: Status) -> u64 {
    let stats = bench.store.stats().await.unwrap();
    stats.by_status.into_iter().find(|(name, _)| *name == status.word()).unwrap().1
}

fn unreachable() -> Answer {
    Answer::All(RecipientOutcome::NotAttempted(trouble(TroubleKind::Unreachable, Phase::Connect)))
}

#[tokio::test(start_paused = true)]
async fn b1_15_mails_in_a_row_that_break_the_sender_are_all_set_aside_and_hold_nobody_up() {
    let mut bench = bench(|mail, _| match mail.to[0].address.local() {
        "poison" => Answer::Panic,
        _ => Answer::All(accepted()),
    });
    let poison: Vec<NewJob> = (0..200).map(|_| job(&["poison@example.org"])).collect();
    bench.submit_all(poison).await;
    bench.submit_all((0..10).map(|_| job(&["b@example.org"])).collect()).await;
    while count(&bench, Status::Sent).await < 10 {
        bench.changed().await;
    }
    let mut looks = 0;
    while count(&bench, Status::Held).await < 200 {
        looks += 1;
        if looks % 10 == 0 {
            bench.pass(Duration::from_secs(60));
        }
    }
    let tries = bench.sent_to().iter().filter(|to| to[0] == "poison@example.org").count();
    assert_eq!(tries, 600, "three each");
}

/// The count is in the record of the mail: a worker that starts anew goes on from it.
#[tokio::test(start_paused = true)]
async fn b1_14_the_count_of_panics_survives_the_worker() {
    let mut bench = bench(|_, _| Answer::Panic);
    let poison = bench.submit(&["poison@example.org"]).await;
    for _ in 0..2 {
        bench.until(poison, Status::Deferred).await;
        bench.renew();
        bench.pass(HOUR);
    }
    let view = bench.until(poison, Status::Held).await;
    assert!(view.held_because.unwrap().contains("panicked three times"));
    assert_eq!(view.attempts.len(), 3);
}

#[tokio::test(start_paused = true)]
async fn b1_20_a_black_hole_delays_no_mail_of_another_relay() {
    let scenes = vec![relay("well", |_, _| Answer::All(accepted())), relay("dead", |_, _| unreachable())];
    let dead = scenes[1].1.clone();
    let mut bench = bench_of(scenes);
    let jobs = |route: &str, n: usize| -> Vec<NewJob> {
        (0..n).map(|_| NewJob { route: route.into(), ..job(&["b@example.org"]) }).collect()
    };
    bench.submit_all(jobs("dead", 10_000)).await;
    bench.submit_all(jobs("well", 10)).await;
    while count(&bench, Status::Sent).await < 10 {
        bench.changed().await;
    }
    // Two connections with a batch of four each, then one probe after the other.
    let tries = dead.seen.lock().unwrap().len();
    assert!(tries < 100, "{tries} tries at the dead relay");
    assert_eq!(count(&bench, Status::Failed).await, 0);
}

#[tokio::test(start_paused = true)]
async fn b1_21_a_relay_that_comes_back_is_met_one_by_one_and_the_queue_drains() {
    const MAILS: usize = 2_000;
    let down = Arc::new(AtomicBool::new(true));
    let is_down = down.clone();
    let (mut only, sender) = relay("default", move |_, _| match is_down.load(Ordering::SeqCst) {
        true => unreachable(),
        false => Answer::All(accepted()),
    });
    only.connections = 8;
    let mut bench = bench_of(vec![(only, sender)]);
    bench.submit_all((0..MAILS).map(|_| job(&["b@example.org"])).collect()).await;
    bench.taken(40).await;
    down.store(false, Ordering::SeqCst);
    let before = bench.sender.seen.lock().unwrap().len();
    let mut seen = vec![];
    while count(&bench, Status::Sent).await < MAILS as u64 {
        bench.pass(Duration::from_secs(1));
        bench.changed().await;
        let relay = &bench.worker.relays().status()[0];
        if relay.trouble.is_none() && seen.last() != Some(&relay.connections) {
            seen.push(relay.connections);
        }
    }
    let after = bench.sender.seen.lock().unwrap().len();
    assert!(after - before <= MAILS + 8, "{} tries for {MAILS} mails", after - before);
    assert!(seen.windows(2).all(|two| two[0] < two[1]), "{seen:?}");
    assert_eq!(seen.last(), Some(&8), "{seen:?}");
}

/// Cancelled or sent, and told so everywhere: never both, never neither.
#[tokio::test]
async fn b1_23_who_cancels_while_mail_leaves_hears_what_became_of_it() {
    let mut bench = bench(|_, _| Answer::All(accepted()));
    let mut said: HashMap<JobId, bool> = HashMap::new();
    for round in 0..60 {
        let jobs: Vec<NewJob> = (0..8).map(|n| job(&[&format!("b{round}-{n}@example.org")])).collect();
        let ids: Vec<JobId> = jobs.iter().map(|j| j.id).collect();
        let store = bench.store.clone();
        let acting = async {
            let mut said = Vec::new();
            for id in ids {
                // Held, let go, cancelled: whichever still comes in time.
                drop(store.act(id, Action::Hold("a look".into())).await);
                drop(store.act(id, Action::Release).await);
                said.push((id, store.act(id, Action::Cancel).await.is_ok()));
            }
            said
        };
        let (_, acted) = tokio::join!(bench.submit_all(jobs), acting);
        said.extend(acted);
    }
    while bench.store.stats().await.unwrap().unsettled > 0 {
        bench.changed().await;
    }
    let sent = bench.sent_to().concat();
    for (id, cancelled) in said {
        let view = bench.view(id).await;
        let times = sent.iter().filter(|to| **to == view.envelope.to[0].address.to_string()).count();
        let want = if cancelled { (Status::Cancelled, 0) } else { (Status::Sent, 1) };
        assert_eq!((view.status, times), want, "{id}");
    }
}

#[tokio::test]
async fn urgent_mail_is_tried_again_soon() {
    let mut bench = bench(|_, _| Answer::All(refused(451, "4.3.0 later")));
    let urgent = NewJob { priority: Priority::Urgent, ..job(&["b@example.org"]) };
    let id = urgent.id;
    bench.submit_all(vec![urgent]).await;
    for seconds in [10, 30, 60, 120, 300, 300] {
        let view = bench.until(id, Status::Deferred).await;
        let wait = view.due_at.duration_since(bench.clock_now()).as_millis();
        assert!((seconds * 800..=seconds * 1_200).contains(&wait), "{seconds} s: {wait} ms");
        bench.pass(Duration::from_secs(u64::try_from(seconds).unwrap() * 2));
    }
}

/// An outage of days: the relay is asked every few minutes, and the mail keeps a record that can be read.
#[tokio::test(start_paused = true)]
async fn an_outage_of_days_does_not_fill_the_record_of_a_mail() {
    let mut bench = bench(|_, _| unreachable());
    let id = bench.submit(&["b@example.org"]).await;
    for _ in 0..60 {
        bench.until(id, Status::Deferred).await;
        bench.pass(HOUR);
        bench.taken(1).await;
    }
    let view = bench.until(id, Status::Deferred).await;
    assert_eq!(view.attempts.len(), 20);
}
