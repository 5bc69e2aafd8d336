//! From an event to its mails, composed in thought: nothing is sent here.

use crate::context;
use crate::error::{Faults, NotifyError};
use crate::event::{Event, Recipient, Thread};
use crate::headers;
use crate::ids;
use crate::kind::{EventKind, Facts, Sender, Shape};
use crate::notifier::NotifySettings;
use crate::recipients::{Skipped, choose, mailbox_key};
use jiff::Timestamp;
use postrider::{Address, Draft, FieldError, Options, Profile, Written};
use serde_json::{Map, Value};
use std::collections::HashMap;
use template::{RenderError, Templates};

/// The mails of an event.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// In each group one text for all.
    pub groups: Vec<Group>,
    pub skipped: Vec<Skipped>,
    /// What the first group's template was filled with.
    pub context: Value,
}

/// Recipients who read the same.
#[derive(Debug, Clone)]
pub struct Group {
    /// The language that was found for them.
    pub language: String,
    /// The template that was filled.
    pub template: String,
    /// Subject, HTML and text alone.
    pub text: Draft,
    pub letters: Vec<Letter>,
}

/// One recipient's mail: its header, and how it travels.
#[derive(Debug, Clone)]
pub struct Letter {
    pub to: Address,
    /// Subject and header fields; HTML and text are the group's.
    pub head: Draft,
    pub options: Options,
    /// Its place among the recipients that were chosen.
    pub place: usize,
}

/// Octets of an event's data and that of its recipients.
const MOST_DATA: usize = 1_000_000;
/// Octets of text that one event makes.
const MOST_TEXT: usize = 64 << 20;

/// What a plan is made with.
pub(crate) struct Desk<'a> {
    pub(crate) templates: &'a Templates,
    pub(crate) settings: &'a NotifySettings,
    pub(crate) profile: &'a Profile,
    pub(crate) now: Timestamp,
    pub(crate) suppressed: &'a dyn Fn(&Address) -> bool,
}

/// Plans the mails of an event.
pub(crate) fn plan(desk: &Desk<'_>, kind: &EventKind, event: &Event) -> Result<Plan, NotifyError> {
    bounded(event)?;
    let (settings, now) = (desk.settings, desk.now);
    let mut facts = Facts { event, settings, now, data: event.data.clone(), faults: Faults::default() };
    let shape = shape(kind, &mut facts);
    let Facts { data, faults, .. } = facts;
    faults.verdict(()).map_err(NotifyError::Invalid)?;
    if desk.profile.from.is_none() {
        let problem = "there is no sender; set FROM in the settings, [mailer]".to_owned();
        return Err(NotifyError::Invalid(vec![FieldError { field: "from".into(), problem }]));
    }
    let known = |id: &&String| desk.templates.contains(id);
    let template = kind.templates.iter().find(known).ok_or_else(|| {
        NotifyError::Template(format!(
            "the event {} has no template {}",
            kind.name,
            kind.templates.join(" or ")
        ))
    })?;
    let (chosen, skipped) = choose(event, kind, settings.enabled, desk.suppressed);
    let common = context::common(data, kind, &shape, event, settings);
    let (groups, by_view, mut data) = (Vec::new(), HashMap::new(), String::new());
    ids::canonical(&Value::Object(event.data.clone()), &mut data);
    let (made, context) = (0, Value::Null);
    let mut writer =
        Writer { desk, kind, event, shape: &shape, template, common, groups, by_view, data, made, context };
    for (place, recipient) in chosen.into_iter().enumerate() {
        writer.add(place, recipient)?;
    }
    Ok(Plan { groups: writer.groups, skipped, context: writer.context })
}

/// Every group is filled with a copy of the data.
fn bounded(event: &Event) -> Result<(), NotifyError> {
    let octets =
        |data: &Map<String, Value>| serde_json::to_string(data).map_or(usize::MAX, |text| text.len());
    let own = event.recipients.iter().filter(|to| !to.data.is_empty()).map(|to| octets(&to.data));
    let all = own.fold(octets(&event.data), usize::saturating_add);
    invalid_if(all > MOST_DATA, "data", || {
        format!(
            "has {all} octets with that of the recipients, and at most {MOST_DATA} are taken; shorten it, or hand \
             over fewer recipients at a time with the same id"
        )
    })
}

fn invalid_if(mistaken: bool, field: &str, problem: impl Fn() -> String) -> Result<(), NotifyError> {
    match mistaken {
        true => Err(NotifyError::Invalid(vec![FieldError { field: field.into(), problem: problem() }])),
        false => Ok(()),
    }
}

/// What the kind makes of the data; the event's own thread and list come first.
fn shape(kind: &EventKind, facts: &mut Facts<'_>) -> Shape {
    for path in &kind.needs {
        if facts.value(path).is_none() {
            facts.fault(path, "is missing; this kind of event needs it");
        }
    }
    let mut shape = kind.model.as_ref().map(|model| model.shape(facts)).unwrap_or_default();
    if let Some(thread) = &facts.event.thread {
        shape.thread = Some(thread.clone());
        shape.passing = false;
    } else if let (None, Some((id, step))) = (&shape.thread, &kind.thread) {
        let (id, step) = (facts.fill(id), step.as_ref().map(|step| facts.fill(step)));
        shape.thread = Some(Thread { id, step });
    }
    let own = facts.event.list.clone();
    let list = &mut shape.list;
    for (given, place) in [
        (own.id, &mut list.id),
        (own.name, &mut list.name),
        (own.archive, &mut list.archive),
        (own.unsubscribe, &mut list.unsubscribe),
    ] {
        *place = given.or(place.take());
    }
    shape
}

/// Who has this in common reads the same.
#[derive(Clone, PartialEq, Eq, Hash)]
struct View {
    /// As asked for, or `=` and what was found.
    language: String,
    reason: Option<String>,
    /// Data of one's own.
    own: String,
    /// Set: nobody else's.
    alone: Option<String>,
}

struct Writer<'a> {
    desk: &'a Desk<'a>,
    kind: &'a EventKind,
    event: &'a Event,
    shape: &'a Shape,
    template: &'a str,
    common: Map<String, Value>,
    groups: Vec<Group>,
    by_view: HashMap<View, usize>,
    /// The event's, in one form.
    data: String,
    /// Octets of all groups' texts.
    made: usize,
    /// The first group's.
    context: Value,
}

impl Writer<'_> {
    fn add(&mut self, place: usize, recipient: &Recipient) -> Result<(), NotifyError> {
        let tag = recipient.language.clone().unwrap_or_default().to_ascii_lowercase();
        let mut own = String::new();
        ids::canonical(&Value::Object(recipient.data.clone()), &mut own);
        let reason = recipient.reason.clone();
        let shared = View { language: tag, reason, own, alone: None };
        let alone = View { alone: Some(mailbox_key(&recipient.mailbox.address)), ..shared.clone() };
        let known = self.by_view.get(&shared).or_else(|| self.by_view.get(&alone));
        let group = match known {
            Some(group) => *group,
            None => self.write(recipient, shared, alone)?,
        };
        let letter = self.letter(place, recipient, group);
        if let Some(group) = self.groups.get_mut(group) {
            group.letters.push(letter);
        }
        Ok(())
    }

    /// Fills the template: for all who share this view or, when it asks for `recipient`, for one.
    fn write(&mut self, recipient: &Recipient, shared: View, alone: View) -> Result<usize, NotifyError> {
        let language = recipient.language.as_deref();
        let context = context::of_group(&self.common, self.shape, recipient, false);
        let (templates, id) = (self.desk.templates, self.template);
        let (rendered, context, view) = match templates.render(id, language, &context) {
            Err(error) if asks_for_recipient(&error) => {
                let context = context::of_group(&self.common, self.shape, recipient, true);
                (templates.render(id, language, &context), context, alone)
            }
            rendered => (rendered, context, shared),
        };
        let rendered = rendered.map_err(refusal)?;
        let found = rendered.language.as_str().to_owned();
        let wide = View { language: format!("={found}"), ..view.clone() };
        // `de` and `de-AT` may read the same.
        if let Some(group) = self.by_view.get(&wide).copied() {
            self.by_view.insert(view, group);
            return Ok(group);
        }
        let subject = rendered.subject.or_else(|| self.shape.subject.clone()).ok_or_else(|| {
            NotifyError::Template(format!(
                "the template {id} makes no subject; write one above a line of three dashes"
            ))
        })?;
        let octets = |part: &Option<String>| part.as_ref().map_or(0, String::len);
        self.made += octets(&rendered.html) + octets(&rendered.text);
        invalid_if(self.made > MOST_TEXT, "recipients", || {
            format!(
                "read more than {MOST_TEXT} octets of text altogether; hand over fewer at a time with the same id"
            )
        })?;
        let text = Draft { subject, html: rendered.html, text: rendered.text, ..Draft::default() };
        let letters = Vec::new();
        if self.groups.is_empty() {
            self.context = context;
        }
        self.groups.push(Group { language: found, template: id.to_owned(), text, letters });
        let group = self.groups.len() - 1;
        self.by_view.insert(wide, group);
        self.by_view.insert(view, group);
        Ok(group)
    }

    fn letter(&self, place: usize, recipient: &Recipient, group: usize) -> Letter {
        let Desk { settings, profile, .. } = self.desk;
        let (kind, event, shape) = (self.kind, self.event, self.shape);
        let mailbox = &recipient.mailbox;
        let subject = self.groups.get(group).map(|g| g.text.subject.clone()).unwrap_or_default();
        let head = Draft {
            from: self.from(profile, settings),
            to: vec![written(mailbox)],
            reply_to: recipient.reply_to.iter().map(written).collect(),
            subject,
            headers: headers::fields(kind, shape, event, recipient, settings),
            ..Draft::default()
        };
        let lasting = shape
            .thread
            .as_ref()
            .filter(|_| !shape.passing)
            .map(|thread| headers::message_id(thread, settings));
        let id = event.id.clone().or(lasting);
        let to = mailbox.address.clone();
        let idempotency_key = id.map(|id| ids::key(&kind.name, &id, &mailbox_key(&to)));
        let fingerprint = idempotency_key.is_some().then(|| self.fingerprint(recipient));
        let options = Options {
            priority: kind.priority,
            tags: vec![("event".into(), kind.name.clone())],
            info: Some(format!("event {}", kind.name)),
            idempotency_key,
            fingerprint,
            ..Options::default()
        };
        Letter { to, head, options, place }
    }

    fn from(&self, profile: &Profile, settings: &NotifySettings) -> Option<Written> {
        let actor = self.event.actor.as_ref().filter(|_| self.kind.sender == Sender::Actor)?;
        let house = profile.from.as_ref()?;
        let name = settings.from_format.fill(&actor.name, &settings.app_name, &settings.domain);
        Some(Written::Parts { name: Some(name), address: house.address.as_str().to_owned() })
    }

    /// What must be equal for a repeated event to be the same.
    fn fingerprint(&self, recipient: &Recipient) -> [u8; 32] {
        let actor = self.event.actor.as_ref().map(|actor| actor.name.as_str()).unwrap_or_default();
        let mut own = String::new();
        ids::canonical(&Value::Object(recipient.data.clone()), &mut own);
        ids::hash(&[&self.kind.name, actor, &self.data, &own])
    }
}

fn written(mailbox: &postrider::Mailbox) -> Written {
    Written::Parts {
        name: mailbox.name.as_deref().map(str::to_owned),
        address: mailbox.address.as_str().to_owned(),
    }
}

fn asks_for_recipient(error: &RenderError) -> bool {
    error.variable().is_some_and(|name| name == "recipient" || name.starts_with("recipient."))
}

/// What the template says of the data.
fn refusal(error: RenderError) -> NotifyError {
    let invalid = |field: String, problem: String| NotifyError::Invalid(vec![FieldError { field, problem }]);
    match error {
        RenderError::Missing { template, line, variable } => {
            let ours = variable == "actor" || variable.starts_with("actor.");
            let field = if ours { variable } else { format!("data.{variable}") };
            invalid(field, format!("is missing; the template needs it ({template}, line {line})"))
        }
        RenderError::Value { template, line, problem } | RenderError::TooMuch { template, line, problem } => {
            invalid("data".into(), format!("does not fit the template ({template}, line {line}): {problem}"))
        }
        error @ (RenderError::Unknown { .. } | RenderError::Broken { .. } | RenderError::Data(_)) => {
            NotifyError::Template(error.to_string())
        }
    }
}

impl Group {
    /// The whole mail of one of its letters.
    pub fn draft(&self, letter: &Letter) -> Draft {
        Draft { html: self.text.html.clone(), text: self.text.text.clone(), ..letter.head.clone() }
    }
}
