//! What kinds of event there are, and what a kind knows of its mails.

use crate::error::Faults;
use crate::event::{Event, List, Thread};
use crate::notifier::NotifySettings;
use jiff::Timestamp;
use postrider::Priority;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;

/// Whom a mail of this kind comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sender {
    /// `FROM` of the settings.
    #[default]
    House,
    /// The actor's name with the house's address.
    Actor,
}

/// What may keep mails of this kind from being sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Class {
    /// An event of the application: who did it does not hear of it.
    #[default]
    Application,
    /// The same, and `ENABLE_NOTIFY_MAIL` turns it off.
    Notification,
    /// It answers what its recipient asked for, as a password reset does: always sent, nothing to unsubscribe.
    Account,
}

/// A kind of event, by its name.
#[derive(Clone)]
pub struct EventKind {
    pub(crate) name: String,
    /// The first that exists is filled.
    pub(crate) templates: Vec<String>,
    pub(crate) class: Class,
    pub(crate) sender: Sender,
    pub(crate) priority: Priority,
    pub(crate) needs: Vec<String>,
    /// Patterns of a thread's id and step.
    pub(crate) thread: Option<(String, Option<String>)>,
    pub(crate) model: Option<Arc<dyn Model>>,
    pub(crate) actor_too: bool,
}

impl fmt::Debug for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EventKind")
            .field("name", &self.name)
            .field("templates", &self.templates)
            .finish_non_exhaustive()
    }
}

impl EventKind {
    /// A kind whose template is its name with `/` for `.`: `invoice.paid` is `invoice/paid`.
    pub fn new(name: impl Into<String>) -> Self {
        let name = name.into();
        Self {
            templates: vec![name.replace('.', "/")],
            name,
            class: Class::default(),
            sender: Sender::default(),
            priority: Priority::default(),
            needs: Vec::new(),
            thread: None,
            model: None,
            actor_too: false,
        }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// Templates to look for, in this order.
    pub fn templates<T: Into<String>>(mut self, ids: impl IntoIterator<Item = T>) -> Self {
        self.templates = ids.into_iter().map(Into::into).collect();
        self
    }

    pub fn class(mut self, class: Class) -> Self {
        self.class = class;
        self
    }

    pub fn sender(mut self, sender: Sender) -> Self {
        self.sender = sender;
        self
    }

    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority = priority;
        self
    }

    /// Data that must be there, such as `invoice.number`, whatever the template prints.
    pub fn needs<T: Into<String>>(mut self, paths: impl IntoIterator<Item = T>) -> Self {
        self.needs.extend(paths.into_iter().map(Into::into));
        self
    }

    /// The thread its mails belong to: `invoice/{invoice.number}`, filled from the data, and the step in it,
    /// unless this kind opens the thread. What the event says itself comes first.
    pub fn thread(mut self, id: impl Into<String>, step: Option<&str>) -> Self {
        self.thread = Some((id.into(), step.map(Into::into)));
        self
    }

    pub fn model(mut self, model: Arc<dyn Model>) -> Self {
        self.model = Some(model);
        self
    }

    /// The actor hears of it like the others.
    pub fn actor_too(mut self) -> Self {
        self.actor_too = true;
        self
    }

    pub(crate) fn spares_actor(&self) -> bool {
        self.class != Class::Account && !self.actor_too
    }
}

/// Reads the data of a kind of event: completes it for the template and says what the header is to hold.
pub trait Model: Send + Sync {
    fn shape(&self, facts: &mut Facts<'_>) -> Shape;
}

/// What an event's mails have in common beside their text.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    pub thread: Option<Thread>,
    /// Whether the thread's step was made of the present moment: handed over again, the mail gets another
    /// Message-ID, and is not known by it.
    pub passing: bool,
    pub list: List,
    /// Further fields with their values, in this order.
    pub headers: Vec<(String, String)>,
    /// Whether the fields that forges' readers filter by are set for each recipient.
    pub forge: bool,
    /// The reason of a recipient who has none.
    pub reason: Option<String>,
    /// When the template makes no subject.
    pub subject: Option<String>,
    /// Whether an answer by mail makes sense.
    pub answerable: bool,
}

/// An event's data while a model reads it.
pub struct Facts<'a> {
    pub event: &'a Event,
    pub settings: &'a NotifySettings,
    pub now: Timestamp,
    pub(crate) data: Map<String, Value>,
    pub(crate) faults: Faults,
}

impl Facts<'_> {
    /// What stands at a path such as `issue.number`; null counts as nothing.
    pub fn value(&self, path: &str) -> Option<&Value> {
        let mut names = path.split('.');
        let first = self.data.get(names.next()?)?;
        let found = names.try_fold(first, |value, name| value.get(name))?;
        (!found.is_null()).then_some(found)
    }

    /// A text or number as text; anything else is a mistake.
    pub fn text(&mut self, path: &str) -> Option<String> {
        let text = match self.value(path)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
        };
        if text.is_none() {
            self.fault(path, "must be a text or a number");
        }
        text
    }

    /// As `text`; that it is missing is a mistake, `what` tells what to give.
    pub fn need(&mut self, path: &str, what: &str) -> String {
        if self.value(path).is_none() {
            self.fault(path, format!("is missing; give {what}"));
        }
        self.text(path).unwrap_or_default()
    }

    /// Puts a value at a path. What stands in the way of an object is left alone.
    pub fn set(&mut self, path: &str, value: impl Into<Value>) {
        let mut names: Vec<&str> = path.split('.').collect();
        let Some(last) = names.pop() else { return };
        let mut table = &mut self.data;
        for name in names {
            let next = table.entry(name).or_insert(Value::Null);
            if next.is_null() {
                *next = Value::Object(Map::new());
            }
            let Value::Object(deeper) = next else { return };
            table = deeper;
        }
        table.insert(last.to_owned(), value.into());
    }

    /// Makes sure that a template may ask for it: null, unless it is there.
    pub fn allow(&mut self, path: &str) {
        if self.value(path).is_none() {
            self.set(path, Value::Null);
        }
    }

    /// A mistake in the data.
    pub fn fault(&mut self, path: &str, problem: impl Into<String>) {
        self.faults.add(format!("data.{path}"), problem);
    }

    /// `{path}`s in a pattern, filled from the data.
    pub(crate) fn fill(&mut self, pattern: &str) -> String {
        let (mut out, mut rest) = (String::new(), pattern);
        while let Some((before, after)) = rest.split_once('{') {
            out.push_str(before);
            let (path, behind) = after.split_once('}').unwrap_or((after, ""));
            out.push_str(&self.need(path.trim(), "it; the thread is named by it"));
            rest = behind;
        }
        out + rest
    }
}
