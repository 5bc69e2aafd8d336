//! The judge: what an outcome means for the recipient, the mail and the relay. Pure, and the only
//! place that makes a `Verdict`; every odd rule is a row here and nowhere else.

mod throttle;

use crate::retry::{RetryProfile, later};
use envelope::{Class, Reply};
use jiff::Timestamp;
use queue::JobId;
use send::{Phase, RecipientOutcome, Trouble, TroubleKind};
use std::time::Duration;

/// What happens to one recipient next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Delivered,
    /// Tried again; the attempt counts for the retry profile.
    RetryAt(Timestamp),
    /// As `RetryAt`, but the mail may have been delivered: same relay only, marked as a possible duplicate.
    RetryInDoubt(Timestamp),
    /// Final: the next hop (or we) will never take it.
    Failed,
    /// The relay is in trouble: the mail waits for it or goes to the next, no attempt is spent.
    RelayTrouble,
    /// As `RelayTrouble`; and the relay says that it is too much, and perhaps how long to wait.
    TooFast(Duration),
    /// This relay cannot take the mail as it is; the next one of the route may.
    NextRelay,
    /// We were told to stop: the mail goes back as it was.
    PutBack,
}

/// What the judge knows besides the outcome.
#[derive(Debug, Clone, Copy)]
pub struct Case<'a> {
    pub id: JobId,
    /// Which counted attempt this one is, from 1.
    pub attempt: u32,
    pub profile: &'a RetryProfile,
    pub now: Timestamp,
    /// Recipients of the same transaction that the peer had accepted at RCPT.
    pub accepted_rcpts: usize,
    /// Whether a relay comes after this one that the mail may be given to.
    pub has_next: bool,
    /// The mail drew a reply about the relay before, and the relay has served others since.
    pub tripped_alone: bool,
    /// The relay refuses for good whatever it is given.
    pub mass_failure: bool,
}

/// An unknown outcome is never tried again sooner.
const DOUBT_WAIT: Duration = Duration::from_secs(60);

/// Judges one recipient's outcome.
pub fn judge(outcome: &RecipientOutcome, case: Case<'_>) -> Verdict {
    match outcome {
        RecipientOutcome::Accepted(_) => Verdict::Delivered,
        RecipientOutcome::Undeliverable { .. } if case.has_next => Verdict::NextRelay,
        RecipientOutcome::Undeliverable { .. } => Verdict::Failed,
        RecipientOutcome::Refused { phase, reply } => refused(*phase, reply, case),
        RecipientOutcome::NotAttempted(trouble) => not_attempted(trouble, case),
        RecipientOutcome::Unknown(_) => {
            let at = case.profile.next(case.attempt, case.id, case.now);
            Verdict::RetryInDoubt(at.max(later(case.now, DOUBT_WAIT)))
        }
    }
}

fn not_attempted(trouble: &Trouble, case: Case<'_>) -> Verdict {
    match (trouble.kind, trouble.phase) {
        (TroubleKind::Stopped, _) => Verdict::PutBack,
        // The line broke under this mail's own bytes: charged to the mail, so that one poisonous
        // mail cannot close the relay for all.
        (_, Phase::Data | Phase::End) => match &trouble.reply {
            Some(reply) => asked_or_later(reply, case),
            None => retry(case),
        },
        // So does a mail whose very envelope ends the line each time, while others are served.
        (_, Phase::Mail | Phase::Rcpt) if case.tripped_alone => retry(case),
        // A relay that goes with 421 may say for how long.
        (TroubleKind::Busy, _) => match trouble.reply.as_ref().and_then(throttle::asked_wait) {
            Some(wait) => Verdict::TooFast(wait),
            None => Verdict::RelayTrouble,
        },
        _ => Verdict::RelayTrouble,
    }
}

fn refused(phase: Phase, reply: &Reply, case: Case<'_>) -> Verdict {
    if !case.tripped_alone {
        if throttle::says_too_fast(reply) {
            return Verdict::TooFast(throttle::asked_wait(reply).unwrap_or_default());
        }
        if about_the_relay(phase, reply) {
            return Verdict::RelayTrouble;
        }
    }
    // The first digit decides (RFC 5321 4.2.1); an enhanced code that disagrees is shown, not used.
    match reply.class() {
        Some(Class::Transient) => asked_or_later(reply, case),
        Some(Class::Permanent) if too_many_recipients(phase, reply, case) => retry(case),
        Some(Class::Permanent) if case.mass_failure => Verdict::RelayTrouble,
        Some(Class::Permanent) => Verdict::Failed,
        // A success or 3xx here is the peer's fault; the sender reports those as misbehaviour.
        Some(Class::Success) | None => retry(case),
    }
}

fn retry(case: Case<'_>) -> Verdict {
    Verdict::RetryAt(case.profile.next(case.attempt, case.id, case.now))
}

/// Attempts for which a relay's "try again in so long" is taken at its word.
const TRUSTED_ATTEMPTS: u32 = 3;

fn asked_or_later(reply: &Reply, case: Case<'_>) -> Verdict {
    let Some(asked) = throttle::asked_wait(reply) else { return retry(case) };
    let ours = case.profile.delay(case.attempt, case.id);
    let wait = if case.attempt <= TRUSTED_ATTEMPTS { asked } else { asked.max(ours) };
    Verdict::RetryAt(later(case.now, wait))
}

/// Replies that speak of the relay and our standing with it, not of this mail.
fn about_the_relay(phase: Phase, reply: &Reply) -> bool {
    let enhanced = reply.enhanced().map(|s| (s.subject, s.detail));
    let before_mail =
        matches!(phase, Phase::Connect | Phase::Greeting | Phase::Hello | Phase::Tls | Phase::Auth);
    before_mail
        // RFC 5321 3.8: service closing, whatever was asked.
        || reply.code == 421
        // RFC 4954: authentication required, too weak, refused, or needs encryption.
        || matches!(reply.code, 530 | 534 | 535 | 538)
        || (reply.class() == Some(Class::Permanent) && matches!(enhanced, Some((7, 8 | 9))))
        || (reply.class() == Some(Class::Permanent) && says_relay_denied(reply))
        // RFC 3463 3.4: the mail system is full or not taking mail; at MAIL nothing else is known yet.
        || (phase == Phase::Mail && reply.class() == Some(Class::Transient) && matches!(enhanced, Some((3, 0..=2))))
}

/// We may not relay here at all: our settings or the relay's are wrong, not the mail.
fn says_relay_denied(reply: &Reply) -> bool {
    let text = reply.text().to_ascii_lowercase();
    [
        "relay access denied",
        "relaying denied",
        "relay not permitted",
        "relaying not allowed",
        "not permitted to relay",
    ]
    .iter()
    .any(|phrase| text.contains(phrase))
}

/// RFC 5321 4.5.3.1.10: 552 at RCPT may mean 452, but only when others were accepted before it and
/// the enhanced code does not say otherwise.
fn too_many_recipients(phase: Phase, reply: &Reply, case: Case<'_>) -> bool {
    phase == Phase::Rcpt
        && reply.code == 552
        && case.accepted_rcpts > 0
        && reply.enhanced().is_none_or(|s| (s.subject, s.detail) == (5, 3))
}

#[cfg(test)]
mod tests;
