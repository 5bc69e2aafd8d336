//! The relays at work, as doors and operators reach them: how they do, paused and resumed. Outlives the
//! worker, so that a reload changes the relays behind it.

use crate::desk::Desk;
use crate::status::RelayStatus;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Cheap to clone; all clones speak of the same relays.
#[derive(Clone, Default)]
pub struct Relays(Arc<Mutex<Inner>>);

#[derive(Default)]
struct Inner {
    desks: Vec<Arc<Desk>>,
    /// Why all are paused.
    all: Option<Box<str>>,
    /// Why single ones are, by name.
    each: BTreeMap<Box<str>, Box<str>>,
}

impl Inner {
    fn why(&self, relay: &str) -> Option<&str> {
        self.all.as_deref().or_else(|| self.each.get(relay).map(AsRef::as_ref))
    }

    /// Tells the desks; a relay that is resumed is trusted anew.
    fn apply(&self) {
        for desk in &self.desks {
            let why = self.why(&desk.relay.name);
            if desk.health().pause(why) {
                desk.tell();
            }
        }
    }
}

impl Relays {
    /// Relays of which these are paused before they first send: all, and single ones by name.
    pub fn paused(all: Option<&str>, each: impl IntoIterator<Item = (String, String)>) -> Self {
        let relays = Self::default();
        relays.set_pauses(all, each);
        relays
    }

    /// These are paused from now on, and no others; one that was and is no more is trusted anew.
    pub fn set_pauses(&self, all: Option<&str>, each: impl IntoIterator<Item = (String, String)>) {
        let mut inner = self.inner();
        let each = each.into_iter().map(|(relay, why)| (relay.into(), why.into())).collect();
        let before = std::mem::replace(&mut inner.each, each);
        inner.all = all.map(Into::into);
        for desk in &inner.desks {
            let name = &*desk.relay.name;
            if before.contains_key(name) && !inner.each.contains_key(name) {
                desk.health().forgive();
                desk.tell();
            }
        }
        inner.apply();
    }

    /// How the relays do, by route and priority.
    pub fn status(&self) -> Vec<RelayStatus> {
        self.inner().desks.iter().map(|desk| desk.status()).collect()
    }

    /// Gives a relay no mail until it is resumed; mail under way is finished. `false`: there is none
    /// of this name.
    pub fn pause(&self, relay: &str, why: &str) -> bool {
        self.change(relay, |inner| drop(inner.each.insert(relay.into(), why.into())))
    }

    /// Gives a relay mail again, at once, whatever its trouble was. `false`: there is none of this name.
    pub fn resume(&self, relay: &str) -> bool {
        let there = self.change(relay, |inner| drop(inner.each.remove(relay)));
        for desk in self.inner().desks.iter().filter(|desk| *desk.relay.name == *relay) {
            desk.health().forgive();
            desk.say_released();
            desk.tell();
        }
        there
    }

    /// Pauses all relays, those of a later reload too; `None`: ends that, those paused by name stay so.
    pub fn pause_all(&self, why: Option<&str>) {
        let mut inner = self.inner();
        inner.all = why.map(Into::into);
        inner.apply();
    }

    /// Why all relays are paused.
    pub fn all_paused(&self) -> Option<String> {
        self.inner().all.as_deref().map(Into::into)
    }

    /// These relays are at work from now on; what was paused stays paused, what was counted is counted on.
    pub(crate) fn open(&self, desks: Vec<Arc<Desk>>) {
        let mut inner = self.inner();
        for desk in &desks {
            if let Some(before) = inner.desks.iter().find(|before| before.relay.name == desk.relay.name) {
                let (sent, last_success) = before.health().counts();
                desk.health().count_on(sent, last_success);
            }
        }
        inner.desks = desks;
        inner.apply();
    }

    fn change(&self, relay: &str, change: impl FnOnce(&mut Inner)) -> bool {
        let mut inner = self.inner();
        let there = inner.desks.iter().any(|desk| *desk.relay.name == *relay);
        if there {
            change(&mut inner);
            inner.apply();
        }
        there
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
