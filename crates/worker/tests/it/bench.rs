//! A workbench: memory store, manual clock, scripted sender, running worker.

use bytes::Bytes;
use envelope::{Address, Envelope, Reply, ReversePath};
use futures_util::StreamExt;
use postrider_worker::{Relay, Route, Worker, WorkerSettings};
use queue::{
    AnyStore, Change, Clock, Door, JobId, JobView, Meta, NewJob, Priority, Status, Store, StoreSettings,
};
use send::{BoxStream, Mail, MailOutcome, Phase, RecipientOutcome, Sender, Trouble, TroubleKind};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use testkit::ManualClock;
use tokio::sync::{Semaphore, broadcast};

/// What the scripted sender does with a mail.
pub(crate) enum Answer {
    /// One outcome per recipient.
    Each(Vec<RecipientOutcome>),
    /// The same for all.
    All(RecipientOutcome),
    /// Never answers.
    Hang,
    Panic,
}

type Script = dyn Fn(&Mail, usize) -> Answer + Send + Sync;

/// A sender that does as the script says and keeps what it was given.
pub(crate) struct Scripted {
    script: Box<Script>,
    pub(crate) seen: Mutex<Vec<Mail>>,
    /// One permit per mail taken.
    pub(crate) taken: Semaphore,
}

impl Sender for Scripted {
    fn send_batch<'a>(&'a self, mails: BoxStream<'a, Mail>) -> BoxStream<'a, MailOutcome> {
        Box::pin(mails.then(move |mail| async move {
            let nth = {
                let mut seen = self.seen.lock().unwrap();
                seen.push(mail.clone());
                seen.len()
            };
            self.taken.add_permits(1);
            let recipients = match (self.script)(&mail, nth) {
                Answer::Each(outcomes) => outcomes,
                Answer::All(outcome) => vec![outcome; mail.to.len()],
                Answer::Hang => std::future::pending().await,
                // Without the hook, whose trace of the stack takes longer than the test.
                Answer::Panic => std::panic::resume_unwind(Box::new("a sender that breaks")),
            };
            MailOutcome {
                recipients,
                remote_id: Some("4XyZ".into()),
                ..MailOutcome::all(mail.ticket, 0, accepted(), "relay.test:25")
            }
        }))
    }
}

pub(crate) fn accepted() -> RecipientOutcome {
    RecipientOutcome::Accepted(Reply::new(250, "2.0.0 Ok: queued as 4XyZ"))
}

pub(crate) fn refused(code: u16, text: &str) -> RecipientOutcome {
    RecipientOutcome::Refused { phase: Phase::Rcpt, reply: Reply::new(code, text) }
}

pub(crate) fn trouble(kind: TroubleKind, phase: Phase) -> Trouble {
    Trouble { kind, phase, reply: None, text: "as the test says".into() }
}

/// Everything a test needs, and a worker that runs.
pub(crate) struct Bench {
    pub(crate) store: AnyStore,
    pub(crate) clock: Arc<ManualClock>,
    /// The first relay's.
    pub(crate) sender: Arc<Scripted>,
    pub(crate) worker: Worker,
    changes: broadcast::Receiver<Change>,
}

pub(crate) fn bench(script: impl Fn(&Mail, usize) -> Answer + Send + Sync + 'static) -> Bench {
    bench_of(vec![relay("default", script)])
}

/// A relay and the sender behind it.
pub(crate) type Scene = (Relay, Arc<Scripted>);

pub(crate) fn relay(name: &str, script: impl Fn(&Mail, usize) -> Answer + Send + Sync + 'static) -> Scene {
    let sender =
        Arc::new(Scripted { script: Box::new(script), seen: Mutex::default(), taken: Semaphore::new(0) });
    let relay = Relay {
        name: name.into(),
        url: format!("smtp://{name}.test:25").into(),
        sender: sender.clone(),
        connections: 2,
        batch: 4,
        rate: None,
    };
    (relay, sender)
}

/// Several relays of the default route, by priority.
pub(crate) fn bench_of(scenes: Vec<Scene>) -> Bench {
    let clock = Arc::new(ManualClock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let shared: Arc<dyn Clock> = clock.clone();
    let store = AnyStore::memory(StoreSettings::default(), shared.clone());
    let sender = scenes[0].1.clone();
    let relays = scenes.into_iter().map(|(relay, _)| relay).collect();
    let route = Route { name: "default".into(), relays };
    let settings = WorkerSettings::default();
    let changes = store.changes();
    let worker = Worker::start(&store, vec![route], settings, &shared);
    Bench { store, clock, sender, worker, changes }
}

pub(crate) fn job(to: &[&str]) -> NewJob {
    let created_at = "2026-01-01T00:00:00Z".parse().unwrap();
    let address = |text: &str| Address::parse(text).unwrap();
    NewJob {
        id: JobId(uuid::Uuid::now_v7()),
        project: "default".into(),
        envelope: Envelope::new(ReversePath(Some(address("a@example.com"))), to.iter().map(|t| address(t))),
        header: Bytes::from_static(b"Subject: x\r\n\r\n"),
        body: Bytes::from_static(b"body\r\n"),
        meta: Meta {
            message_id: "<x@example.com>".into(),
            subject: "x".into(),
            from: "a@example.com".into(),
            to: to.iter().map(ToString::to_string).collect(),
            ..Meta::new(Door::Library)
        },
        created_at,
        due_at: created_at,
        expires_at: "2026-01-06T00:00:00Z".parse().unwrap(),
        priority: Priority::Normal,
        route: "default".into(),
        idempotency: None,
        eight_bit: false,
        utf8_header: false,
    }
}

impl Bench {
    pub(crate) async fn submit(&self, to: &[&str]) -> JobId {
        let job = job(to);
        let id = job.id;
        self.store.insert(vec![job]).await.unwrap();
        id
    }

    /// Waits until the job changes to this status.
    pub(crate) async fn until(&mut self, id: JobId, status: Status) -> JobView {
        loop {
            let change = self.changes.recv().await;
            let missed = matches!(change, Err(broadcast::error::RecvError::Lagged(_)));
            if missed || change.is_ok_and(|c| c.id == id && c.status == status) {
                let view = self.view(id).await;
                if view.status == status {
                    return view;
                }
            }
        }
    }

    pub(crate) async fn view(&self, id: JobId) -> JobView {
        self.store.get(id).await.unwrap().unwrap()
    }

    /// Lets wall-clock time pass for the queue.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
        self.store.poke();
    }

    /// Waits until the sender took so many more mails.
    pub(crate) async fn taken(&self, mails: u32) {
        self.sender.taken.acquire_many(mails).await.unwrap().forget();
    }

    pub(crate) fn sent_to(&self) -> Vec<Vec<String>> {
        let seen = self.sender.seen.lock().unwrap();
        seen.iter().map(|m| m.to.iter().map(|r| r.address.to_string()).collect()).collect()
    }
}

impl Bench {
    pub(crate) fn clock_now(&self) -> jiff::Timestamp {
        self.clock.now()
    }

    /// Waits for any change.
    pub(crate) async fn changed(&mut self) {
        drop(self.changes.recv().await);
    }
}

impl Bench {
    /// Another worker over the same store and sender; the one before ends at once.
    pub(crate) fn renew(&mut self) {
        let clock: Arc<dyn Clock> = self.clock.clone();
        let relay = Relay {
            name: "default".into(),
            url: "smtp://default.test:25".into(),
            sender: self.sender.clone(),
            connections: 2,
            batch: 4,
            rate: None,
        };
        let route = Route { name: "default".into(), relays: vec![relay] };
        self.worker = Worker::start(&self.store, vec![route], WorkerSettings::default(), &clock);
    }

    pub(crate) async fn submit_all(&self, jobs: Vec<NewJob>) {
        self.store.insert(jobs).await.unwrap();
    }
}
