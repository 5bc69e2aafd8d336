//! Who gets a mail of an event, and who does not and why.

use crate::event::{Event, Recipient};
use crate::kind::{Class, EventKind};
use postrider::Address;
use std::collections::HashSet;

/// Why somebody gets no mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Skip {
    /// They did it themselves and did not ask to hear of it.
    Actor,
    /// The same mailbox stands before.
    Repeated,
    /// Mail to this address is suppressed.
    Suppressed,
    /// `ENABLE_NOTIFY_MAIL` is off.
    NotificationsOff,
}

impl Skip {
    /// The word in answers.
    pub fn word(self) -> &'static str {
        match self {
            Self::Actor => "actor",
            Self::Repeated => "repeated",
            Self::Suppressed => "suppressed",
            Self::NotificationsOff => "notifications_off",
        }
    }
}

/// Somebody who gets no mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skipped {
    pub to: Address,
    pub reason: Skip,
}

/// Parts the recipients, in their order.
pub(crate) fn choose<'a>(
    event: &'a Event,
    kind: &EventKind,
    enabled: bool,
    suppressed: &dyn Fn(&Address) -> bool,
) -> (Vec<&'a Recipient>, Vec<Skipped>) {
    let (mut chosen, mut skipped, mut seen) = (Vec::new(), Vec::new(), HashSet::new());
    for recipient in &event.recipients {
        let address = &recipient.mailbox.address;
        let skip = if !enabled && kind.class == Class::Notification {
            Some(Skip::NotificationsOff)
        } else if kind.spares_actor()
            && !event.actor_too
            && !recipient.wants_own
            && is_actor(event, recipient)
        {
            Some(Skip::Actor)
        } else if !seen.insert(mailbox_key(address)) {
            Some(Skip::Repeated)
        } else if suppressed(address) {
            Some(Skip::Suppressed)
        } else {
            None
        };
        match skip {
            None => chosen.push(recipient),
            Some(reason) => skipped.push(Skipped { to: address.clone(), reason }),
        }
    }
    (chosen, skipped)
}

fn is_actor(event: &Event, recipient: &Recipient) -> bool {
    let Some(actor) = &event.actor else { return recipient.is_actor };
    let by_name = actor.username.is_some() && actor.username == recipient.username;
    let by_address = actor
        .address
        .as_ref()
        .is_some_and(|m| mailbox_key(&m.address) == mailbox_key(&recipient.mailbox.address));
    recipient.is_actor || by_name || by_address
}

/// Equal for one mailbox: a domain has no case, a local part may (RFC 5321 2.4).
pub(crate) fn mailbox_key(address: &Address) -> String {
    format!("{}@{}", address.local(), address.domain().to_lowercase())
}
