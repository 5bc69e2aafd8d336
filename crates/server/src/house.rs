//! The running whole: store, worker, mailer, doors; from the first lock to the last sync.

use crate::clock::WallClock;
use crate::config::{Kept, Listen, Settings};
use crate::doors::{Doors, Manner};
use crate::exit::Failure;
use crate::reload::{self, Reread};
use crate::signals::{Signals, Told};
use crate::templates::Seen;
use crate::{circle, dkim, drop, events, left_behind, listen, store, templates, ways, wire};
use http_door::{Reload, ReloadAsk, Reloaded};
use postrider::{Access, DEFAULT_ROUTE, Limits, Mailer, MailerSettings};
use queue::state::StateDb;
use queue::{AnyStore, Clock, KnownRelays, Store, StoreError};
use send::Keyring;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use worker::{Drained, Route, Worker, WorkerSettings};

/// What differs between `dev` and `serve`.
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) manner: Manner,
    /// `None`: there is no file to read anew.
    pub(crate) reread: Option<Reread>,
}

/// Open and serving.
pub(crate) struct House {
    store: AnyStore,
    clock: Arc<dyn Clock>,
    worker: Worker,
    mailer: Mailer,
    doors: Doors,
    /// What goes on until the end and needs no farewell.
    beside: JoinSet<()>,
    /// The keys that sign, with what DNS said of them.
    keyring: Arc<Keyring>,
    /// Workers that finish what they had in hand when a reload replaced them.
    retiring: JoinSet<()>,
    hurry: watch::Sender<bool>,
    /// Where templates are, for who watches them.
    templates: watch::Sender<Arc<Seen>>,
    /// Those that hold.
    settings: Settings,
    reread: Option<Reread>,
    asked: mpsc::Receiver<ReloadAsk>,
    /// How long mail under way may take at the end.
    grace: Duration,
    pub(crate) http: Listen,
    pub(crate) smtp: Option<Listen>,
}

/// How long a replaced worker may take with what it has in hand: SMTP's own deadlines are shorter.
const RETIREMENT: Duration = Duration::from_secs(1_800);

/// How long a submission waits for its mail's first try where `[queue] TYPE` says that there is no queue: less than
/// the minute our own command line and many a proxy wait for an answer.
const FIRST_TRY: Duration = Duration::from_secs(30);

impl House {
    /// Opens everything. The ports come first, so that a second start fails before it touches the store.
    pub(crate) async fn open(plan: Plan) -> Result<Self, Failure> {
        let (s, grace) = (plan.settings, plan.manner.grace);
        circle::refuse(&s, plan.manner.runtime_dir.as_deref()).await?;
        wire::folder(&s.data_dir)?;
        wire::install_tls();
        let mut doors = Doors::new(plan.manner, &s);
        let fresh = doors.ready(&s).await?;
        let (set, seen) = templates::load(&s.templates)?;
        let kinds = events::read(s.templates.dir.as_deref())?;
        let clock: Arc<dyn Clock> = Arc::new(WallClock);
        let store = store::open(&s, &clock).await?;
        let state = Arc::new(state(&s).await?);
        let keyring = dkim::keyring(&s.dkim, None);
        let (routes, worker_settings) = ways_out(&s, &keyring)?;
        know(&store, &s).await?;
        let paused = wire::paused(&state)?;
        let worker = Worker::start_with(paused, &store, routes, worker_settings, &clock);
        let (access, relays) = (Access::new(state.clone()), worker.relays().clone());
        let followed = wire::follow(state, relays.clone());
        let mailer = Mailer::new(store.clone(), access, mailer_settings(&s), clock.clone(), relays);
        mailer.change_templates(Arc::new(set));
        doors.take_events(events::notifier(&mailer, &s, kinds)?);
        let (reload, asked) = Reload::channel();
        doors.open_local(&s, &mailer, reload).await?;
        doors.open(fresh, &s, &mailer);
        // Behind the sockets: a sendmail that finds none of them writes before we look.
        let (data_dir, taker) = (s.data_dir.clone(), mailer.clone());
        let mut beside = JoinSet::new();
        beside.spawn(async move { drop::watch(&data_dir, &taker).await });
        beside.spawn(followed);
        beside.spawn(dkim::watch(Arc::downgrade(&keyring), s.dkim.clone()));
        let (templates, told) = watch::channel(Arc::new(seen));
        beside.spawn(templates::watch(mailer.clone(), told));
        let (http, smtp) = doors.places()?;
        let http = http.ok_or_else(|| Failure::Bug("the HTTP door is not open".into()))?;
        Ok(Self {
            store,
            clock,
            worker,
            mailer,
            doors,
            beside,
            keyring,
            retiring: JoinSet::new(),
            hurry: watch::Sender::new(false),
            templates,
            settings: s,
            reread: plan.reread,
            asked,
            grace,
            http,
            smtp,
        })
    }

    /// Serves, reading the settings anew when asked, until told to end; then takes nothing new and
    /// finishes what is under way: for the grace period, or until the next signal.
    pub(crate) async fn serve(mut self, signals: &mut Signals) -> Result<(), Failure> {
        loop {
            let ask = tokio::select! {
                told = signals.next() => match told {
                    Told::Reload if self.reread.is_some() => None,
                    // A terminal that closes ends `dev`.
                    Told::End | Told::Reload => break,
                },
                ask = self.asked.recv() => ask,
            };
            let answer = self.reload().await;
            // Who asked may be gone; the log has it all.
            ask.map(|ask| ask.send(answer.map_err(|failure| failure.to_string())));
        }
        self.end(signals).await
    }

    /// Reads the settings anew. With a mistake in them, or a door or relay that cannot be had, nothing
    /// changes.
    async fn reload(&mut self) -> Result<Reloaded, Failure> {
        let told = self.try_reload().await;
        match &told {
            Ok(done) => {
                tracing::info!(relays = done.relays.join(", "), "the settings were read anew");
                for key in &done.needs_restart {
                    tracing::warn!("{key} was changed; it holds from the next start");
                }
            }
            Err(failure) => {
                tracing::error!("the new settings are refused, the old ones go on to hold:\n{failure}");
            }
        }
        told
    }

    async fn try_reload(&mut self) -> Result<Reloaded, Failure> {
        let mut new = reload::read(self.reread.as_ref()).await?;
        let needs_restart = reload::keep_fixed(&mut new, &self.settings);
        circle::refuse(&new, self.doors.runtime_dir()).await?;
        let keyring = dkim::keyring(&new.dkim, Some(&self.keyring));
        let (routes, worker_settings) = ways_out(&new, &keyring)?;
        let (set, seen) = templates::load_beside(new.templates.clone()).await?;
        let fresh = self.doors.ready(&new).await?;
        know(&self.store, &new).await?;
        let kinds = events::read(new.templates.dir.as_deref())?;
        // Nothing fails from here on.
        while self.beside.try_join_next().is_some() {}
        self.beside.spawn(dkim::watch(Arc::downgrade(&keyring), new.dkim.clone()));
        let next = self.worker.successor(&self.store, routes, worker_settings, &self.clock);
        let before = std::mem::replace(&mut self.worker, next);
        let hurried = self.hurry.subscribe();
        while self.retiring.try_join_next().is_some() {}
        self.retiring.spawn(async move {
            before.drain(RETIREMENT, told(hurried)).await;
        });
        self.mailer.change(mailer_settings(&new));
        self.mailer.change_templates(Arc::new(set));
        self.templates.send_replace(Arc::new(seen));
        self.doors.change_events(&new, kinds);
        self.doors.open(fresh, &new, &self.mailer);
        let relays = new.relays.iter().map(|relay| relay.name.clone()).collect();
        self.settings = new;
        self.keyring = keyring;
        Ok(Reloaded { relays, needs_restart })
    }

    async fn end(self, signals: &mut Signals) -> Result<(), Failure> {
        tracing::info!(grace = ?self.grace, "stopping: finishing what is under way");
        let Self { store, worker, mut doors, mut retiring, hurry, grace, settings, .. } = self;
        let hurried = hurry.subscribe();
        let sockets = doors.stop();
        let closed = async {
            tokio::select! {
                () = doors.closed() => {}
                () = told(hurried.clone()) => {}
                () = tokio::time::sleep(grace) => {}
            }
        };
        let retired = async {
            let all = async { while retiring.join_next().await.is_some() {} };
            tokio::select! {
                () = all => {}
                () = tokio::time::sleep(grace) => {}
            }
        };
        let worker = worker.drain(grace, told(hurried.clone()));
        let finish = async { tokio::join!(closed, retired, worker).2 };
        let mut finish = std::pin::pin!(finish);
        let drained = tokio::select! {
            drained = &mut finish => drained,
            () = signals.end() => {
                hurry.send_replace(true);
                finish.await
            }
        };
        if drained == Drained::Hammered {
            tracing::warn!(
                "mail under way was broken off; it is tried again at the next start, marked as possible duplicate"
            );
        }
        for socket in sockets {
            listen::remove(&socket);
        }
        left_behind::forget_if_empty(&store, &settings.data_dir).await;
        match store.close().await {
            // What it has is as it was, and the other nodes notice that we have gone.
            Err(StoreError::Away(why)) => {
                tracing::warn!("the queue was left without a word: {why}");
                Ok(())
            }
            closed => closed.map_err(Failure::Queue),
        }
    }
}

/// Off the runtime's threads: it may wait for Redis.
async fn state(s: &Settings) -> Result<StateDb, Failure> {
    let (folder, shared) = (s.data_dir.clone(), store::shared(s));
    let opened = tokio::task::spawn_blocking(move || wire::open_state(&folder, shared));
    opened.await.map_err(|cause| Failure::Bug(cause.to_string()))?
}

/// The relays by priority, one route over all of them.
fn ways_out(s: &Settings, keyring: &Arc<Keyring>) -> Result<(Vec<Route>, WorkerSettings), Failure> {
    let relays: Result<Vec<_>, Failure> =
        s.relays.iter().map(|relay| Ok(wire::relay(relay, ways::sender(relay, keyring)?))).collect();
    let route = Route { name: DEFAULT_ROUTE.into(), relays: relays? };
    Ok((vec![route], WorkerSettings::new(worker::RetryProfile::new(s.queue.retry.clone()))))
}

/// Tells the store which relays there are: mail of a vanished one is held.
async fn know(store: &AnyStore, s: &Settings) -> Result<(), Failure> {
    let relays: Vec<Arc<str>> = s.relays.iter().map(|relay| relay.name.as_str().into()).collect();
    let routes = relays.iter().cloned().chain([DEFAULT_ROUTE.into()]).collect();
    let known = store.know(KnownRelays { routes, relays }).await;
    known.map_err(Failure::Queue)
}

async fn told(mut flag: watch::Receiver<bool>) {
    // A sender that is gone cannot tell us to hurry any more.
    if flag.wait_for(|told| *told).await.is_err() {
        std::future::pending::<()>().await;
    }
}

fn mailer_settings(s: &Settings) -> MailerSettings {
    MailerSettings {
        profile: s.identity.profile.clone(),
        limits: Limits { memory: s.memory, message: s.smtp.max_size, ..Limits::default() },
        expire_after: s.queue.expire,
        relays: s.relays.iter().map(|relay| relay.name.clone()).collect(),
        hostname: s.identity.hostname.clone(),
        first_try: if s.queue.kept == Kept::TriedAtOnce { FIRST_TRY } else { Duration::ZERO },
    }
}
