//! The store cannot be reached while mails are under way.

use crate::bench::{accepted, job, relay};
use futures_util::{StreamExt, stream};
use postrider_worker::{Relay, Route, Worker, WorkerSettings};
use queue::{AnyStore, Clock, RedisPlace, RedisSettings, RedisStore, Store, StoreSettings};
use send::{BoxStream, Mail, MailOutcome, Sender};
use std::sync::Arc;
use std::time::Duration;
use testkit::{Flavour, Link, ManualClock, Redis};
use tokio::sync::Semaphore;

/// Has two mails under way at once, as with BDAT, and a third if it is given one.
struct Window {
    taken: Semaphore,
    go: Semaphore,
    sent: Semaphore,
}

impl Window {
    async fn both(&self, mut mails: BoxStream<'_, Mail>) -> Vec<Mail> {
        let mut window = Vec::new();
        while window.len() < 2 {
            window.extend(mails.next().await);
        }
        self.taken.add_permits(2);
        self.go.acquire().await.unwrap().forget();
        window
    }
}

impl Sender for Window {
    fn send_batch<'a>(&'a self, mails: BoxStream<'a, Mail>) -> BoxStream<'a, MailOutcome> {
        let sent = |mail: Mail| MailOutcome::all(mail.ticket, mail.to.len(), accepted(), "relay.test:25");
        let window = stream::once(self.both(mails)).flat_map(stream::iter);
        Box::pin(window.then(move |mail| async move {
            // Each comes a moment after the one before, so that outcomes are seen one by one.
            tokio::task::yield_now().await;
            self.sent.add_permits(1);
            sent(mail)
        }))
    }
}

async fn within(semaphore: &Semaphore, many: u32, what: &str) {
    let got = tokio::time::timeout(Duration::from_secs(20), semaphore.acquire_many(many)).await;
    got.unwrap_or_else(|_| panic!("{what}")).unwrap().forget();
}

/// It went on once the store was there again, when the mail was long another node's.
#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn regress_a_mail_under_way_does_not_wait_for_the_outcome_of_another() {
    let clock: Arc<dyn Clock> = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let link = Link::to(Redis::shared(Flavour::Redis).port());
    let queue = uuid::Uuid::now_v7().to_string();
    let place = RedisPlace { queue, ..RedisPlace::tcp("127.0.0.1", link.port(), 0) };
    let opened =
        RedisStore::open_by(place, StoreSettings::default(), RedisSettings::default(), clock.clone());
    let store = AnyStore::Redis(opened.await.unwrap());
    store.insert(vec![job(&["b@example.org"]), job(&["c@example.org"])]).await.unwrap();
    let semaphore = || Semaphore::new(0);
    let window = Arc::new(Window { taken: semaphore(), go: semaphore(), sent: semaphore() });
    let (scene, _) = relay("default", |_, _| unreachable!());
    let relay = Relay { sender: window.clone(), connections: 1, ..scene };
    let route = Route { name: "default".into(), relays: vec![relay] };
    let worker = Worker::start(&store, vec![route], WorkerSettings::default(), &clock);

    within(&window.taken, 2, "both are under way").await;
    link.cut();
    window.go.add_permits(1);
    within(&window.sent, 2, "both are sent while the first one's outcome waits").await;

    link.heal();
    let settled = async {
        while store.stats().await.unwrap().unsettled > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), settled).await.expect("both are settled");
    drop(worker);
}
