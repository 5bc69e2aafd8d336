//! One leased batch through a sender: mails out, outcomes in, settlements to the store.

use crate::date::{self, Dated};
use crate::desk::Desk;
use crate::judge::Verdict;
use crate::past;
use crate::retry::later;
use crate::signal::Watcher;
use crate::verdicts;
use crate::words;
use crate::worker::Stop;
use envelope::Recipient;
use futures_util::stream::FuturesUnordered;
use futures_util::{StreamExt, stream};
use jiff::Timestamp;
use queue::{Attempt, AttemptRecipient, Begun, Job, Lease, Next, RecipientState, Settlement, Store};
use send::{Mail, MailOutcome, Phase, RecipientOutcome, Trouble, TroubleKind};
use std::collections::BTreeMap;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::watch;

/// Outcomes that are there at one moment are settled together, at most this many.
const SETTLED_TOGETHER: usize = 64;

/// How a batch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Well,
    /// The sender panicked, and what it had is in doubt.
    Panicked,
}

/// Sends a batch and settles it. Every lease is settled, or dropped untouched when its mail was
/// never handed to the sender.
pub(crate) async fn run(desk: &Desk, leases: Vec<Lease>, stop: &Watcher<Stop>) -> Ended {
    let mut mails: Vec<Mail> = (0..).zip(&leases).map(|(ticket, lease)| mail(ticket, &lease.job)).collect();
    let dated = date::complete(desk, &mut mails, &leases).await;
    let mut open: BTreeMap<u64, Lease> = (0..).zip(leases).collect();
    let taken = Arc::new(AtomicU64::new(0));
    let counter = taken.clone();
    let begun: Vec<_> =
        open.values().map(|lease| (lease.begun(), lease.job.id, lease.job.meta.clone())).collect();
    let draining = stop.clone();
    let leased: Vec<_> = open.values().map(Lease::begun).collect();
    // Whether a mail may still be begun: one whose lease ended may be another node's by now.
    let may = move |mail: &Mail| {
        let lease = usize::try_from(mail.ticket).ok().and_then(|n| leased.get(n));
        draining.get() == Stop::No && lease.is_some_and(Begun::may)
    };
    let (unsettled, settled) = watch::channel(0);
    // The sender asks for the next mail only when it can work on it; from then on it is in its hands. While
    // outcomes wait for the store none is begun: what it cannot record would go out again.
    let feed = stream::iter(mails)
        .then(move |mail| recorded(settled.clone(), mail))
        .take_while(move |mail| std::future::ready(may(mail)))
        .inspect(move |mail| {
            counter.store(mail.ticket + 1, Ordering::Relaxed);
            if let Some((lease, id, meta)) = usize::try_from(mail.ticket).ok().and_then(|n| begun.get(n)) {
                lease.set();
                let info = meta.info.as_deref().unwrap_or_default();
                tracing::trace!(%id, "New e-mail sending request [{}]: {info}", addresses(&mail.to));
            }
        });
    let outcomes = AssertUnwindSafe(desk.relay.sender.send_batch(feed.boxed())).catch_unwind();
    let mut outcomes = outcomes.ready_chunks(SETTLED_TOGETHER);
    let mut hammer = stop.clone();
    let mut settling = FuturesUnordered::new();
    let broken_off = loop {
        tokio::select! {
            biased;
            // Also while outcomes wait for the store: a mail that is half on its way must not go on when its lease
            // is somebody else's.
            got = outcomes.next() => match got {
                Some(chunk) => {
                    let many = chunk.len();
                    // What was answered before a panic stands.
                    let known: Vec<MailOutcome> = chunk.into_iter().map_while(Result::ok).collect();
                    let broke = known.len() < many;
                    let results = weighed(desk, &mut open, known);
                    settling.push(settle(desk, results, &dated));
                    unsettled.send_replace(settling.len());
                    if broke {
                        break PANICKED;
                    }
                }
                None => break "the sender gave no outcome",
            },
            Some(()) = settling.next(), if !settling.is_empty() => drop(unsettled.send_replace(settling.len())),
            () = hammered(&mut hammer) => break "stopped before the outcome was known",
        }
    };
    drop(outcomes);
    while settling.next().await.is_some() {}
    drop(settling);
    abandon(desk, open, taken.load(Ordering::Relaxed), broken_off, &dated).await;
    if broken_off == PANICKED { Ended::Panicked } else { Ended::Well }
}

pub(crate) const PANICKED: &str = "the sender panicked";

/// Completes at the hammer.
async fn hammered(stop: &mut Watcher<Stop>) {
    stop.until(|s| s == Stop::Hammer).await;
}

fn mail(ticket: u64, job: &Job) -> Mail {
    let to = job.open.iter().filter_map(|i| job.envelope.to.get(*i as usize)).cloned().collect();
    Mail {
        ticket,
        from: job.envelope.from.clone(),
        to,
        ret: job.envelope.ret,
        envid: job.envelope.envid.clone(),
        header: job.header.clone(),
        body: job.body.clone(),
        eight_bit: job.eight_bit,
        utf8_header: job.utf8_header,
        urgent: job.priority == queue::Priority::Urgent,
    }
}

/// The mail, once no outcome waits for the store.
async fn recorded(mut unsettled: watch::Receiver<usize>, mail: Mail) -> Mail {
    // Nobody settles any more: then nobody sends either.
    let _gone = unsettled.wait_for(|outcomes| *outcomes == 0).await;
    mail
}

/// A lease, its outcome's ticket and what becomes of it.
type Weighed = (Lease, u64, Settlement);

fn weighed(desk: &Desk, open: &mut BTreeMap<u64, Lease>, chunk: Vec<MailOutcome>) -> Vec<Weighed> {
    let mut results = Vec::with_capacity(chunk.len());
    for outcome in chunk {
        let Some(lease) = open.remove(&outcome.ticket) else {
            tracing::error!(relay = %desk.relay.name, ticket = outcome.ticket, "a sender answered twice for one mail");
            continue;
        };
        match weigh(desk, &lease.job, &outcome) {
            Some(settlement) => results.push((lease, outcome.ticket, settlement)),
            None => drop(lease),
        }
    }
    results
}

async fn settle(desk: &Desk, weighed: Vec<Weighed>, dated: &Dated) {
    let mut results = Vec::with_capacity(weighed.len());
    for (lease, ticket, mut settlement) in weighed {
        past::spare(desk, &lease.job, &mut settlement).await;
        dated.note(ticket, &mut settlement);
        results.push((lease, settlement));
    }
    store(desk, results).await;
}

async fn store(desk: &Desk, results: Vec<(Lease, Settlement)>) {
    if results.is_empty() {
        return;
    }
    if let Err(error) = desk.store.settle(results).await {
        tracing::error!(relay = %desk.relay.name, %error, "outcomes could not be recorded; the mails may be sent again");
    }
}

/// Leases without outcome: those whose mail the sender had are in doubt, the rest go back untouched.
async fn abandon(desk: &Desk, open: BTreeMap<u64, Lease>, taken: u64, why: &str, dated: &Dated) {
    let mut settlements = Vec::new();
    for (ticket, lease) in open.into_iter().filter(|(ticket, _)| *ticket < taken) {
        let trouble = Trouble { kind: TroubleKind::Lost, phase: Phase::End, reply: None, text: why.into() };
        let outcome = MailOutcome::all(ticket, lease.job.open.len(), RecipientOutcome::Unknown(trouble), "");
        let Some(mut settlement) = weigh(desk, &lease.job, &outcome) else { continue };
        dated.note(ticket, &mut settlement);
        if why == PANICKED && past::panics(desk, &lease.job).await + 1 >= PANICS {
            tracing::error!(id = %lease.job.id, "{QUARANTINED}");
            settlement.next = Next::Hold(QUARANTINED.into());
        }
        settlements.push((lease, settlement));
    }
    store(desk, settlements).await;
}

/// Panics after which a mail is no longer tried.
const PANICS: usize = 3;

/// Shown of a mail that broke its sender too often.
const QUARANTINED: &str = "quarantined: the sender panicked three times when it had this mail; \
     this is a fault of postrider's, please report it; release the mail to try once more";

/// Turns an outcome into a settlement; `None`: put back as it was.
fn weigh(desk: &Desk, job: &Job, outcome: &MailOutcome) -> Option<Settlement> {
    let now = desk.clock.now();
    let verdicts = verdicts::of(desk, job, outcome, now);
    if verdicts.each.iter().all(|v| *v == Verdict::PutBack) {
        return None;
    }
    let trouble_wait = verdicts::tell(desk, job, outcome, &verdicts);
    let mut settlement = Settlement {
        finals: Vec::new(),
        next: Next::RetryIn(Duration::MAX),
        attempt: Some(attempt(desk, job, outcome, now)),
        counted: false,
        in_doubt: false,
        only: None,
    };
    let mut due = Timestamp::MAX;
    for (index, verdict) in job.open.iter().zip(&verdicts.each) {
        match verdict {
            Verdict::Delivered => settlement.finals.push((*index, RecipientState::Sent)),
            Verdict::Failed => settlement.finals.push((*index, RecipientState::Failed)),
            Verdict::RetryAt(at) => {
                due = due.min(*at);
                settlement.counted = true;
            }
            Verdict::RetryInDoubt(at) => {
                due = due.min(*at);
                settlement.counted = true;
                settlement.in_doubt = true;
            }
            Verdict::RelayTrouble | Verdict::TooFast(_) => due = due.min(later(now, trouble_wait)),
            Verdict::NextRelay => {
                due = now;
                settlement.only = desk.next(job);
            }
            Verdict::PutBack => due = now,
        }
    }
    // A recipient in doubt keeps the others at its relay: the mail moves as one.
    if settlement.in_doubt {
        settlement.only = Some(desk.relay.name.clone());
    }
    settlement.next = Next::RetryIn(Duration::try_from(due.duration_since(now)).unwrap_or_default());
    log(job, &verdicts.each, outcome);
    Some(settlement)
}

fn attempt(desk: &Desk, job: &Job, outcome: &MailOutcome, now: Timestamp) -> Attempt {
    let recipients = job.open.iter().zip(&outcome.recipients).map(|(index, r)| {
        let (phase, reply, cause) = match r {
            RecipientOutcome::Accepted(reply) => (Phase::End, Some(reply), None),
            RecipientOutcome::Refused { phase, reply } => (*phase, Some(reply), None),
            RecipientOutcome::Undeliverable { status, text } => {
                (Phase::Mail, None, Some(format!("{status} {text}")))
            }
            RecipientOutcome::NotAttempted(t) | RecipientOutcome::Unknown(t) => {
                (t.phase, t.reply.as_ref(), Some(t.text.to_string()))
            }
        };
        AttemptRecipient { index: *index, command: phase.command().into(), reply: reply.cloned(), cause }
    });
    Attempt {
        at: now,
        relay: desk.relay.name.to_string(),
        peer: outcome.peer.to_string(),
        recipients: recipients.collect(),
        transcript: outcome.transcript.to_string(),
        remote_id: outcome.remote_id.as_ref().map(ToString::to_string),
    }
}

/// The reference's log lines at its levels (spec 0), never with a body: a sent mail at trace, a failed one at
/// error. One that is tried again, which the reference does not know, at warn.
fn log(job: &Job, verdicts: &[Verdict], outcome: &MailOutcome) {
    let info = job.meta.info.as_deref().unwrap_or_default();
    let to = job.open.iter().filter_map(|index| job.envelope.to.get(*index as usize));
    let mut sent = Vec::new();
    for ((to, recipient), verdict) in to.zip(&outcome.recipients).zip(verdicts) {
        let address = to.address.as_str();
        match verdict {
            Verdict::Delivered => sent.push(to.clone()),
            Verdict::Failed => {
                tracing::error!(id = %job.id, "Failed to send emails [{address}]: {info} - {}", words::of(recipient));
            }
            Verdict::RetryAt(at) | Verdict::RetryInDoubt(at) => {
                tracing::warn!(id = %job.id, retry_at = %at, "E-mail deferred [{address}]: {info} - {}", words::of(recipient));
            }
            Verdict::RelayTrouble | Verdict::TooFast(_) | Verdict::NextRelay | Verdict::PutBack => {}
        }
    }
    if !sent.is_empty() {
        tracing::trace!(id = %job.id, "E-mails sent [{}]: {info}", addresses(&sent));
    }
}

fn addresses(to: &[Recipient]) -> String {
    to.iter().map(|to| to.address.as_str()).collect::<Vec<_>>().join(", ")
}
