//! Version 1 of the records' heads: postcard over these structs. They never change; a new form is a
//! new version beside them.

use super::{Beside, Control, ControlKind, FiledRecord, Head, Progress, Record, SettledRecord};
use crate::{Attempt, AttemptRecipient, Idempotency, JobId, Meta, Priority, RecipientState, Status};
use envelope::{Address, Envelope, Notify, Recipient, Reply, Ret, ReversePath};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(super) const ACCEPTED: u8 = 1;
const LEASED: u8 = 2;
const SETTLED: u8 = 3;
const CONTROL: u8 = 4;
pub(super) const SNAPSHOT: u8 = 5;
const FILED: u8 = 6;
/// As `ACCEPTED` and `SNAPSHOT`, followed by what the body's file must be.
pub(super) const ACCEPTED_BESIDE: u8 = 7;
pub(super) const SNAPSHOT_BESIDE: u8 = 8;

#[derive(Serialize, Deserialize)]
struct HeadV1 {
    id: u128,
    project: String,
    from: Option<String>,
    to: Vec<(String, u8, Option<String>)>,
    ret_full: Option<bool>,
    envid: Option<String>,
    meta: Meta,
    /// Microseconds since 1970.
    created_at: i64,
    due_at: i64,
    expires_at: i64,
    priority: Priority,
    route: String,
    idempotency: Option<Idempotency>,
    eight_bit: bool,
    utf8_header: bool,
    size: u64,
}

/// Code and lines.
type ReplyV1 = (u16, Vec<String>);
/// Index, command, reply, cause.
type RecipientV1 = (u32, String, Option<ReplyV1>, Option<String>);

#[derive(Serialize, Deserialize)]
struct AttemptV1 {
    at: i64,
    relay: String,
    peer: String,
    recipients: Vec<RecipientV1>,
    transcript: String,
    remote_id: Option<String>,
}

#[derive(Serialize, Deserialize)]
pub(super) struct ProgressV1 {
    status: u8,
    recipients: Vec<RecipientState>,
    attempts: u32,
    doubt: bool,
    held_because: Option<String>,
    settled_at: Option<i64>,
    history: Vec<AttemptV1>,
    with_bytes: bool,
}

#[derive(Serialize, Deserialize)]
struct SettledV1 {
    id: u128,
    at: i64,
    finals: Vec<(u32, RecipientState)>,
    due_at: Option<i64>,
    hold: Option<String>,
    counted: bool,
    doubt: bool,
    attempt: Option<AttemptV1>,
}

#[derive(Serialize, Deserialize)]
enum ControlV1 {
    Cancel,
    Retry { expires_at: i64 },
    Hold(String),
    Release,
    Reschedule(i64),
    Purge,
    Expire,
    Return,
    Broken(String),
}

pub(super) fn encode(record: &Record) -> Result<(u8, Vec<u8>), (u8, postcard::Error)> {
    let (kind, bytes) = match record {
        Record::Accepted(head) => match head.beside {
            None => (ACCEPTED, postcard::to_stdvec(&head_out(head))),
            Some(beside) => (ACCEPTED_BESIDE, postcard::to_stdvec(&(head_out(head), beside))),
        },
        Record::Leased(ids) => {
            (LEASED, postcard::to_stdvec(&ids.iter().map(|id| id.0.as_u128()).collect::<Vec<_>>()))
        }
        Record::Settled(settled) => (SETTLED, postcard::to_stdvec(&settled_out(settled))),
        Record::Control(c) => {
            (CONTROL, postcard::to_stdvec(&(c.id.0.as_u128(), micros(c.at), control_out(&c.kind))))
        }
        Record::Snapshot(head, progress) => {
            let parts = (head_out(head), progress_out(progress));
            match head.beside {
                None => (SNAPSHOT, postcard::to_stdvec(&parts)),
                Some(beside) => (SNAPSHOT_BESIDE, postcard::to_stdvec(&(parts, beside))),
            }
        }
        Record::Filed(filed) => {
            let ids: Vec<u128> = filed.ids.iter().map(|id| id.0.as_u128()).collect();
            (FILED, postcard::to_stdvec(&(filed.day.to_string(), filed.mark, filed.rows, ids)))
        }
    };
    bytes.map(|b| (kind, b)).map_err(|e| (kind, e))
}

pub(super) fn decode(kind: u8, bytes: &[u8]) -> Result<Record, String> {
    fn take<'a, T: Deserialize<'a>>(bytes: &'a [u8]) -> Result<T, String> {
        postcard::from_bytes(bytes).map_err(|e| e.to_string())
    }
    Ok(match kind {
        ACCEPTED => Record::Accepted(Box::new(head_in(take(bytes)?, None)?)),
        ACCEPTED_BESIDE => {
            let (head, beside): (HeadV1, Beside) = take(bytes)?;
            Record::Accepted(Box::new(head_in(head, Some(beside))?))
        }
        SNAPSHOT_BESIDE => {
            let ((head, progress), beside): ((HeadV1, ProgressV1), Beside) = take(bytes)?;
            Record::Snapshot(Box::new(head_in(head, Some(beside))?), Box::new(progress_in(progress)?))
        }
        LEASED => Record::Leased(take::<Vec<u128>>(bytes)?.into_iter().map(id).collect()),
        SETTLED => Record::Settled(Box::new(settled_in(take(bytes)?)?)),
        CONTROL => {
            let (of, at, kind): (u128, i64, ControlV1) = take(bytes)?;
            Record::Control(Control { id: id(of), at: time(at), kind: control_in(kind)? })
        }
        SNAPSHOT => {
            let (head, progress): (HeadV1, ProgressV1) = take(bytes)?;
            Record::Snapshot(Box::new(head_in(head, None)?), Box::new(progress_in(progress)?))
        }
        FILED => {
            let (day, mark, rows, ids): (String, u64, i64, Vec<u128>) = take(bytes)?;
            let day = day.parse().map_err(|e| format!("{day:?} is no day: {e}"))?;
            Record::Filed(FiledRecord { day, mark, rows, ids: ids.into_iter().map(id).collect() })
        }
        other => return Err(format!("unknown kind {other}")),
    })
}

fn id(n: u128) -> JobId {
    JobId(uuid::Uuid::from_u128(n))
}

pub(super) fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// A time out of range is the end of time: `Timestamp::MAX` itself, in microseconds, is such a one.
pub(super) fn time(micros: i64) -> Timestamp {
    let end = if micros < 0 { Timestamp::MIN } else { Timestamp::MAX };
    Timestamp::from_microsecond(micros).unwrap_or(end)
}

fn head_out(h: &Head) -> HeadV1 {
    let to = |r: &Recipient| {
        let n = r.notify;
        let bits =
            u8::from(n.never) | u8::from(n.success) << 1 | u8::from(n.failure) << 2 | u8::from(n.delay) << 3;
        (r.address.to_string(), bits, r.orcpt.as_ref().map(ToString::to_string))
    };
    HeadV1 {
        id: h.id.0.as_u128(),
        project: h.project.to_string(),
        from: h.envelope.from.0.as_ref().map(ToString::to_string),
        to: h.envelope.to.iter().map(to).collect(),
        ret_full: h.envelope.ret.map(|r| r == Ret::Full),
        envid: h.envelope.envid.as_ref().map(ToString::to_string),
        meta: h.meta.clone(),
        created_at: micros(h.created_at),
        due_at: micros(h.due_at),
        expires_at: micros(h.expires_at),
        priority: h.priority,
        route: h.route.to_string(),
        idempotency: h.idempotency.clone(),
        eight_bit: h.eight_bit,
        utf8_header: h.utf8_header,
        size: h.size,
    }
}

fn head_in(h: HeadV1, beside: Option<Beside>) -> Result<Head, String> {
    let address = |text: &str| Address::parse(text).map_err(|e| format!("{text:?}: {e}"));
    let to = |(text, bits, orcpt): (String, u8, Option<String>)| -> Result<Recipient, String> {
        let bit = |n: u8| bits >> n & 1 == 1;
        let notify = Notify { never: bit(0), success: bit(1), failure: bit(2), delay: bit(3) };
        Ok(Recipient { address: address(&text)?, notify, orcpt: orcpt.map(Into::into) })
    };
    let envelope = Envelope {
        from: ReversePath(h.from.as_deref().map(address).transpose()?),
        to: h.to.into_iter().map(to).collect::<Result<_, _>>()?,
        ret: h.ret_full.map(|full| if full { Ret::Full } else { Ret::Headers }),
        envid: h.envid.map(Into::into),
    };
    Ok(Head {
        id: id(h.id),
        project: h.project.into(),
        envelope,
        meta: h.meta,
        created_at: time(h.created_at),
        due_at: time(h.due_at),
        expires_at: time(h.expires_at),
        priority: h.priority,
        route: h.route.into(),
        idempotency: h.idempotency,
        eight_bit: h.eight_bit,
        utf8_header: h.utf8_header,
        size: h.size,
        beside,
    })
}

fn attempt_out(a: &Attempt) -> AttemptV1 {
    let lines = |r: &Reply| (r.code, r.lines.iter().map(ToString::to_string).collect());
    let recipient =
        |r: &AttemptRecipient| (r.index, r.command.clone(), r.reply.as_ref().map(lines), r.cause.clone());
    AttemptV1 {
        at: micros(a.at),
        relay: a.relay.clone(),
        peer: a.peer.clone(),
        recipients: a.recipients.iter().map(recipient).collect(),
        transcript: a.transcript.clone(),
        remote_id: a.remote_id.clone(),
    }
}

fn attempt_in(a: AttemptV1) -> Result<Attempt, String> {
    let reply = |(code, lines): (u16, Vec<String>)| Reply {
        code,
        lines: lines.into_iter().map(Into::into).collect(),
    };
    let recipients = a.recipients.into_iter().map(|(index, command, answer, cause)| AttemptRecipient {
        index,
        command,
        reply: answer.map(reply),
        cause,
    });
    Ok(Attempt {
        at: time(a.at),
        relay: a.relay,
        peer: a.peer,
        recipients: recipients.collect(),
        transcript: a.transcript,
        remote_id: a.remote_id,
    })
}

fn settled_out(s: &SettledRecord) -> SettledV1 {
    SettledV1 {
        id: s.id.0.as_u128(),
        at: micros(s.at),
        finals: s.finals.clone(),
        due_at: s.due_at.map(micros),
        hold: s.hold.clone(),
        counted: s.counted,
        doubt: s.doubt,
        attempt: s.attempt.as_ref().map(attempt_out),
    }
}

impl Attempt {
    /// The form in which it stands by itself.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, postcard::Error> {
        postcard::to_stdvec(&attempt_out(self))
    }

    pub(crate) fn decode(octets: &[u8]) -> Result<Self, String> {
        postcard::from_bytes(octets).map_err(|e| e.to_string()).and_then(attempt_in)
    }
}

pub(super) fn settled_bytes(settled: &SettledRecord) -> Result<Vec<u8>, postcard::Error> {
    postcard::to_stdvec(&settled_out(settled))
}

fn settled_in(s: SettledV1) -> Result<SettledRecord, String> {
    Ok(SettledRecord {
        id: id(s.id),
        at: time(s.at),
        finals: s.finals,
        due_at: s.due_at.map(time),
        hold: s.hold,
        counted: s.counted,
        doubt: s.doubt,
        attempt: s.attempt.map(attempt_in).transpose()?,
    })
}

pub(super) fn progress_out(p: &Progress) -> ProgressV1 {
    let place = Status::ALL.iter().position(|s| *s == p.status).unwrap_or_default();
    ProgressV1 {
        status: u8::try_from(place).unwrap_or_default(),
        recipients: p.recipients.clone(),
        attempts: p.attempts,
        doubt: p.doubt,
        held_because: p.held_because.clone(),
        settled_at: p.settled_at.map(micros),
        history: p.history.iter().map(attempt_out).collect(),
        with_bytes: p.with_bytes,
    }
}

pub(super) fn progress_in(p: ProgressV1) -> Result<Progress, String> {
    Ok(Progress {
        status: *Status::ALL.get(usize::from(p.status)).ok_or("unknown status")?,
        recipients: p.recipients,
        attempts: p.attempts,
        doubt: p.doubt,
        held_because: p.held_because,
        settled_at: p.settled_at.map(time),
        history: p.history.into_iter().map(attempt_in).collect::<Result<_, _>>()?,
        with_bytes: p.with_bytes,
    })
}

fn control_out(kind: &ControlKind) -> ControlV1 {
    match kind {
        ControlKind::Cancel => ControlV1::Cancel,
        ControlKind::Retry { expires_at } => ControlV1::Retry { expires_at: micros(*expires_at) },
        ControlKind::Hold(why) => ControlV1::Hold(why.clone()),
        ControlKind::Release => ControlV1::Release,
        ControlKind::Reschedule(at) => ControlV1::Reschedule(micros(*at)),
        ControlKind::Purge => ControlV1::Purge,
        ControlKind::Expire => ControlV1::Expire,
        ControlKind::Return => ControlV1::Return,
        ControlKind::Broken(why) => ControlV1::Broken(why.clone()),
    }
}

fn control_in(kind: ControlV1) -> Result<ControlKind, String> {
    Ok(match kind {
        ControlV1::Cancel => ControlKind::Cancel,
        ControlV1::Retry { expires_at } => ControlKind::Retry { expires_at: time(expires_at) },
        ControlV1::Hold(why) => ControlKind::Hold(why),
        ControlV1::Release => ControlKind::Release,
        ControlV1::Reschedule(at) => ControlKind::Reschedule(time(at)),
        ControlV1::Purge => ControlKind::Purge,
        ControlV1::Expire => ControlKind::Expire,
        ControlV1::Return => ControlKind::Return,
        ControlV1::Broken(why) => ControlKind::Broken(why),
    })
}
