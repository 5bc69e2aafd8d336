//! The notifier: kinds, templates and settings, and the way from an event to the queue.

use crate::error::NotifyError;
use crate::event::Event;
use crate::forge;
use crate::from::FromFormat;
use crate::kind::EventKind;
use crate::plan::{Desk, Group, Letter, Plan, plan};
use crate::recipients::Skipped;
use postrider::{Address, Caller, JobId, Mailer, Message, SubmitError};
use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use template::Templates;

/// What the house is called, and what it wants.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifySettings {
    /// `ENABLE_NOTIFY_MAIL`: whether kinds of class `Notification` are mailed.
    pub enabled: bool,
    /// `FROM_DISPLAY_NAME_FORMAT`
    pub from_format: FromFormat,
    /// `APP_NAME`, in the head and foot of the built-in mails.
    pub app_name: String,
    /// `ROOT_URL`
    pub app_url: Option<String>,
    /// The domain of Message-IDs and List-IDs.
    pub domain: String,
}

impl Default for NotifySettings {
    fn default() -> Self {
        Self {
            enabled: true,
            from_format: FromFormat::default(),
            app_name: "Postrider".into(),
            app_url: None,
            domain: "localhost".into(),
        }
    }
}

/// Whether mail of this caller to this address is suppressed.
pub(crate) type Suppressed = Arc<dyn Fn(&Caller, &Address) -> bool + Send + Sync>;

/// Turns events into mail. Cheap to clone.
#[derive(Clone)]
pub struct Notifier {
    inner: Arc<Inner>,
}

struct Inner {
    mailer: Mailer,
    templates: Shelf,
    forge: Kinds,
    own: Kinds,
    suppressed: Suppressed,
    live: RwLock<Arc<Live>>,
}

/// Where the templates that hold now are.
type Shelf = Box<dyn Fn() -> Arc<Templates> + Send + Sync>;

type Kinds = BTreeMap<String, Arc<EventKind>>;

/// What a reload changes.
#[derive(Default)]
struct Live {
    settings: NotifySettings,
    kinds: Kinds,
}

/// What became of an event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Notified {
    /// In the recipients' order.
    pub mails: Vec<Mailed>,
    pub skipped: Vec<Skipped>,
}

/// A mail that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mailed {
    pub id: JobId,
    pub to: Address,
    /// It was taken before; nothing new was stored.
    pub repeated: bool,
    /// Whether it survives a crash.
    pub durable: bool,
}

/// Makes a notifier.
pub struct Builder {
    mailer: Mailer,
    own: Vec<EventKind>,
    suppressed: Suppressed,
    settings: NotifySettings,
}

/// No event may be called so.
const RESERVED: &str = "send";
/// Octets of a name.
const MAX_NAME: usize = 100;

impl Builder {
    /// A kind of event of the application's own, in place of one of the same name.
    pub fn event(mut self, kind: EventKind) -> Self {
        self.own.push(kind);
        self
    }

    pub fn events(mut self, kinds: impl IntoIterator<Item = EventKind>) -> Self {
        self.own.extend(kinds);
        self
    }

    pub fn settings(mut self, settings: NotifySettings) -> Self {
        self.settings = settings;
        self
    }

    /// Whom mail does not reach any more.
    pub fn suppressed(mut self, check: impl Fn(&Caller, &Address) -> bool + Send + Sync + 'static) -> Self {
        self.suppressed = Arc::new(check);
        self
    }

    /// `templates` says which hold at the moment.
    ///
    /// # Errors
    /// A kind has a name that no event may have.
    pub fn build(
        self,
        templates: impl Fn() -> Arc<Templates> + Send + Sync + 'static,
    ) -> Result<Notifier, NotifyError> {
        let live = Live { settings: self.settings, kinds: Kinds::new() };
        let inner = Inner {
            mailer: self.mailer,
            templates: Box::new(templates),
            forge: named(forge::kinds())?,
            own: named(self.own)?,
            suppressed: self.suppressed,
            live: RwLock::new(Arc::new(live)),
        };
        Ok(Notifier { inner: Arc::new(inner) })
    }
}

impl Notifier {
    pub fn builder(mailer: Mailer) -> Builder {
        let suppressed = Arc::new(|_: &Caller, _: &Address| false);
        Builder { mailer, own: Vec::new(), suppressed, settings: NotifySettings::default() }
    }

    /// Other settings hold for events from now on, and these kinds beside those it was built with.
    ///
    /// # Errors
    /// A kind has a name that no event may have; nothing is changed.
    pub fn change(&self, settings: NotifySettings, more: Vec<EventKind>) -> Result<(), NotifyError> {
        let live = Live { settings, kinds: named(more)? };
        *self.inner.live.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(live);
        Ok(())
    }

    /// The names of all events there are.
    pub fn events(&self) -> Vec<String> {
        let templates = (self.inner.templates)();
        let kinds = self.inner.forge.keys().chain(self.inner.own.keys()).cloned();
        let by_template = templates.list().into_iter().map(|listed| listed.id.replace('/', "."));
        let mut all: Vec<String> =
            kinds.chain(self.live().kinds.keys().cloned()).chain(by_template).collect();
        all.sort();
        all.dedup();
        all.retain(|name| self.kind(&self.live(), name, &templates).is_some());
        all
    }

    /// The kind of this name: the application's own, those of the settings, the forge's, or one that a
    /// template makes by its name.
    fn kind(&self, live: &Live, name: &str, templates: &Templates) -> Option<Arc<EventKind>> {
        let Inner { own, forge, .. } = &*self.inner;
        let known = own.get(name).or_else(|| live.kinds.get(name)).or_else(|| forge.get(name));
        if let Some(kind) = known {
            return kind.templates.iter().any(|id| templates.contains(id)).then(|| kind.clone());
        }
        let kind = EventKind::new(name);
        let there = |id: &String| templates.contains(id) && !forge.values().any(|f| f.templates.contains(id));
        (is_event_name(name) && kind.templates.iter().any(there)).then(|| Arc::new(kind))
    }

    /// What would be mailed of an event, to whom; nothing is.
    ///
    /// # Errors
    /// As `notify`, but for those of the queue.
    pub fn plan(&self, caller: &Caller, name: &str, event: &Event) -> Result<Plan, NotifyError> {
        if name == RESERVED {
            return Err(NotifyError::Reserved(name.into()));
        }
        let (live, templates) = (self.live(), (self.inner.templates)());
        let kind = self.kind(&live, name, &templates);
        let kind =
            kind.ok_or_else(|| NotifyError::Unknown { name: name.to_owned(), known: self.events() })?;
        let desk = Desk {
            templates: &templates,
            settings: &live.settings,
            profile: &self.inner.mailer.settings().profile,
            now: self.inner.mailer.clock().now(),
            suppressed: &|address| (self.inner.suppressed)(caller, address),
        };
        plan(&desk, &kind, event)
    }

    /// Mails an event: one mail for each recipient who is to hear of it, durable when this returns. What
    /// was handed over before, by the event's id or its Message-ID, is not mailed again.
    ///
    /// # Errors
    /// Nothing was mailed, unless it is `Interrupted`.
    pub async fn notify(&self, caller: &Caller, name: &str, event: &Event) -> Result<Notified, NotifyError> {
        let (letters, skipped) = self.made(caller, name, event).await?;
        let batch = self.inner.mailer.settings().limits.batch.max(1);
        if letters.len() > batch && letters.iter().any(|(_, m)| m.options.idempotency_key.is_none()) {
            let problem = format!(
                "is missing; an event to more than {batch} recipients needs one, so that it can be handed over again"
            );
            return Err(NotifyError::Invalid(vec![postrider::FieldError { field: "id".into(), problem }]));
        }
        let mut mails = Vec::with_capacity(letters.len());
        let mut letters = letters.into_iter();
        loop {
            let (addresses, messages): (Vec<_>, Vec<_>) = letters.by_ref().take(batch).unzip();
            if messages.is_empty() {
                return Ok(Notified { mails, skipped });
            }
            match self.inner.mailer.submit_batch_as(caller, messages).await {
                Ok(receipts) => mails.extend(addresses.into_iter().zip(receipts).map(|(to, r)| Mailed {
                    id: r.id,
                    to,
                    repeated: r.repeated,
                    durable: r.durable,
                })),
                Err(because) if mails.is_empty() => return Err(because.into()),
                Err(because) => return Err(NotifyError::Interrupted { taken: mails.len(), because }),
            }
        }
    }

    /// Plans and composes off the runtime's threads: templates may take their time.
    async fn made(
        &self,
        caller: &Caller,
        name: &str,
        event: &Event,
    ) -> Result<(Vec<(Address, Message)>, Vec<Skipped>), NotifyError> {
        let (this, caller, name, event) = (self.clone(), caller.clone(), name.to_owned(), event.clone());
        let made = tokio::task::spawn_blocking(move || {
            let plan = this.plan(&caller, &name, &event)?;
            let skipped = plan.skipped.clone();
            Ok((this.letters(plan)?, skipped))
        });
        made.await.map_err(|error| NotifyError::Template(format!("making the mails broke off: {error}")))?
    }

    /// All mails in the recipients' order; the text of a group is composed once and shared.
    fn letters(&self, plan: Plan) -> Result<Vec<(Address, Message)>, NotifyError> {
        let mut all = Vec::new();
        for group in plan.groups {
            let Group { text, letters, .. } = group;
            let body = self.inner.mailer.shared_body(&text);
            let body = body.map_err(|faults| NotifyError::Submit(SubmitError::Invalid(faults)))?;
            all.extend(letters.into_iter().map(|letter| {
                let Letter { to, head, options, place } = letter;
                (place, (to, Message { draft: head, options, body: Some(body.clone()), template: None }))
            }));
        }
        all.sort_by_key(|(place, _)| *place);
        Ok(all.into_iter().map(|(_, mail)| mail).collect())
    }

    fn live(&self) -> Arc<Live> {
        self.inner.live.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// Kinds by their names; of two with one name the later.
fn named(kinds: Vec<EventKind>) -> Result<Kinds, NotifyError> {
    if let Some(kind) = kinds.iter().find(|kind| !is_event_name(&kind.name)) {
        return Err(NotifyError::Reserved(kind.name.clone()));
    }
    Ok(kinds.into_iter().map(|kind| (kind.name.clone(), Arc::new(kind))).collect())
}

/// Whether an event may have this name: letters, digits, `.`, `-` and `_`, and not `send`.
pub fn is_event_name(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    (1..=MAX_NAME).contains(&name.len()) && name.chars().all(fits) && name != RESERVED
}
