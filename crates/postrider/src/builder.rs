//! How an application opens its mailer.

use crate::own::{Hook, Own};
use crate::{
    Access, DEFAULT_ROUTE, FieldError, Limits, Mailer, MailerSettings, Message, MessageIdStyle, Profile,
    Relay, SteadyClock, SubmitError,
};
use ::message::dkim::SignedFields;
use envelope::{Mailbox, ReversePath};
use jiff::Timestamp;
use queue::state::{StateDb, StateError};
use queue::{
    AnyStore, Clock, KnownRelays, RedisPlace, RedisSettings, RedisStore, Store, StoreError, StoreSettings,
};
use send::{Keyring, Sender, SigningSender};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::runtime::Handle;
use worker::{RetryProfile, Route, Worker, WorkerSettings};

/// Where mail is kept until it is sent.
enum Place {
    Disk(PathBuf),
    Memory,
    Redis(RedisPlace),
}

/// Settings of an application's mailer, checked by [`open`](Self::open). A store, a clock and a relay are
/// needed, everything else has a default.
pub struct MailerBuilder {
    place: Option<Place>,
    clock: Option<Arc<dyn Clock>>,
    relays: Vec<Relay>,
    from: Option<String>,
    envelope_from: Option<String>,
    domain: Option<String>,
    hostname: String,
    profile: Profile,
    limits: Limits,
    store: StoreSettings,
    retry: Vec<Duration>,
    expire: Duration,
    keyring: Option<Arc<Keyring>>,
    hook: Hook,
}

/// Why a mailer could not be opened. `Display` is for the operator of the application.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Mistakes in what the builder was told, each with the step's name.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Invalid(Vec<FieldError>),
    /// The store's folder cannot be used, or is another process's; or Redis does not answer, or is none to keep
    /// mail in.
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    State(#[from] StateError),
    /// There is no tokio runtime to work in, or it could not be made.
    #[error("no runtime: {0}")]
    Runtime(String),
}

impl MailerBuilder {
    pub(crate) fn new() -> Self {
        Self {
            place: None,
            clock: None,
            relays: Vec::new(),
            from: None,
            envelope_from: None,
            domain: None,
            hostname: "localhost".into(),
            profile: Profile::default(),
            limits: Limits::default(),
            store: StoreSettings::default(),
            retry: Vec::new(),
            expire: Duration::from_secs(5 * 86_400),
            keyring: None,
            hook: Arc::new(|_, _| {}),
        }
    }

    /// Keeps mail in this folder, which is made if it is not there: what was accepted survives whatever
    /// dies. One process has it at a time.
    pub fn disk(mut self, folder: impl Into<PathBuf>) -> Self {
        self.place = Some(Place::Disk(folder.into()));
        self
    }

    /// Keeps mail in memory: what waits is lost when the process ends.
    pub fn memory(mut self) -> Self {
        self.place = Some(Place::Memory);
        self
    }

    /// Keeps mail in Redis, 7.0 or newer, where all whose place is the same share one queue: what a process that
    /// died had in hand goes to the others within 18 seconds, marked as a possible duplicate. What was accepted
    /// survives the death of Redis only with `appendonly yes` and `appendfsync always`;
    /// [`AnyStore::warnings`] of [`Mailer::store`] says what it is worth. Pauses are the process's own and end
    /// with it.
    pub fn redis(mut self, place: RedisPlace) -> Self {
        self.place = Some(Place::Redis(place));
        self
    }

    /// The wall clock, which we read through the application alone: `Timestamp::now`, or a clock of a test.
    pub fn clock(self, now: impl Fn() -> Timestamp + Send + Sync + 'static) -> Self {
        self.clock_of(Arc::new(SteadyClock::new(now)))
    }

    /// As [`clock`](Self::clock), with a steady time of one's own.
    pub fn clock_of(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// The way out, as relay `default` with ten connections. Called again, or after it, [`relay`](Self::relay)
    /// adds further ways by priority: each is for when those before it are in trouble.
    pub fn sender(self, sender: impl Sender + 'static) -> Self {
        self.relay(Relay::new(DEFAULT_ROUTE, Arc::new(sender)))
    }

    /// A way out with its name and bounds.
    pub fn relay(mut self, relay: Relay) -> Self {
        self.relays.push(relay);
        self
    }

    /// The From of messages that bring none: `"Shop <shop@example.com>"`.
    pub fn from(mut self, mailbox: impl Into<String>) -> Self {
        self.from = Some(mailbox.into());
        self
    }

    /// The address that bounces go to, in place of From's; empty: none.
    pub fn envelope_from(mut self, address: impl Into<String>) -> Self {
        self.envelope_from = Some(address.into());
        self
    }

    /// Signs mail as it leaves, on every way, by the keys of its author's domain (RFC 6376). Whether the keys'
    /// records are in DNS is not looked up here: [`DkimKey::set_published`](crate::DkimKey::set_published) is for
    /// who does. A relay that wants other fields signed gets a [`SigningSender`](crate::SigningSender) of its own
    /// in the place of this.
    pub fn dkim(mut self, keyring: impl Into<Arc<Keyring>>) -> Self {
        self.keyring = Some(keyring.into());
        self
    }

    /// Stands before every subject, with a space between.
    pub fn subject_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.profile.subject_prefix = prefix.into();
        self
    }

    /// The domain of Message-IDs; that of From unless given.
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Our name in `Received` fields of finished messages; `localhost` unless given.
    pub fn hostname(mut self, name: impl Into<String>) -> Self {
        self.hostname = name.into();
        self
    }

    /// Bounds on what one message may be.
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// Most messages that may wait; more are refused as `Busy`. Unless given, the disk is the bound.
    pub fn length(mut self, messages: usize) -> Self {
        self.store.length = Some(messages);
        self
    }

    /// Waits between tries, the last repeated; 1 m, 5 m, 15 m, 30 m, 1 h, 2 h, 4 h unless given.
    pub fn retry(mut self, delays: impl Into<Vec<Duration>>) -> Self {
        self.retry = delays.into();
        self
    }

    /// How long a message is tried unless it says otherwise; five days unless given.
    pub fn expire(mut self, after: Duration) -> Self {
        self.expire = after;
        self
    }

    /// How long it is remembered what became of a message (30 days), and how long the bytes of a sent one are
    /// kept (not at all).
    pub fn keep(mut self, history: Duration, body: Duration) -> Self {
        (self.store.keep_history, self.store.keep_body) = (history, body);
        self
    }

    /// Called with each message given to [`Mailer::send_async`] that could not be stored, beside the line in
    /// the log. Must return soon: other mail waits.
    pub fn on_error(mut self, hook: impl Fn(&Message, &SubmitError) + Send + Sync + 'static) -> Self {
        self.hook = Arc::new(hook);
        self
    }

    /// Opens the store, starts to deliver what waits in it, and returns the mailer. Its counterpart is
    /// [`Mailer::close`].
    ///
    /// # Errors
    /// `Invalid` lists every mistake at once. Nothing was opened.
    pub async fn open(mut self) -> Result<Mailer, OpenError> {
        let runtime = Handle::try_current().map_err(|error| OpenError::Runtime(error.to_string()))?;
        let mistakes = self.settle();
        let (Some(place), Some(clock), true) = (self.place.take(), self.clock.take(), mistakes.is_empty())
        else {
            return Err(OpenError::Invalid(mistakes));
        };
        let (store, state) = open(&runtime, place, self.store, clock.clone()).await?;
        let names: Vec<Arc<str>> = self.relays.iter().map(|relay| relay.name.clone()).collect();
        let routes = names.iter().cloned().chain([DEFAULT_ROUTE.into()]).collect();
        store.know(KnownRelays { routes, relays: names.clone() }).await?;
        let (all, each): (Vec<_>, Vec<_>) = state.pauses()?.into_iter().partition(|p| p.relay.is_none());
        let each = each.into_iter().filter_map(|pause| Some((pause.relay?, pause.why)));
        let paused = worker::Relays::paused(all.first().map(|pause| pause.why.as_str()), each);
        if let Some(keyring) = self.keyring {
            sign(&mut self.relays, &keyring, &clock);
        }
        let route = Route { name: DEFAULT_ROUTE.into(), relays: self.relays };
        let settings = WorkerSettings::new(RetryProfile::new(self.retry));
        let worker = Worker::start_with(paused, &store, vec![route], settings, &clock);
        let settings = MailerSettings {
            profile: self.profile,
            limits: self.limits,
            expire_after: self.expire,
            relays: names.iter().map(ToString::to_string).collect(),
            hostname: self.hostname,
            first_try: Duration::ZERO,
        };
        let relays = worker.relays().clone();
        let mailer = Mailer::new(store, Access::new(Arc::new(state)), settings, clock, relays);
        mailer.set_own(Own::new(worker, self.hook, &runtime));
        Ok(mailer)
    }

    /// Turns what was told into a profile; returns the mistakes.
    fn settle(&mut self) -> Vec<FieldError> {
        let mut found = Vec::new();
        let mut say = |field: &str, problem: String| found.push(FieldError { field: field.into(), problem });
        if self.place.is_none() {
            say(
                "disk",
                "no store is chosen; call .disk(folder), .redis(place), or .memory() for mail that may be lost"
                    .into(),
            );
        }
        if self.clock.is_none() {
            say("clock", "is missing; call .clock(Timestamp::now)".into());
        }
        if self.relays.is_empty() {
            say("sender", "no way out is given; call .sender(…), for example with an SmtpSender".into());
        }
        for (n, relay) in self.relays.iter().enumerate() {
            if self.relays.iter().take(n).any(|before| before.name == relay.name) {
                say("relay", format!("there are two relays {:?}; give one another name", relay.name));
            }
        }
        if let Some(from) = &self.from {
            match Mailbox::parse(from) {
                Ok(mailbox) => self.profile.from = Some(mailbox),
                Err(error) => say("from", error.to_string()),
            }
        }
        match self.envelope_from.as_deref() {
            None => {}
            Some("") => self.profile.envelope_from = Some(ReversePath(None)),
            Some(text) => match Mailbox::parse(text) {
                Ok(mailbox) => self.profile.envelope_from = Some(ReversePath(Some(mailbox.address))),
                Err(error) => say("envelope_from", error.to_string()),
            },
        }
        let author = self.profile.from.as_ref().map(|from| from.address.domain().to_owned());
        let domain = self.domain.take().or(author).unwrap_or_else(|| "localhost".into());
        self.profile.message_id = MessageIdStyle::Unique { domain };
        found
    }
}

/// Each relay signs what it takes.
fn sign(relays: &mut [Relay], keyring: &Arc<Keyring>, clock: &Arc<dyn Clock>) {
    for relay in relays {
        let clock = clock.clone();
        let (plain, now) = (relay.sender.clone(), Arc::new(move || clock.now()));
        relay.sender = Arc::new(SigningSender::new(plain, keyring.clone(), SignedFields::default(), now));
    }
}

async fn open(
    runtime: &Handle,
    place: Place,
    settings: StoreSettings,
    clock: Arc<dyn Clock>,
) -> Result<(AnyStore, StateDb), OpenError> {
    let folder = match place {
        Place::Memory => return Ok((AnyStore::memory(settings, clock), StateDb::in_memory()?)),
        Place::Redis(place) => return in_redis(place, settings, clock).await,
        Place::Disk(folder) => folder,
    };
    // It reads the whole log.
    let opened = runtime.spawn_blocking(move || {
        let (store, report) = AnyStore::open_disk(&folder, settings, clock)?;
        tracing::info!(
            unsettled = report.unsettled,
            possible_duplicates = report.possible_duplicates,
            "the queue is open"
        );
        if report.corrupt > 0 {
            tracing::error!(frames = report.corrupt, "damaged records were set aside in quarantine/");
        }
        Ok((store, StateDb::open(&folder)?))
    });
    opened.await.unwrap_or_else(|error| Err(OpenError::Runtime(error.to_string())))
}

async fn in_redis(
    place: RedisPlace,
    settings: StoreSettings,
    clock: Arc<dyn Clock>,
) -> Result<(AnyStore, StateDb), OpenError> {
    let about = format!("postrider {} in pid {}", env!("CARGO_PKG_VERSION"), std::process::id());
    let redis = RedisSettings { about, ..RedisSettings::default() };
    let store = AnyStore::Redis(RedisStore::open(place, settings, redis, clock).await?);
    for warning in store.warnings() {
        tracing::warn!("the queue in Redis: {warning}");
    }
    Ok((store, StateDb::in_memory()?))
}
