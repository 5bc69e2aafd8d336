//! Many mails, many relays, and one that will not do: what is bounded, what is told, and who pays.

use crate::bench::{Answer, Bench, accepted, bench, bench_of, job, refused, relay, trouble};
use postrider_worker::{Rate, Route, Worker, WorkerSettings};
use queue::{Clock, Status, Store};
use send::{Phase, RecipientOutcome, TroubleKind};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Keeps what is logged at level error.
#[derive(Clone, Default)]
struct Alarms(Arc<Mutex<Vec<String>>>, Arc<AtomicU64>);

struct Words(String);

impl Visit for Words {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.push_str(&format!("{field}={value:?} "));
    }
}

impl Subscriber for Alarms {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() == Level::ERROR
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1 + self.1.fetch_add(1, Ordering::Relaxed))
    }

    fn event(&self, event: &Event<'_>) {
        let mut words = Words(String::new());
        event.record(&mut words);
        self.0.lock().unwrap().push(words.0);
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

async fn count(bench: &Bench, status: Status) -> u64 {
    let stats = bench.store.stats().await.unwrap();
    stats.by_status.into_iter().find(|(name, _)| *name == status.word()).map_or(0, |(_, n)| n)
}

/// A wrong password is one matter for one person, not ten thousand failed mails.
#[tokio::test(start_paused = true)]
async fn b4_83_a_refused_login_defers_ten_thousand_mails_with_one_alarm() {
    let alarms = Alarms::default();
    // With one subscriber alone, a line that a test beside this one reaches first would be taken for never wanted.
    let _second = tracing::Dispatch::new(tracing::subscriber::NoSubscriber::default());
    let _guard = tracing::subscriber::set_default(alarms.clone());
    let mended = Arc::new(AtomicUsize::new(0));
    let answers = mended.clone();
    let bench = bench(move |_, _| match answers.load(Ordering::SeqCst) {
        0 => {
            let reply = Some(envelope::Reply::new(535, "5.7.8 authentication failed"));
            let refused = trouble(TroubleKind::Auth, Phase::Auth);
            Answer::All(RecipientOutcome::NotAttempted(send::Trouble { reply, ..refused }))
        }
        _ => Answer::All(accepted()),
    });
    bench.submit_all((0..10_000).map(|_| job(&["b@example.org"])).collect()).await;
    bench.taken(1).await;
    // It is asked again and again, as the standing clock jumps from one probe to the next.
    for _ in 0..6 {
        let taken = &bench.sender.taken;
        taken.forget_permits(taken.available_permits());
        bench.taken(1).await;
    }
    let seen = || bench.sender.seen.lock().unwrap().len();
    // Two connections had four mails each, then each probe has one.
    assert!((7..=8 + 6).contains(&seen()), "{} mails were tried at a relay that refuses our login", seen());
    assert_eq!(count(&bench, Status::Failed).await, 0);
    let told = alarms.0.lock().unwrap().clone();
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("535 5.7.8 authentication failed") && told[0].contains("default"), "{told:?}");

    mended.store(1, Ordering::SeqCst);
    assert!(bench.worker.relays().resume("default"));
    let mut bench = bench;
    bench.pass(Duration::from_secs(3_600));
    while count(&bench, Status::Sent).await < 10_000 {
        bench.changed().await;
    }
    assert_eq!(alarms.0.lock().unwrap().len(), 1);
}

/// Relays that take a connection and say nothing more, and one that is well.
#[tokio::test(start_paused = true)]
async fn b3_72_a_thousand_relays_that_stall_hold_their_own_share_only() {
    const STALLED: usize = 1_000;
    let mut bench = bench(|_, _| Answer::All(accepted()));
    let held = Arc::new(AtomicUsize::new(0));
    let clock: Arc<dyn Clock> = bench.clock.clone();
    let mut senders = Vec::new();
    let stalled = |n: usize| {
        let held = held.clone();
        let (relay, sender) = relay(&format!("stalled-{n}"), move |_, _| {
            held.fetch_add(1, Ordering::SeqCst);
            Answer::Hang
        });
        senders.push(sender);
        Route { name: relay.name.clone(), relays: vec![relay] }
    };
    let mut routes: Vec<Route> = (0..STALLED).map(stalled).collect();
    let (well, well_sender) = relay("default", |_, _| Answer::All(accepted()));
    routes.push(Route { name: "default".into(), relays: vec![well] });
    let worker = Worker::start(&bench.store, routes, WorkerSettings::default(), &clock);
    let old = std::mem::replace(&mut bench.worker, worker);
    old.drain(Duration::from_secs(5), std::future::pending()).await;

    let to = |n: usize| queue::NewJob { route: format!("stalled-{n}").into(), ..job(&["b@example.org"]) };
    bench.submit_all((0..STALLED).flat_map(|n| (0..10).map(move |_| n)).map(to).collect()).await;
    let jobs: Vec<_> = (0..100).map(|_| job(&["c@example.org"])).collect();
    bench.submit_all(jobs).await;
    while count(&bench, Status::Sent).await < 100 {
        bench.changed().await;
    }
    assert_eq!(well_sender.seen.lock().unwrap().len(), 100);
    // Two connections each, one mail in the hands of each; a batch leases four.
    let (held, leased) = (held.load(Ordering::SeqCst), count(&bench, Status::Sending).await);
    assert!(held <= 2 * STALLED && leased <= 2 * 4 * STALLED as u64, "{held} held, {leased} leased");
}

/// A mail whose address makes the relay hang up must not keep the relay from the others, nor stay for ever.
#[tokio::test(start_paused = true)]
async fn a_mail_whose_envelope_ends_the_line_each_time_is_charged_itself() {
    let mut bench = bench(|mail, _| match mail.to[0].address.local() {
        "poison" => Answer::All(RecipientOutcome::NotAttempted(trouble(TroubleKind::Lost, Phase::Rcpt))),
        _ => Answer::All(accepted()),
    });
    let poison = bench.submit(&["poison@example.org"]).await;
    bench.until(poison, Status::Deferred).await;
    assert!(bench.worker.relays().status()[0].trouble.is_some(), "it could be the relay");
    let other = bench.submit(&["b@example.org"]).await;
    bench.pass(Duration::from_secs(1));
    loop {
        let (tried, sent) = (bench.view(poison).await.attempts.len(), bench.view(other).await.status);
        if sent == Status::Sent && tried > 1 {
            break;
        }
        bench.pass(Duration::from_secs(300));
        bench.changed().await;
    }
    // Others were served since: from now on it is the mail's own affair.
    let view = loop {
        let view = bench.view(poison).await;
        let wait = view.due_at.duration_since(bench.clock_now()).as_secs();
        if view.status == Status::Deferred && wait >= 48 {
            break view;
        }
        bench.pass(Duration::from_secs(300));
        bench.changed().await;
    };
    assert!(!view.possible_duplicate);
    assert_eq!(bench.worker.relays().status()[0].trouble, None, "the relay is well");
}

#[tokio::test(start_paused = true)]
async fn b3_75_a_peer_s_words_are_escaped_and_short_where_its_trouble_is_told() {
    let said = format!("5.7.8 <script>\u{1b}[31m\r\nno {}", "x".repeat(100_000));
    let mut bench = bench(move |_, _| Answer::All(refused(535, &said)));
    let id = bench.submit(&["b@example.org"]).await;
    bench.until(id, Status::Deferred).await;
    let told = bench.worker.relays().status()[0].trouble.clone().unwrap();
    assert!(told.matches('x').count() < 300 && told.len() < 600, "{told}");
    assert!(!told.contains(['\u{1b}', '\r', '\n']), "{told}");
    assert!(told.contains("535 5.7.8 <script>\\u{1b}[31m"), "{told}");
}

#[tokio::test(start_paused = true)]
async fn a_relay_is_given_no_more_than_its_rate() {
    let (mut slow, sender) = relay("default", |_, _| Answer::All(accepted()));
    slow.rate = Some(Rate { mails: 10, per: Duration::from_secs(1) });
    let mut bench = bench_of(vec![(slow, sender)]);
    let start = tokio::time::Instant::now();
    bench.submit_all((0..60).map(|_| job(&["b@example.org"])).collect()).await;
    while count(&bench, Status::Sent).await < 60 {
        bench.changed().await;
    }
    // Ten at once, then ten a second.
    let took = start.elapsed().as_millis();
    assert!((4_900..5_500).contains(&took), "{took} ms");
}
