//! `compose`: what a message would look like.

use super::{args, find, print, write};
use crate::clock::WallClock;
use crate::config::{Surroundings, TemplateFolder};
use crate::exit::Failure;
use crate::templates;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use http_door::HeaderMode;
use message::{FieldError, MessageIdStyle, Profile};
use postrider::Templates;
use queue::Clock;
use serde_json::json;
use std::io::Read;

/// Octets of message JSON that are read: the largest mail in base64, and room for the rest.
const MAX_JSON: u64 = 80_000_000;

pub(crate) fn run(compose: &args::Compose, around: &Surroundings) -> Result<(), Failure> {
    let (profile, folder) = match find::file(compose.config.as_deref(), around) {
        Some(path) => {
            let settings = find::settings(Some(&path), around)?;
            (settings.identity.profile, settings.templates)
        }
        None => {
            let message_id = MessageIdStyle::Unique { domain: around.hostname.clone() };
            (Profile { message_id, ..Profile::default() }, TemplateFolder::default())
        }
    };
    let profile = Profile { headers_may_replace: true, ..profile };
    let mut text = Vec::new();
    std::io::stdin().lock().take(MAX_JSON + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_JSON {
        return Err(Failure::BadMessage(format!("the message is longer than {MAX_JSON} octets")));
    }
    let message = http_door::parse_message(&text, HeaderMode::Gitea).map_err(|e| bad(&e))?;
    let unique = uuid::Uuid::now_v7().as_u128();
    let templates = match message.template {
        Some(_) => templates::load(&folder)?.0,
        None => Templates::default(),
    };
    let draft = message.filled(&templates).map_err(|e| bad(&e))?;
    let mail = message::compose(&draft, &profile, WallClock.now(), unique).map_err(|e| bad(&e.0))?;
    let eml = [mail.header, mail.body].concat();
    if !compose.json {
        return write(&eml);
    }
    let to: Vec<&str> = mail.envelope.to.iter().map(|r| r.address.as_str()).collect();
    let answer = json!({
        "envelope_from": mail.envelope.from.as_str(),
        "envelope_to": to,
        "message_id": mail.message_id,
        "eml": BASE64_STANDARD.encode(eml),
    });
    print(&answer.to_string())
}

/// All mistakes of a message, one a line.
pub(crate) fn bad(errors: &[FieldError]) -> Failure {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    Failure::BadMessage(lines.join("\n"))
}
