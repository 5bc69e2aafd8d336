//! What a template is filled with.

use crate::event::{Actor, Event, Recipient};
use crate::kind::{EventKind, Shape};
use crate::notifier::NotifySettings;
use serde_json::{Map, Value, json};

/// Reasons the built-in texts have words for; another is told as `other`.
const REASONS: [&str; 9] = [
    "assign",
    "author",
    "mention",
    "participating",
    "review_requested",
    "subscribed",
    "team_mention",
    "triggered",
    "invited",
];

/// What all mails of an event share: the data, and beside it `actor`, `app`, `event`, `page_url` and `manage_url`.
pub(crate) fn common(
    data: Map<String, Value>,
    kind: &EventKind,
    shape: &Shape,
    event: &Event,
    settings: &NotifySettings,
) -> Map<String, Value> {
    let mut context = data;
    let mut own = |name: &str, value: Value| {
        context.entry(name).or_insert(value);
    };
    own("actor", event.actor.as_ref().map_or(Value::Null, actor));
    own("app", json!({"name": settings.app_name, "url": settings.app_url, "domain": settings.domain}));
    own("event", json!(kind.name));
    own("page_url", Value::Null);
    own("manage_url", json!(shape.list.unsubscribe));
    context
}

/// What differs between groups: why it reaches them, and data of their own.
pub(crate) fn of_group(
    common: &Map<String, Value>,
    shape: &Shape,
    recipient: &Recipient,
    personal: bool,
) -> Value {
    let mut context = common.clone();
    for (name, value) in &recipient.data {
        context.insert(name.clone(), value.clone());
    }
    let reason = recipient.reason.as_ref().or(shape.reason.as_ref());
    let known = |word: &String| REASONS.contains(&word.as_str());
    let word = reason.map(|word| if known(word) { word.as_str() } else { "other" });
    context.entry("reason").or_insert(json!(word));
    context.entry("mentioned").or_insert(json!(word == Some("mention") || word == Some("team_mention")));
    if personal {
        let mailbox = &recipient.mailbox;
        let name = mailbox.name.as_deref();
        let address = mailbox.address.as_str();
        let value = json!({"name": name, "address": address, "username": recipient.username});
        context.entry("recipient").or_insert(value);
    }
    Value::Object(context)
}

fn actor(actor: &Actor) -> Value {
    json!({
        "name": actor.name,
        "username": actor.username,
        "address": actor.address.as_ref().map(|m| m.address.as_str()),
        "url": actor.url,
    })
}
