//! The header fields of one recipient's mail: threading, lists, automatic mail, reasons.

use crate::event::{Event, Recipient, Thread};
use crate::ids;
use crate::kind::{Class, EventKind, Shape};
use crate::notifier::NotifySettings;

/// Fields with their values, as a draft takes them.
pub(crate) type Fields = Vec<(String, Vec<String>)>;

/// Everything but From, To, Subject and Date.
pub(crate) fn fields(
    kind: &EventKind,
    shape: &Shape,
    event: &Event,
    recipient: &Recipient,
    settings: &NotifySettings,
) -> Fields {
    let mut out = Fields::new();
    let mut put = |name: &str, values: Vec<String>| out.push((name.to_owned(), values));
    let mut references = Vec::new();
    if let Some(thread) = &shape.thread {
        put("Message-ID", vec![message_id(thread, settings)]);
        // The mail that opens a thread answers nothing, least of all itself.
        if thread.step.is_some() {
            let opening = ids::message_id(&thread.id, &settings.domain);
            put("In-Reply-To", vec![opening.clone()]);
            references.push(opening);
        }
    }
    references.extend(recipient.references.iter().map(|id| ids::message_id(id, &settings.domain)));
    if !references.is_empty() {
        put("References", references);
    }
    if kind.class != Class::Account {
        lists(&mut put, shape, recipient);
    }
    put("Auto-Submitted", vec!["auto-generated".into()]);
    if let Some(precedence) = event.precedence {
        put("Precedence", vec![precedence.word().into()]);
    }
    reasons(&mut put, shape, event, recipient);
    for (name, value) in &shape.headers {
        put(name, vec![value.clone()]);
    }
    out
}

/// The mail's own id, which lasts: a mail handed over twice is one.
pub(crate) fn message_id(thread: &Thread, settings: &NotifySettings) -> String {
    match &thread.step {
        None => ids::message_id(&thread.id, &settings.domain),
        Some(step) => ids::message_id(&format!("{}/{step}", thread.id), &settings.domain),
    }
}

fn lists(put: &mut impl FnMut(&str, Vec<String>), shape: &Shape, recipient: &Recipient) {
    let list = &shape.list;
    if let Some(id) = &list.id {
        put("List-ID", vec![ids::list_id(list.name.as_deref(), id)]);
    }
    if let Some(archive) = &list.archive {
        put("List-Archive", vec![angle(archive)]);
    }
    let own = recipient.unsubscribe.clone().unwrap_or_default();
    let page = list.unsubscribe.clone().filter(|_| own.url.is_none());
    let one_click = own.url.as_deref().is_some_and(|url| scheme_is(url, "https"));
    let mailto = own.mailto.map(|m| if scheme_is(&m, "mailto") { m } else { format!("mailto:{m}") });
    let ways: Vec<String> = own.url.into_iter().chain(page).chain(mailto).map(|url| angle(&url)).collect();
    if !ways.is_empty() {
        put("List-Unsubscribe", ways);
    }
    if one_click {
        put("List-Unsubscribe-Post", vec!["List-Unsubscribe=One-Click".into()]);
    }
    if let Some(reply_to) = recipient.reply_to.as_ref().filter(|_| shape.answerable) {
        put("List-Post", vec![angle(&format!("mailto:{}", reply_to.address.as_str()))]);
    }
}

fn reasons(put: &mut impl FnMut(&str, Vec<String>), shape: &Shape, event: &Event, recipient: &Recipient) {
    let reason = recipient.reason.as_ref().or(shape.reason.as_ref());
    if !shape.forge {
        if let Some(reason) = reason {
            put("X-Notification-Reason", vec![reason.clone()]);
        }
        return;
    }
    let sender = event.actor.as_ref().map(|actor| actor.username.as_ref().unwrap_or(&actor.name));
    let address = recipient.mailbox.address.as_str().to_owned();
    for brand in ["X-Gitea", "X-GitHub"] {
        let mut mark = |what: &str, value: Option<&String>| {
            if let Some(value) = value {
                put(&format!("{brand}-{what}"), vec![crate::from::one_line(value)]);
            }
        };
        mark("Reason", reason);
        mark("Sender", sender);
        mark(
            "Recipient",
            recipient.username.as_ref().or(recipient.mailbox.name.as_deref().map(str::to_owned).as_ref()),
        );
        mark("Recipient-Address", Some(&address));
    }
    if let Some(reason) = reason {
        put("X-GitLab-NotificationReason", vec![reason.clone()]);
    }
}

/// A URL in angle brackets. What is not ASCII is percent-encoded, so that it needs no encoded word.
fn angle(url: &str) -> String {
    let mut out = String::with_capacity(url.len() + 2);
    out.push('<');
    for byte in url.bytes() {
        match byte {
            b'!'..=b'~' if byte != b'<' && byte != b'>' => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out.push('>');
    out
}

pub(crate) fn scheme_is(url: &str, scheme: &str) -> bool {
    url.split_once(':').is_some_and(|(found, _)| found.eq_ignore_ascii_case(scheme))
}
