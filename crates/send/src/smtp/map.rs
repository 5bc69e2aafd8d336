//! From the core's words to the sender's.

use super::remote_id;
use crate::{Mail, MailOutcome, Phase, RecipientOutcome, Trouble, TroubleKind};
use smtp::client::{self, Failure, FailureKind, RecipientResult};

pub(super) fn phase(phase: client::Phase) -> Phase {
    match phase {
        client::Phase::Greeting => Phase::Greeting,
        client::Phase::Hello => Phase::Hello,
        client::Phase::Tls => Phase::Tls,
        client::Phase::Auth => Phase::Auth,
        client::Phase::Reset | client::Phase::Mail => Phase::Mail,
        client::Phase::Rcpt => Phase::Rcpt,
        client::Phase::Data => Phase::Data,
        client::Phase::End | client::Phase::Quit => Phase::End,
    }
}

pub(super) fn trouble(failure: Failure) -> Trouble {
    let kind = match failure.kind {
        FailureKind::Busy => TroubleKind::Busy,
        FailureKind::Auth => TroubleKind::Auth,
        FailureKind::Tls => TroubleKind::Tls,
        FailureKind::Settings => TroubleKind::Settings,
        FailureKind::Misbehaved => TroubleKind::Misbehaved,
        FailureKind::Lost => TroubleKind::Lost,
        FailureKind::Timeout => TroubleKind::Timeout,
    };
    Trouble { kind, phase: phase(failure.phase), reply: failure.reply, text: failure.text }
}

pub(super) fn outcome(mail: &Mail, outcome: client::Outcome, peer: &str) -> MailOutcome {
    let recipients: Vec<RecipientOutcome> = outcome.recipients.into_iter().map(recipient).collect();
    let remote_id = recipients.iter().find_map(|recipient| match recipient {
        RecipientOutcome::Accepted(reply) => remote_id::read(reply),
        _ => None,
    });
    MailOutcome {
        ticket: mail.ticket,
        recipients,
        transcript: outcome.transcript,
        remote_id,
        peer: peer.into(),
    }
}

fn recipient(result: RecipientResult) -> RecipientOutcome {
    match result {
        RecipientResult::Accepted(reply) => RecipientOutcome::Accepted(reply),
        RecipientResult::Refused { phase: at, reply } => {
            RecipientOutcome::Refused { phase: phase(at), reply }
        }
        RecipientResult::Undeliverable { status, text } => RecipientOutcome::Undeliverable { status, text },
        RecipientResult::NotAttempted(failure) => RecipientOutcome::NotAttempted(trouble(failure)),
        RecipientResult::Unknown(failure) => RecipientOutcome::Unknown(trouble(failure)),
    }
}
