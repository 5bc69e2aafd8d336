//! A notifier and a mailer that keeps what it took.

use postrider::{
    Access, Address, AnyStore, Caller, Door, Draft, Limits, Mailbox, Mailer, MailerSettings, MessageIdStyle,
    Profile, Relays, Store,
};
use postrider_notify::{Builder, Event, Notifier, NotifyError, NotifySettings, Plan, built_in};
use queue::StoreSettings;
use queue::state::StateDb;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use template::{Source, Templates};
use testkit::ManualClock;

pub(crate) const START: &str = "2026-11-26T10:00:00Z";

pub(crate) struct House {
    pub(crate) mailer: Mailer,
    pub(crate) notifier: Notifier,
    pub(crate) caller: Caller,
}

pub(crate) fn settings() -> NotifySettings {
    NotifySettings {
        app_name: "Forge".into(),
        app_url: Some("https://forge.example/".into()),
        domain: "forge.example".into(),
        ..NotifySettings::default()
    }
}

pub(crate) fn profile() -> Profile {
    Profile {
        from: Mailbox::parse("Forge <forge@forge.example>").ok(),
        message_id: MessageIdStyle::Unique { domain: "forge.example".into() },
        ..Profile::default()
    }
}

pub(crate) fn house() -> House {
    house_with(&[], |builder| builder)
}

/// With further templates (path and text) over the built-in ones.
pub(crate) fn house_with(more: &[(&str, &str)], change: impl FnOnce(Builder) -> Builder) -> House {
    let clock = Arc::new(ManualClock::new(START.parse().unwrap()));
    let keep_body = Duration::from_secs(3_600);
    let store = AnyStore::memory(StoreSettings { keep_body, ..StoreSettings::default() }, clock.clone());
    let mailer_settings = MailerSettings {
        profile: profile(),
        limits: Limits::default(),
        expire_after: Duration::from_secs(3_600),
        relays: Vec::new(),
        hostname: "forge.example".into(),
        first_try: Duration::ZERO,
    };
    let access = Access::new(Arc::new(StateDb::in_memory().unwrap()));
    let mailer = Mailer::new(store, access, mailer_settings, clock, Relays::default());
    let builder = change(Notifier::builder(mailer.clone()).settings(settings()));
    let notifier = builder.build(fixed(templates(more))).unwrap();
    House { mailer, notifier, caller: Caller::local(Door::Http) }
}

pub(crate) fn templates(more: &[(&str, &str)]) -> Arc<Templates> {
    let more = more.iter().map(|(name, text)| Source {
        name: (*name).into(),
        text: (*text).into(),
        origin: (*name).into(),
    });
    Arc::new(Templates::new(built_in().into_iter().chain(more)).unwrap_or_else(|e| panic!("{e:#?}")))
}

/// Templates that nobody changes.
pub(crate) fn fixed(templates: Arc<Templates>) -> impl Fn() -> Arc<Templates> + Send + Sync {
    move || templates.clone()
}

impl House {
    pub(crate) fn plan(&self, name: &str, json: &Value) -> Plan {
        self.notifier.plan(&self.caller, name, &event(json)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// Fields of the mistakes.
    pub(crate) fn faults(&self, name: &str, json: &Value) -> Vec<String> {
        match self.notifier.plan(&self.caller, name, &event(json)) {
            Err(NotifyError::Invalid(faults)) => faults.into_iter().map(|f| f.field).collect(),
            other => panic!("{name}: {other:?}"),
        }
    }

    /// The one mail of an event to one recipient.
    pub(crate) fn draft(&self, name: &str, json: &Value) -> Draft {
        let plan = self.plan(name, json);
        assert_eq!((plan.groups.len(), plan.groups[0].letters.len()), (1, 1));
        plan.groups[0].draft(&plan.groups[0].letters[0])
    }

    pub(crate) async fn stored(&self) -> usize {
        let all = queue::Filter { limit: 1_000, ..queue::Filter::default() };
        self.mailer.store().list(all).await.unwrap().jobs.len()
    }
}

pub(crate) fn event(json: &Value) -> Event {
    Event::read(json.clone()).unwrap_or_else(|e| panic!("{e:?}"))
}

/// The value of a field; empty: it is not there.
pub(crate) fn field(draft: &Draft, name: &str) -> String {
    let found = draft.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
    found.map(|(_, values)| values.join(" | ")).unwrap_or_default()
}

pub(crate) fn addresses(plan: &Plan) -> Vec<String> {
    let mut all: Vec<_> = plan.groups.iter().flat_map(|g| &g.letters).map(|l| (l.place, &l.to)).collect();
    all.sort_by_key(|(place, _)| *place);
    all.into_iter().map(|(_, to): (_, &Address)| to.as_str().to_owned()).collect()
}

pub(crate) fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

pub(crate) fn sample(name: &str) -> Value {
    let text = std::fs::read_to_string(folder("samples").join(format!("{name}.json"))).unwrap();
    serde_json::from_str(&text).unwrap()
}
