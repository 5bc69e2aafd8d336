//! Records from the future: the clock was ahead when they were written and was set right since. What they tell in
//! durations counts from now; a schedule is a date, and stays.

use crate::Status;
use crate::record::{ControlKind, Fact, JobFact, Progress};
use jiff::{SignedDuration, Timestamp};

/// No retry is put off for longer; a snapshot does not say when its retry was decided.
const LONGEST_RETRY: SignedDuration = SignedDuration::from_hours(24);

/// The fact as it is meant when it is read at `now`.
pub(crate) fn tame(mut fact: Fact<'_>, now: Timestamp) -> Fact<'_> {
    match &mut fact {
        Fact::Accepted(job) => accepted(job, true, now),
        Fact::Snapshot(job, progress) => {
            accepted(job, progress.status == Status::Scheduled, now);
            retry(job, progress, now);
        }
        Fact::Settled(settled) if settled.at > now => {
            settled.due_at = settled.due_at.map(|due_at| after(now, due_at.duration_since(settled.at)));
            settled.at = now;
        }
        Fact::Control(control) if control.at > now => {
            if let ControlKind::Retry { expires_at } = &mut control.kind {
                *expires_at = after(now, expires_at.duration_since(control.at));
            }
            control.at = now;
        }
        Fact::Settled(_) | Fact::Leased(_) | Fact::Control(_) | Fact::Filed(_) => {}
    }
    fact
}

/// `untried`: a later time at which it is due is the date it was given.
fn accepted(job: &mut JobFact<'_>, untried: bool, now: Timestamp) {
    if job.created_at <= now {
        return;
    }
    let dated = untried && job.due_at > job.created_at;
    if !dated {
        job.expires_at = after(now, job.expires_at.duration_since(job.created_at));
    }
    if job.due_at <= job.created_at {
        job.due_at = now;
    }
    job.created_at = now;
}

fn retry(job: &mut JobFact<'_>, progress: &Progress, now: Timestamp) {
    if progress.status == Status::Deferred {
        job.due_at = job.due_at.min(after(now, LONGEST_RETRY));
    }
}

fn after(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}
