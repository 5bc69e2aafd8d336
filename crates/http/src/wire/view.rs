//! What goes out: jobs, lists, counts and relays as JSON.

use super::time;
use super::waits::Waits;
use postrider::{Attempt, AttemptRecipient, JobView, NodeStats, Priority, RelayStatus, Reply, Stats, Status};
use serde::Serialize;
use std::collections::BTreeMap;

/// The parts of the message's text that are shown, read from the stored bytes.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) html: Option<String>,
    pub(crate) text: Option<String>,
}

/// A row of a list; also the head of the full view.
#[derive(Serialize)]
pub(crate) struct Row<'a> {
    object: &'static str,
    id: String,
    created_at: String,
    from: &'a str,
    to: &'a [String],
    cc: &'a [String],
    bcc: &'a [String],
    reply_to: &'a [String],
    subject: &'a str,
    status: &'static str,
    last_event: &'static str,
    message_id: &'a str,
    external_id: Option<&'a str>,
    /// Set while the message waits for it.
    scheduled_at: Option<String>,
    size: u64,
    possible_duplicate: bool,
}

/// Everything known of one message.
#[derive(Serialize)]
pub(crate) struct Full<'a> {
    #[serde(flatten)]
    row: Row<'a>,
    html: Option<&'a str>,
    text: Option<&'a str>,
    envelope_from: &'a str,
    tags: Vec<Tag<'a>>,
    metadata: Option<serde_json::Value>,
    info: Option<&'a str>,
    priority: &'static str,
    relay: &'a str,
    expires_at: String,
    next_attempt_at: Option<String>,
    held_because: Option<&'a str>,
    /// The trouble of its relays, when none of them is well.
    waits_because: Option<&'a str>,
    /// The peer's id from its last 250.
    remote_id: Option<&'a str>,
    recipients: Vec<Recipient<'a>>,
    attempts: Vec<Tried<'a>>,
}

#[derive(Serialize)]
struct Tag<'a> {
    name: &'a str,
    value: &'a str,
}

#[derive(Serialize)]
struct Recipient<'a> {
    address: &'a str,
    state: &'static str,
    reply: Option<Answer>,
    cause: Option<&'a str>,
}

#[derive(Serialize)]
struct Tried<'a> {
    time: String,
    relay: &'a str,
    peer: &'a str,
    reply: Option<Answer>,
    remote_id: Option<&'a str>,
    recipients: Vec<Result<'a>>,
    transcript: &'a str,
}

#[derive(Serialize)]
struct Result<'a> {
    address: &'a str,
    command: &'a str,
    reply: Option<Answer>,
    cause: Option<&'a str>,
}

#[derive(Serialize)]
struct Answer {
    code: u16,
    enhanced: Option<String>,
    text: String,
}

impl Answer {
    fn of(reply: &Reply) -> Self {
        Self { code: reply.code, enhanced: reply.enhanced().map(|e| e.to_string()), text: reply.text() }
    }
}

pub(super) fn row(view: &JobView) -> Row<'_> {
    let meta = &view.meta;
    Row {
        object: "email",
        id: view.id.to_string(),
        created_at: time::shown(view.created_at),
        from: &meta.from,
        to: &meta.to,
        cc: &meta.cc,
        bcc: &meta.bcc,
        reply_to: &meta.reply_to,
        subject: &meta.subject,
        status: view.status.word(),
        last_event: view.status.word(),
        message_id: &meta.message_id,
        external_id: meta.external_id.as_deref(),
        scheduled_at: (view.status == Status::Scheduled).then(|| time::shown(view.due_at)),
        size: view.size,
        possible_duplicate: view.possible_duplicate,
    }
}

/// The full view.
pub(crate) fn email<'a>(view: &'a JobView, shown: &'a Shown, waits: &'a Waits) -> Full<'a> {
    let meta = &view.meta;
    Full {
        row: row(view),
        html: shown.html.as_deref(),
        text: shown.text.as_deref(),
        envelope_from: view.envelope.from.as_str(),
        tags: meta.tags.iter().map(|(name, value)| Tag { name, value }).collect(),
        metadata: meta.metadata.as_deref().and_then(|text| serde_json::from_str(text).ok()),
        info: meta.info.as_deref(),
        priority: priority(view.priority),
        relay: &view.route,
        expires_at: time::shown(view.expires_at),
        next_attempt_at: waits.until.map(time::shown),
        held_because: held_because(view),
        waits_because: waits.because.as_deref(),
        remote_id: view.attempts.iter().rev().find_map(|attempt| attempt.remote_id.as_deref()),
        recipients: recipients(view),
        attempts: view.attempts.iter().map(|attempt| tried(view, attempt)).collect(),
    }
}

/// Only what is held; that it once was is no news of a message that went.
pub(super) fn held_because(view: &JobView) -> Option<&str> {
    view.held_because.as_deref().filter(|_| view.status == Status::Held)
}

fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::Urgent => "urgent",
        Priority::Normal => "normal",
        Priority::Bulk => "bulk",
    }
}

/// What last happened to each recipient, by its place in the envelope.
pub(super) fn last_results(view: &JobView) -> BTreeMap<usize, &AttemptRecipient> {
    let all = view.attempts.iter().flat_map(|attempt| &attempt.recipients);
    all.map(|result| (result.index as usize, result)).collect()
}

fn recipients(view: &JobView) -> Vec<Recipient<'_>> {
    let last = last_results(view);
    let states = view.recipients.iter().map(|r| r.status.word());
    let places = view.envelope.to.iter().zip(states).enumerate();
    places
        .map(|(place, (recipient, state))| {
            let result = last.get(&place);
            Recipient {
                address: recipient.address.as_str(),
                state,
                reply: result.and_then(|r| r.reply.as_ref()).map(Answer::of),
                cause: result.and_then(|r| r.cause.as_deref()),
            }
        })
        .collect()
}

/// The address of a recipient by its place in the envelope.
pub(crate) fn address(view: &JobView, index: u32) -> &str {
    view.envelope.to.get(index as usize).map_or("", |r| r.address.as_str())
}

fn tried<'a>(view: &'a JobView, attempt: &'a Attempt) -> Tried<'a> {
    let results: Vec<_> = attempt
        .recipients
        .iter()
        .map(|r| Result {
            address: address(view, r.index),
            command: &r.command,
            reply: r.reply.as_ref().map(Answer::of),
            cause: r.cause.as_deref(),
        })
        .collect();
    Tried {
        time: time::shown(attempt.at),
        relay: &attempt.relay,
        peer: &attempt.peer,
        reply: attempt.recipients.iter().rev().find_map(|r| r.reply.as_ref()).map(Answer::of),
        remote_id: attempt.remote_id.as_deref(),
        recipients: results,
        transcript: &attempt.transcript,
    }
}

/// A page of a list, newest first.
#[derive(Serialize)]
pub(crate) struct List<T> {
    object: &'static str,
    data: Vec<T>,
    has_more: bool,
}

impl<T> List<T> {
    pub(super) fn new(data: Vec<T>, has_more: bool) -> Self {
        Self { object: "list", data, has_more }
    }
}

pub(crate) fn listed(page: &postrider::Page) -> List<Row<'_>> {
    List::new(page.jobs.iter().map(row).collect(), page.has_more)
}

/// The queue's counts.
#[derive(Serialize)]
pub(crate) struct Counts {
    object: &'static str,
    by_status: BTreeMap<&'static str, u64>,
    unsettled: u64,
    oldest_unsettled: Option<String>,
    accepted: u64,
    syncs: u64,
    log_bytes: u64,
    corrupt: u64,
    durable: bool,
    /// What makes mail less safe than it could be.
    warnings: Vec<String>,
    /// Those who share the queue; empty where nobody can.
    nodes: Vec<Node>,
    /// Why no mail is taken.
    refusing: Option<String>,
    /// Why no mail is delivered.
    paused: Option<String>,
}

#[derive(Serialize)]
struct Node {
    name: String,
    /// The one that answers.
    this: bool,
    about: String,
    leased: u64,
    /// Since its last sign of life.
    silent_seconds: i64,
}

impl From<NodeStats> for Node {
    fn from(node: NodeStats) -> Self {
        let NodeStats { name, this, leased, silent, about } = node;
        Self { name, this, about, leased, silent_seconds: silent.as_secs() }
    }
}

/// Whether mail is taken and delivered, and how safely it is kept.
pub(crate) struct Standing {
    pub(crate) durable: bool,
    pub(crate) warnings: Vec<String>,
    pub(crate) refusing: Option<String>,
    pub(crate) paused: Option<String>,
}

pub(crate) fn stats(stats: Stats, standing: Standing) -> Counts {
    let Standing { durable, warnings, refusing, paused } = standing;
    Counts {
        object: "queue",
        by_status: stats.by_status.into_iter().collect(),
        unsettled: stats.unsettled,
        oldest_unsettled: stats.oldest_unsettled.map(time::shown),
        accepted: stats.accepted,
        syncs: stats.syncs,
        log_bytes: stats.log_bytes,
        corrupt: stats.corrupt,
        durable,
        warnings,
        nodes: stats.nodes.into_iter().map(Node::from).collect(),
        refusing,
        paused,
    }
}

/// How a relay does.
#[derive(Serialize)]
pub(crate) struct Relay {
    name: String,
    url: String,
    /// `ok`, `trouble` or `paused`.
    state: &'static str,
    trouble: Option<String>,
    /// Seconds until it is tried again.
    again_in: Option<u64>,
    paused: Option<String>,
    connections: usize,
    last_success: Option<String>,
    sent: u64,
    /// Programs at work, where mail goes by sendmail.
    running: Vec<Program>,
}

#[derive(Serialize)]
struct Program {
    pid: u32,
    recipients: usize,
    since: String,
}

pub(crate) fn relays(all: Vec<RelayStatus>) -> List<Relay> {
    let state = |relay: &RelayStatus| match (&relay.paused, &relay.trouble) {
        (Some(_), _) => "paused",
        (None, Some(_)) => "trouble",
        (None, None) => "ok",
    };
    let program = |run: postrider::Program| Program {
        pid: run.pid,
        recipients: run.recipients,
        since: time::shown(run.since),
    };
    let shown = all.into_iter().map(|relay| Relay {
        state: state(&relay),
        name: relay.name.to_string(),
        url: relay.url.to_string(),
        trouble: relay.trouble,
        again_in: relay.again_in.map(|left| left.as_secs()),
        paused: relay.paused,
        connections: relay.connections,
        last_success: relay.last_success.map(time::shown),
        sent: relay.sent,
        running: relay.running.into_iter().map(program).collect(),
    });
    List::new(shown.collect(), false)
}
