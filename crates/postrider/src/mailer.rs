//! The way in: everything that is accepted passes here.

use crate::inflight::InFlight;
use crate::own::Own;
use crate::room::Room;
use crate::submit::{self, Place, Prepared};
use crate::{Access, Budget, Caller, MailerSettings, Message, RawSubmission, Scope, SubmitError};
use ::message::{Draft, FieldError, SharedBody};
use jiff::Timestamp;
use queue::{AnyStore, Clock, InsertError, Inserted, JobId, NewJob, Store};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock};
use template::Templates;
use worker::Relays;

/// Submits mail. Cheap to clone; all clones are one.
///
/// An application opens one with [`Mailer::builder`] and calls [`submit`](Mailer::submit),
/// [`send`](Mailer::send) or [`send_async`](Mailer::send_async). Doors, which know who asks, call the
/// forms that end in `_as`.
#[derive(Clone)]
pub struct Mailer {
    inner: Arc<Inner>,
}

struct Inner {
    store: AnyStore,
    settings: RwLock<Arc<MailerSettings>>,
    clock: Arc<dyn Clock>,
    budget: Budget,
    access: Access,
    /// Who we are in `Received` fields.
    instance: String,
    in_flight: InFlight,
    room: Room,
    ids: submit::Ids,
    relays: Relays,
    draining: AtomicBool,
    templates: RwLock<Arc<Templates>>,
    /// What a builder opened beside us.
    own: OnceLock<Own>,
}

/// What was accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    pub id: JobId,
    /// An earlier submission with the same idempotency key; nothing new was stored.
    pub repeated: bool,
    /// Whether it survives a crash.
    pub durable: bool,
}

impl Mailer {
    /// A mailer over a store; `relays` are the worker's.
    pub fn new(
        store: AnyStore,
        access: Access,
        settings: MailerSettings,
        clock: Arc<dyn Clock>,
        relays: Relays,
    ) -> Self {
        let budget = Budget::new(settings.limits.memory);
        let (in_flight, ids) = (InFlight::default(), submit::Ids::default());
        let settings = RwLock::new(Arc::new(settings));
        let draining = AtomicBool::new(false);
        let instance = access.state().instance();
        Self {
            inner: Arc::new(Inner {
                store,
                settings,
                clock,
                budget,
                access,
                instance,
                in_flight,
                room: Room::default(),
                ids,
                relays,
                draining,
                templates: RwLock::default(),
                own: OnceLock::new(),
            }),
        }
    }

    /// Composes and stores one message; returns once it is durable.
    ///
    /// # Errors
    /// Nothing was stored. `Invalid` and `TooLarge` are the caller's to mend, `Busy` passes.
    pub async fn submit_as(&self, caller: &Caller, message: Message) -> Result<Receipt, SubmitError> {
        self.admits(caller)?;
        self.submit_admitted(caller, &message).await
    }

    /// As `submit_as`, for mail that was admitted before we began to close.
    pub(crate) async fn submit_admitted(
        &self,
        caller: &Caller,
        message: &Message,
    ) -> Result<Receipt, SubmitError> {
        let prepared = self.prepare(caller, message, Place::default())?;
        self.insert_one(caller, prepared).await
    }

    /// Composes and stores all messages or none. A mistake's field starts with `[n].`.
    ///
    /// # Errors
    /// As `submit_as`; `Invalid` lists the mistakes of every message.
    pub async fn submit_batch_as(
        &self,
        caller: &Caller,
        messages: Vec<Message>,
    ) -> Result<Vec<Receipt>, SubmitError> {
        self.admits(caller)?;
        let limit = self.settings().limits.batch;
        if messages.is_empty() || messages.len() > limit {
            return Err(SubmitError::TooLarge(format!(
                "a batch holds 1 to {limit} messages, not {}",
                messages.len()
            )));
        }
        let (mut jobs, mut mistakes) = (Vec::new(), Vec::new());
        let mut keys: HashMap<&str, u16> = HashMap::new();
        for (number, message) in (0..).zip(&messages) {
            let seen = message.options.idempotency_key.as_deref().map(|key| keys.entry(key).or_default());
            let same_key = seen.map_or(0, |seen| std::mem::replace(seen, *seen + 1));
            let prepared = self.prepare(caller, message, Place { number: Some(number), same_key });
            if message.template.is_some() {
                // Filling takes milliseconds, and others have the thread too.
                tokio::task::yield_now().await;
            }
            match prepared {
                Ok(prepared) => jobs.push(prepared.job),
                Err(SubmitError::Invalid(errors)) => mistakes.extend(errors),
                Err(other) => return Err(other),
            }
        }
        if !mistakes.is_empty() {
            return Err(SubmitError::Invalid(mistakes));
        }
        self.insert(caller, jobs).await
    }

    /// Composes text, HTML and files of a draft once, for many messages (`Message::body`).
    ///
    /// # Errors
    /// Every mistake in the attachments.
    pub fn shared_body(&self, draft: &Draft) -> Result<Arc<SharedBody>, Vec<FieldError>> {
        let unique = self.inner.ids.next(self.inner.clock.now()).0.as_u128();
        let composed = SharedBody::compose(draft, &self.settings().profile, unique);
        composed.map(Arc::new).map_err(|error| error.0)
    }

    /// Stores a finished message; returns once it is durable.
    ///
    /// # Errors
    /// As `submit_as`.
    pub async fn submit_raw_as(&self, caller: &Caller, raw: RawSubmission) -> Result<Receipt, SubmitError> {
        self.admits(caller)?;
        let i = &self.inner;
        let prepared = submit::raw(caller, raw, &self.settings(), &i.instance, i.clock.now(), &i.ids)?;
        self.insert_one(caller, prepared).await
    }

    fn prepare(&self, caller: &Caller, message: &Message, place: Place) -> Result<Prepared, SubmitError> {
        let i = &self.inner;
        let templates = self.templates();
        let house = submit::House { settings: &self.settings(), templates: &templates, ids: &i.ids };
        submit::composed(caller, message, place, &house, i.clock.now())
    }

    pub(crate) fn in_flight(&self) -> &InFlight {
        &self.inner.in_flight
    }

    pub(crate) fn fresh_id(&self, now: Timestamp) -> JobId {
        self.inner.ids.next(now)
    }

    /// Whether mail of this caller is taken now.
    pub(crate) fn admits(&self, caller: &Caller) -> Result<(), SubmitError> {
        if !caller.may(Scope::Send) {
            return Err(SubmitError::Forbidden("this key may not send; it lacks the scope \"send\"".into()));
        }
        if self.inner.draining.load(Ordering::Acquire) {
            return Err(SubmitError::Busy(crate::steer::DRAINING.into()));
        }
        if self.own().is_some_and(Own::is_closing) {
            return Err(SubmitError::Busy("the mailer is closed".into()));
        }
        Ok(())
    }

    async fn insert_one(&self, caller: &Caller, prepared: Prepared) -> Result<Receipt, SubmitError> {
        let mut receipts = self.insert(caller, vec![prepared.job]).await?;
        receipts.pop().ok_or_else(|| SubmitError::Store("the store answered for no message".into()))
    }

    async fn insert(&self, caller: &Caller, jobs: Vec<NewJob>) -> Result<Vec<Receipt>, SubmitError> {
        let keys = jobs.iter().filter_map(|j| j.idempotency.as_ref()).map(|i| i.key.as_str());
        let claims = self.inner.in_flight.claim(&caller.project, keys).ok_or(SubmitError::KeyInFlight)?;
        let inserted = self.inner.room.insert(&self.inner.store, jobs).await.map_err(refusal)?;
        // Who asks again from here on is told of this mail.
        drop(claims);
        self.first_try(&inserted, self.settings().first_try).await;
        let durable = self.inner.store.durable();
        let receipt =
            |i: Inserted| Receipt { id: i.id(), repeated: matches!(i, Inserted::Repeat(_)), durable };
        Ok(inserted.into_iter().map(receipt).collect())
    }

    pub fn store(&self) -> &AnyStore {
        &self.inner.store
    }

    pub(crate) fn template_set(&self) -> &RwLock<Arc<Templates>> {
        &self.inner.templates
    }

    /// The settings that hold now.
    pub fn settings(&self) -> Arc<MailerSettings> {
        self.inner.settings.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Other settings hold for what is submitted from now on. The byte budget stays as it was made.
    pub fn change(&self, settings: MailerSettings) {
        *self.inner.settings.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }

    pub fn clock(&self) -> &dyn Clock {
        &*self.inner.clock
    }

    /// The octets doors may hold; take a permit before reading a body.
    pub fn budget(&self) -> &Budget {
        &self.inner.budget
    }

    pub fn access(&self) -> &Access {
        &self.inner.access
    }

    /// What a builder opened beside the mailer, and set once.
    pub(crate) fn own(&self) -> Option<&Own> {
        self.inner.own.get()
    }

    pub(crate) fn set_own(&self, own: Own) {
        self.inner.own.get_or_init(|| own);
    }

    pub(crate) fn draining(&self) -> &AtomicBool {
        &self.inner.draining
    }

    /// The relays: how they do, paused and resumed.
    pub fn relays(&self) -> &Relays {
        &self.inner.relays
    }
}

fn refusal(error: InsertError) -> SubmitError {
    match error {
        InsertError::Full(text) | InsertError::Crowded(text) => SubmitError::Busy(text),
        InsertError::KeyReused(id) => SubmitError::KeyReused(id),
        InsertError::Store(error) => SubmitError::Store(error.to_string()),
    }
}
