//! What a mail gets when it leaves: its Date, and the signature of the key that holds then.

use crate::bench::{Answer, Bench, accepted, bench, job, refused, relay};
use jiff::ToSpan;
use message::dkim::{KeyKind, SignedFields, SigningKey, verify};
use postrider_worker::{Route, Worker, WorkerSettings};
use queue::{AnyStore, Clock, JobId, NewJob, Status, Store, StoreSettings};
use send::{DkimKey, Keyring, SigningSender};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use testkit::ManualClock;

const DAY: Duration = Duration::from_secs(86_400);

/// A mail for a later day, as the library stores it: its Date is empty.
fn later(days: i64) -> NewJob {
    let plain = job(&["b@example.org"]);
    let due_at = plain.created_at + (days * 24).hours();
    let header = "Date:\r\nFrom: a@example.com\r\nSubject: later\r\n\r\n".into();
    NewJob { due_at, expires_at: due_at + 240.hours(), header, ..plain }
}

fn header(bench: &Bench, nth: usize) -> String {
    String::from_utf8(bench.sender.seen.lock().unwrap()[nth].header.to_vec()).unwrap()
}

#[tokio::test]
async fn a_scheduled_mail_bears_the_date_of_its_first_attempt() {
    let clock = Arc::new(OnceLock::<Arc<ManualClock>>::new());
    let hands = clock.clone();
    let mut bench = bench(move |_, nth| match nth {
        1 => {
            // An attempt takes its time.
            hands.get().unwrap().advance(Duration::from_secs(600));
            Answer::All(refused(451, "4.3.0 later"))
        }
        _ => Answer::All(accepted()),
    });
    clock.get_or_init(|| bench.clock.clone());
    let job = later(3);
    let id = job.id;
    bench.submit_all(vec![job]).await;
    // It is noticed a day late.
    bench.pass(4 * DAY);
    bench.until(id, Status::Deferred).await;
    bench.pass(DAY);
    bench.until(id, Status::Sent).await;
    let want = "Date: Mon, 05 Jan 2026 00:00:00 +0000\r\nFrom: a@example.com\r\nSubject: later\r\n\r\n";
    assert_eq!((header(&bench, 0).as_str(), header(&bench, 1).as_str()), (want, want));
}

#[tokio::test]
async fn a_date_that_is_there_stays() {
    for header in ["From: a@example.com\r\ndate: Thu, 01 Jan 1970 00:00:00 +0000\r\n\r\n", "Date: x\r\n\r\n"]
    {
        let mut bench = bench(|_, _| Answer::All(accepted()));
        let job = NewJob { header: header.into(), ..job(&["b@example.org"]) };
        let id = job.id;
        bench.submit_all(vec![job]).await;
        bench.until(id, Status::Sent).await;
        assert_eq!(self::header(&bench, 0), header);
    }
}

/// The worker with a relay that signs by this key alone.
fn signing(
    store: &AnyStore,
    clock: &Arc<ManualClock>,
    key: DkimKey,
) -> (Worker, Arc<crate::bench::Scripted>) {
    let (mut relay, sender) = relay("default", |_, _| Answer::All(accepted()));
    let mut keyring = Keyring::default();
    keyring.add(key, false);
    let now = {
        let clock = clock.clone();
        Arc::new(move || clock.now())
    };
    relay.sender =
        Arc::new(SigningSender::new(relay.sender, Arc::new(keyring), SignedFields::default(), now));
    let route = Route { name: "default".into(), relays: vec![relay] };
    let shared: Arc<dyn Clock> = clock.clone();
    (Worker::start(store, vec![route], WorkerSettings::default(), &shared), sender)
}

#[tokio::test]
async fn a_mail_that_waited_eight_days_is_signed_by_the_key_of_the_day_it_leaves() {
    let start = "2026-01-01T00:00:00Z".parse().unwrap();
    let clock = Arc::new(ManualClock::new(start));
    let store = AnyStore::memory(StoreSettings::default(), clock.clone());
    let key = |selector: &str| {
        DkimKey::new("example.com", selector, SigningKey::generate(KeyKind::Ed25519).unwrap().0, Some(3600))
    };
    let (before, _) = signing(&store, &clock, key("january"));
    let job = later(8);
    let id: JobId = job.id;
    store.insert(vec![job]).await.unwrap();
    let next = key("february");
    let (name, record) = (next.record_name(), next.key.record());
    before.drain(Duration::ZERO, std::future::pending()).await;
    let (_after, sender) = signing(&store, &clock, next);
    let mut changes = store.changes();
    clock.advance(8 * DAY);
    store.poke();
    while !changes.recv().await.is_ok_and(|c| c.id == id && c.status == Status::Sent) {}
    let mail = sender.seen.lock().unwrap()[0].clone();
    let seen = verify(&mail.header, &mail.body, clock.now(), |asked| (asked == name).then(|| record.clone()));
    assert_eq!(seen.len(), 1);
    assert_eq!((seen[0].selector.as_str(), &seen[0].outcome), ("february", &Ok(KeyKind::Ed25519)));
    let header = String::from_utf8(mail.header.to_vec()).unwrap();
    assert!(header.contains("\r\nDate: Fri, 09 Jan 2026 00:00:00 +0000\r\n"), "{header}");
}
