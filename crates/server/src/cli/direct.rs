//! A mail delivered at once by `send` itself, for when no daemon answers. Nothing is queued.

use super::compose::bad;
use super::{note, print};
use crate::clock::WallClock;
use crate::config::{Relay, Settings};
use crate::exit::Failure;
use crate::{dkim, templates, ways, wire};
use http_door::HeaderMode;
use queue::Clock;
use send::{Mail, MailOutcome, RecipientOutcome};
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) async fn deliver(message: &Value, settings: &Settings, json: bool) -> Result<(), Failure> {
    let message = http_door::parse_message(message.to_string().as_bytes(), HeaderMode::Strict);
    let message = message.map_err(|e| bad(&e))?;
    let unique = uuid::Uuid::now_v7();
    let (templates, _) = templates::load(&settings.templates)?;
    let draft = message.filled(&templates).map_err(|e| bad(&e))?;
    let composed = message::compose(&draft, &settings.identity.profile, WallClock.now(), unique.as_u128());
    let composed = composed.map_err(|e| bad(&e.0))?;
    wire::install_tls();
    let to = composed.envelope.to.clone();
    let mail = Mail {
        ticket: 0,
        from: composed.envelope.from,
        to: composed.envelope.to,
        ret: None,
        envid: None,
        header: composed.header,
        body: composed.body,
        eight_bit: false,
        utf8_header: false,
        urgent: true,
    };
    let (outcome, relay) = by_priority(&mail, settings).await?;
    let trouble: Vec<String> = to
        .iter()
        .zip(&outcome.recipients)
        .filter_map(|(recipient, outcome)| {
            Some(format!("{}: {}", recipient.address.as_str(), said(outcome)?))
        })
        .collect();
    if !trouble.is_empty() {
        return Err(failure(&outcome, trouble.join("\n")));
    }
    note(&format!("no daemon answers: the mail was not queued but handed to {} at once", relay.url));
    print(&match json {
        true => json!({"id": unique, "status": "sent", "queued": false}).to_string(),
        false => unique.to_string(),
    })
}

/// The next relay is tried while none has been asked to take the mail.
async fn by_priority<'a>(mail: &Mail, settings: &'a Settings) -> Result<(MailOutcome, &'a Relay), Failure> {
    let keyring = dkim::keyring(&settings.dkim, None);
    let looker = tokio::spawn(dkim::watch(Arc::downgrade(&keyring), settings.dkim.clone()));
    let mut last = None;
    for relay in &settings.relays {
        let outcome = ways::sender(relay, &keyring)?.send(mail.clone()).await;
        let outcome = outcome.ok_or_else(|| Failure::Bug("the sender gave no outcome".into()))?;
        let untouched = |r: &RecipientOutcome| matches!(r, RecipientOutcome::NotAttempted(_));
        let next = outcome.recipients.iter().all(untouched);
        last = Some((outcome, relay));
        if !next {
            break;
        }
    }
    looker.abort();
    last.ok_or_else(|| Failure::Bug("there is no relay".into()))
}

/// What stood in the way of one recipient.
fn said(outcome: &RecipientOutcome) -> Option<String> {
    match outcome {
        RecipientOutcome::Accepted(_) => None,
        RecipientOutcome::Refused { phase, reply } => Some(format!("{}: {}", phase.command(), reply.text())),
        RecipientOutcome::Undeliverable { text, .. } => Some(text.to_string()),
        RecipientOutcome::NotAttempted(trouble) => Some(trouble.text.to_string()),
        RecipientOutcome::Unknown(trouble) => Some(format!("it may have been delivered: {}", trouble.text)),
    }
}

/// The gravest of what happened decides: refused for good, else try again later.
fn failure(outcome: &MailOutcome, text: String) -> Failure {
    let final_refusal = outcome.recipients.iter().any(|r| match r {
        RecipientOutcome::Refused { reply, .. } => reply.class() == Some(envelope::Class::Permanent),
        RecipientOutcome::Undeliverable { .. } => true,
        RecipientOutcome::Accepted(_) | RecipientOutcome::NotAttempted(_) | RecipientOutcome::Unknown(_) => {
            false
        }
    });
    if final_refusal { Failure::Unavailable(text) } else { Failure::Later(text) }
}
