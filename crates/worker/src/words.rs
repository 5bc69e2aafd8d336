//! Outcomes in words, for logs and consoles: what the peer says is a stranger's text.

use envelope::Reply;
use send::{Phase, RecipientOutcome};

/// Most octets of a peer's reply that are told.
const SAID: usize = 300;

/// What became of a recipient.
pub(crate) fn of(outcome: &RecipientOutcome) -> String {
    match outcome {
        RecipientOutcome::Accepted(reply) => describe(Phase::End, Some(reply), ""),
        RecipientOutcome::Refused { phase, reply } => describe(*phase, Some(reply), ""),
        RecipientOutcome::Undeliverable { status, text } => format!("{status} {text}"),
        RecipientOutcome::NotAttempted(trouble) => {
            describe(trouble.phase, trouble.reply.as_ref(), &trouble.text)
        }
        RecipientOutcome::Unknown(trouble) => {
            let cause = describe(trouble.phase, trouble.reply.as_ref(), &trouble.text);
            format!("{cause}; it may have been delivered")
        }
    }
}

/// An answer or trouble at a step of the dialogue.
pub(crate) fn describe(phase: Phase, reply: Option<&Reply>, text: &str) -> String {
    let reply = reply.map(|reply| smtp::escape(&reply.to_string(), SAID));
    match (reply, text.is_empty()) {
        (Some(reply), true) => format!("{}: {reply}", phase.command()),
        (Some(reply), false) => format!("{}: {text} ({reply})", phase.command()),
        (None, _) => format!("{}: {text}", phase.command()),
    }
}
