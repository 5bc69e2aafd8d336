//! The running whole: store, worker, mailer, doors; from the first lock to the last sync.

use crate::clock::WallClock;
use crate::config::{Listen, Settings};
use crate::exit::Failure;
use crate::signals::Signals;
use crate::{drop, listen, smtp_door, ways, wire};
use http_door::{HttpLimits, HttpSettings, Listener, Trust};
use postrider::{Access, DEFAULT_ROUTE, Limits, Mailer, MailerSettings};
use queue::state::StateDb;
use queue::{AnyStore, Clock, KnownRelays, Store};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use worker::{Drained, Route, Worker, WorkerSettings};

/// What differs between `dev` and `serve`.
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    /// Whether the HTTP door asks for keys.
    pub(crate) trust: Trust,
    /// How flags or keys name the doors, for errors.
    pub(crate) http_name: &'static str,
    pub(crate) smtp_name: &'static str,
    /// Where `submit.sock` goes; `None`: the data folder.
    pub(crate) runtime_dir: Option<PathBuf>,
    /// How long mail under way may take at the end.
    pub(crate) grace: Duration,
}

/// Open and serving.
pub(crate) struct House {
    store: AnyStore,
    worker: Worker,
    doors: JoinSet<()>,
    stop: watch::Sender<bool>,
    sockets: Vec<PathBuf>,
    grace: Duration,
    pub(crate) http: Listen,
    pub(crate) smtp: Option<Listen>,
}

/// How long open requests of the HTTP door may take at the end.
const ANSWERS: Duration = Duration::from_secs(20);

impl House {
    /// Opens everything. The ports come first, so that a second start fails before it touches the store.
    pub(crate) async fn open(plan: Plan) -> Result<Self, Failure> {
        let s = plan.settings;
        wire::folder(&s.data_dir)?;
        let http = listen::http(&s.http.listen, plan.http_name).await?;
        let smtp = smtp_door::open(&s, plan.smtp_name).await?;
        let http_at = match &http {
            Listener::Tcp(listener) => Listen::Tcp(listener.local_addr()?),
            Listener::Unix(_) => s.http.listen.clone(),
        };
        let smtp_at = match &smtp {
            Some(listener) => smtp_door::place(listener, &s)?,
            None => None,
        };
        wire::install_tls();
        let smtp_settings = match &smtp {
            Some(_) => Some(smtp_door::settings(&s, plan.trust == Trust::Open)?),
            None => None,
        };
        let clock: Arc<dyn Clock> = Arc::new(WallClock);
        let store = wire::store(&s, &clock)?;
        let state = Arc::new(StateDb::open(&s.data_dir).map_err(wire::state)?);
        let (routes, worker_settings) = ways_out(&s)?;
        know(&store, &s).await?;
        let worker = Worker::start(&store, routes, worker_settings, &clock);
        let mailer = Mailer::new(
            store.clone(),
            Access::new(state),
            mailer_settings(&s),
            clock,
            worker.relays().clone(),
        );
        let (stop, stopped) = watch::channel(false);
        let mut house = Self {
            store,
            worker,
            doors: JoinSet::new(),
            stop,
            sockets: Vec::new(),
            grace: plan.grace,
            http: http_at,
            smtp: smtp_at,
        };
        house.sockets(&s, plan.runtime_dir, &mailer, &stopped).await?;
        house.http_door(http, &s, plan.trust, &mailer, &stopped);
        if let (Some(listener), Some(settings)) = (smtp, smtp_settings) {
            house.doors.spawn(submission::serve(listener, mailer.clone(), settings, stopped));
        }
        // Behind the sockets: a sendmail that finds none of them writes before we look.
        let data_dir = s.data_dir.clone();
        house.doors.spawn(async move { drop::take(&data_dir, &mailer).await });
        Ok(house)
    }

    /// The two sockets of this machine.
    async fn sockets(
        &mut self,
        s: &Settings,
        runtime_dir: Option<PathBuf>,
        mailer: &Mailer,
        stopped: &watch::Receiver<bool>,
    ) -> Result<(), Failure> {
        let control = s.data_dir.join("control.sock");
        let submit = runtime_dir.unwrap_or_else(|| s.data_dir.clone()).join("submit.sock");
        let open_to = listen::mode(s.smtp.allow_local);
        for (path, mode, trust) in
            [(control, listen::OWNER, Trust::Control), (submit, open_to, Trust::Submit)]
        {
            let listener = Listener::Unix(listen::unix(&path, mode).await?);
            self.sockets.push(path);
            self.http_door(listener, s, trust, mailer, stopped);
        }
        Ok(())
    }

    fn http_door(
        &mut self,
        listener: Listener,
        s: &Settings,
        trust: Trust,
        mailer: &Mailer,
        stopped: &watch::Receiver<bool>,
    ) {
        let limits = HttpLimits { drain: ANSWERS.min(self.grace), ..HttpLimits::default() };
        let settings = HttpSettings { public_url: s.http.public_url.clone(), limits };
        let router = http_door::router(mailer.clone(), settings, trust);
        self.doors.spawn(http_door::serve(listener, router, limits, stopped.clone()));
    }

    /// Serves until the first signal, then takes nothing new and finishes what is under way: for the
    /// grace period, or until the next signal.
    pub(crate) async fn serve(mut self, signals: &mut Signals) -> Result<(), Failure> {
        signals.next().await;
        tracing::info!(grace = ?self.grace, "stopping: finishing what is under way");
        self.stop.send_replace(true);
        let (hurry, hurried) = watch::channel(false);
        let doors = async {
            let closed = async { while self.doors.join_next().await.is_some() {} };
            tokio::select! {
                () = closed => {}
                () = told(hurried.clone()) => {}
                () = tokio::time::sleep(self.grace) => {}
            }
        };
        let finish = async { tokio::join!(doors, self.worker.drain(self.grace, told(hurried.clone()))).1 };
        let mut finish = std::pin::pin!(finish);
        let drained = tokio::select! {
            drained = &mut finish => drained,
            () = signals.next() => {
                hurry.send_replace(true);
                finish.await
            }
        };
        if drained == Drained::Hammered {
            tracing::warn!(
                "mail under way was broken off; it is tried again at the next start, marked as possible duplicate"
            );
        }
        for socket in &self.sockets {
            if let Err(error) = std::fs::remove_file(socket) {
                tracing::debug!(%error, socket = %socket.display(), "the socket was gone");
            }
        }
        self.store.close().await.map_err(|because| Failure::Store { path: "the queue".into(), because })
    }
}

/// The relays by priority, one route over all of them.
fn ways_out(s: &Settings) -> Result<(Vec<Route>, WorkerSettings), Failure> {
    let relays: Result<Vec<_>, Failure> =
        s.relays.iter().map(|relay| Ok(wire::relay(relay, ways::sender(relay)?))).collect();
    let route = Route { name: DEFAULT_ROUTE.into(), relays: relays? };
    Ok((vec![route], WorkerSettings { retry: worker::RetryProfile::new(s.queue.retry.clone()) }))
}

/// Tells the store which relays there are: mail of a vanished one is held.
async fn know(store: &AnyStore, s: &Settings) -> Result<(), Failure> {
    let relays: Vec<Arc<str>> = s.relays.iter().map(|relay| relay.name.as_str().into()).collect();
    let routes = relays.iter().cloned().chain([DEFAULT_ROUTE.into()]).collect();
    let known = store.know(KnownRelays { routes, relays }).await;
    known.map_err(|because| Failure::Store { path: s.data_dir.clone(), because })
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
    }
}
