//! What the pages show of a job, in words ready for a template (which escapes them).

use crate::wire;
use jiff::{SignedDuration, Timestamp};
use mail_parser::{Message, MessageParser, MimeHeaders};
use postrider::JobView;

/// A row of the inbox.
pub(super) struct Row {
    pub(super) id: String,
    pub(super) from: String,
    pub(super) to: String,
    pub(super) subject: String,
    pub(super) status: &'static str,
    pub(super) time: String,
    pub(super) ago: String,
}

impl Row {
    pub(super) fn of(view: &JobView, now: Timestamp) -> Self {
        Self {
            id: view.id.to_string(),
            from: view.meta.from.clone(),
            to: recipients(view),
            subject: subject(view),
            status: view.status.word(),
            time: wire::shown(view.created_at),
            ago: ago(now.duration_since(view.created_at)),
        }
    }
}

/// The envelope's recipients, the first ones by name.
fn recipients(view: &JobView) -> String {
    let mut shown: Vec<_> =
        view.envelope.to.iter().take(3).map(|r| r.address.display().into_owned()).collect();
    let more = view.envelope.to.len() - shown.len();
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    shown.join(", ")
}

pub(super) fn subject(view: &JobView) -> String {
    if view.meta.subject.is_empty() { "(no subject)".into() } else { view.meta.subject.clone() }
}

fn ago(since: SignedDuration) -> String {
    match since.as_secs() {
        ..10 => "now".into(),
        s @ 10..60 => format!("{s} s ago"),
        s @ 60..3_600 => format!("{} min ago", s / 60),
        s @ 3_600..86_400 => format!("{} h ago", s / 3_600),
        s => format!("{} d ago", s / 86_400),
    }
}

/// One recipient and where it stands.
pub(super) struct Recipient {
    pub(super) address: String,
    pub(super) state: &'static str,
}

/// One attempt.
pub(super) struct Attempt {
    pub(super) time: String,
    pub(super) relay: String,
    pub(super) peer: String,
    /// address, command, what came back
    pub(super) answers: Vec<(String, String, String)>,
    pub(super) transcript: String,
}

pub(super) fn recipients_of(view: &JobView) -> Vec<Recipient> {
    let states = view.recipients.iter().map(|r| r.status.word());
    let addresses = view.envelope.to.iter().map(|r| r.address.display().into_owned());
    addresses.zip(states).map(|(address, state)| Recipient { address, state }).collect()
}

pub(super) fn attempts_of(view: &JobView) -> Vec<Attempt> {
    let answer = |r: &postrider::AttemptRecipient| {
        let said = [r.reply.as_ref().map(ToString::to_string), r.cause.clone()];
        let said: Vec<_> = said.into_iter().flatten().collect();
        (wire::address(view, r.index).to_owned(), r.command.clone(), said.join("; "))
    };
    view.attempts
        .iter()
        .rev()
        .map(|attempt| Attempt {
            time: wire::shown(attempt.at),
            relay: attempt.relay.clone(),
            peer: attempt.peer.clone(),
            answers: attempt.recipients.iter().map(answer).collect(),
            transcript: attempt.transcript.clone(),
        })
        .collect()
}

/// A file of the message.
pub(super) struct File {
    pub(super) place: usize,
    pub(super) name: String,
    pub(super) size: String,
}

pub(super) fn files_of(bytes: &[u8]) -> Vec<File> {
    let Some(message) = MessageParser::default().parse(bytes) else { return Vec::new() };
    let file = |place: u32| file(&message, place as usize);
    message.attachments.iter().copied().filter_map(file).collect()
}

fn file(message: &Message<'_>, place: usize) -> Option<File> {
    let part = message.parts.get(place)?;
    let name = part.attachment_name().unwrap_or("(no name)").to_owned();
    Some(File { place, name, size: size(part.contents().len() as u64) })
}

/// Octets in a unit that reads well.
pub(super) fn size(octets: u64) -> String {
    match octets {
        0..1_000 => format!("{octets} B"),
        1_000..1_000_000 => format!("{:.1} kB", octets as f64 / 1e3),
        _ => format!("{:.1} MB", octets as f64 / 1e6),
    }
}
