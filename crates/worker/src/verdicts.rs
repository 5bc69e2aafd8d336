//! One mail's verdicts: what the judge is told besides the outcome, and what the relay's health
//! learns from them.

use crate::breaker::Pace;
use crate::desk::{Desk, pace};
use crate::judge::{Case, Verdict, judge};
use crate::retry::later;
use crate::words::describe;
use envelope::{Class, Reply};
use jiff::Timestamp;
use queue::{Job, JobId};
use send::{MailOutcome, Phase, RecipientOutcome, TroubleKind};
use std::time::Duration;

/// A verdict for each open recipient.
pub(crate) struct Verdicts {
    pub(crate) each: Vec<Verdict>,
    /// The relay refuses for good whatever it is given.
    mass_failure: bool,
}

pub(crate) fn of(desk: &Desk, job: &Job, outcome: &MailOutcome, now: Timestamp) -> Verdicts {
    let refused_at_rcpt =
        |r: &&RecipientOutcome| matches!(r, RecipientOutcome::Refused { phase: Phase::Rcpt, .. });
    let refused = outcome.recipients.iter().filter(refused_at_rcpt).count();
    let has_next = has_next(desk, job, outcome);
    let case = Case {
        id: job.id,
        attempt: job.attempts.saturating_add(1),
        profile: desk.settings.profile(job.priority),
        now,
        accepted_rcpts: outcome.recipients.len().saturating_sub(refused),
        has_next,
        tripped_alone: desk.health().was_tripped_alone(job.id),
        mass_failure: false,
    };
    let all =
        |case: Case<'_>| -> Vec<Verdict> { outcome.recipients.iter().map(|r| judge(r, case)).collect() };
    let mut verdicts = all(case);
    let mass_failure = is_mass_failure(desk, job.id, outcome, &verdicts);
    if mass_failure {
        verdicts = all(Case { mass_failure: true, ..case });
    }
    // A relay that took the mail for one recipient is not in trouble; its odd reply is the mail's affair.
    if verdicts.contains(&Verdict::Delivered) {
        let again = Verdict::RetryAt(case.profile.next(case.attempt, job.id, now));
        let odd = |v: &&mut Verdict| matches!(v, Verdict::RelayTrouble | Verdict::TooFast(_));
        verdicts.iter_mut().filter(odd).for_each(|v| *v = again.clone());
    }
    // A sender that answered for too few recipients: the rest may have been sent.
    let doubt = Verdict::RetryInDoubt(later(now, Duration::from_secs(60)));
    verdicts.resize(job.open.len(), doubt);
    Verdicts { each: verdicts, mass_failure }
}

/// Whether a relay is left for what this one cannot take as it is.
fn has_next(desk: &Desk, job: &Job, outcome: &MailOutcome) -> bool {
    let unable = |r: &RecipientOutcome| matches!(r, RecipientOutcome::Undeliverable { .. });
    if !outcome.recipients.iter().any(unable) {
        return false;
    }
    desk.health().note_unable(job.id);
    let left = desk.next(job).is_some();
    if !left {
        desk.forget(job);
    }
    left
}

/// Whether these refusals for good, after those before, say that the relay refuses whatever it is given.
fn is_mass_failure(desk: &Desk, id: JobId, outcome: &MailOutcome, verdicts: &[Verdict]) -> bool {
    let by_reply = |(r, v): &(&RecipientOutcome, &Verdict)| {
        **v == Verdict::Failed && matches!(r, RecipientOutcome::Refused { .. })
    };
    let refused = outcome.recipients.iter().zip(verdicts).filter(by_reply).count();
    let taken = verdicts.contains(&Verdict::Delivered);
    refused > 0 && !taken && desk.refused(id, refused)
}

/// Tells the relay's health what the outcome says of it; returns how long the mail must wait for a relay.
pub(crate) fn tell(desk: &Desk, job: &Job, outcome: &MailOutcome, verdicts: &Verdicts) -> Duration {
    let (id, mass_failure, verdicts) = (job.id, verdicts.mass_failure, &verdicts.each);
    let about =
        |(_, v): &(&RecipientOutcome, &Verdict)| matches!(v, Verdict::RelayTrouble | Verdict::TooFast(_));
    let found = outcome.recipients.iter().zip(verdicts).find(about);
    let Some((recipient, verdict)) = found else {
        // Whoever answers for a mail, be it with a refusal, is there.
        let answered = |r: &RecipientOutcome| {
            matches!(r, RecipientOutcome::Accepted(_) | RecipientOutcome::Refused { .. })
        };
        if outcome.recipients.iter().any(answered) {
            desk.success(verdicts.contains(&Verdict::Delivered));
        }
        return Duration::ZERO;
    };
    let wait = match (recipient, verdict) {
        (RecipientOutcome::Refused { phase, reply }, Verdict::TooFast(asked)) => {
            desk.health().tripped(id);
            desk.throttle(&describe(*phase, Some(reply), ""), *asked)
        }
        (RecipientOutcome::Refused { phase, reply }, _) => {
            desk.health().tripped(id);
            refused(desk, *phase, reply, mass_failure)
        }
        (RecipientOutcome::NotAttempted(t) | RecipientOutcome::Unknown(t), _) => {
            if matches!(t.phase, Phase::Mail | Phase::Rcpt) {
                desk.health().tripped(id);
            }
            let cause = describe(t.phase, t.reply.as_ref(), &t.text);
            if t.kind == TroubleKind::Busy {
                let asked = if let Verdict::TooFast(asked) = verdict { *asked } else { Duration::ZERO };
                desk.throttle(&cause, asked)
            } else {
                desk.trouble(pace(t.kind), &cause, Duration::ZERO)
            }
        }
        (RecipientOutcome::Accepted(_) | RecipientOutcome::Undeliverable { .. }, _) => Duration::ZERO,
    };
    if job.pinned || desk.is_named_by(job) { wait } else { desk.wait_for_any(wait) }
}

fn refused(desk: &Desk, phase: Phase, reply: &Reply, mass_failure: bool) -> Duration {
    let said = describe(phase, Some(reply), "");
    if reply.class() != Some(Class::Permanent) {
        return desk.trouble(Pace::Passing, &said, Duration::ZERO);
    }
    let remedy =
        format!("Mend our account or address at the relay, then: postrider relay resume {}", desk.relay.name);
    if !mass_failure {
        let cause = format!("it takes no mail from us; all of it waits. It says: {said}. {remedy}");
        return desk.trouble(Pace::Login, &cause, Duration::ZERO);
    }
    let row = desk.health().refused_in_a_row();
    let cause = format!(
        "it refused for good {row} recipients in a row and took none; the rest of the mail waits. \
         Last answer: {said}. {remedy}"
    );
    desk.trouble(Pace::Mass, &cause, Duration::ZERO)
}
