//! `[queue]`, `[queue.mail]` and `[postrider.queue]`: where mail waits, how long, how often it is tried.

use super::reader::Reader;
use super::settings::{Kept, Queue};
use super::{redis, redis_place, values};
use ::queue::RedisPlace;
use std::time::Duration;

/// Gitea's section; it inherits `[queue]`.
pub(crate) const GITEA: &str = "queue.mail";
const OURS: &str = "postrider.queue";
/// The delays of `RETRY`.
const RETRY_MINUTES: [u64; 7] = [1, 5, 15, 30, 60, 120, 240];
const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn queue(r: &mut Reader<'_>) -> Queue {
    let kept = kept(r);
    let length = count(r, "LENGTH");
    let redis = conn_str(r, kept);
    let usual = RETRY_MINUTES.map(|minutes| Duration::from_secs(minutes * 60)).to_vec();
    let retry = r.parsed(OURS, "RETRY", usual, retry);
    let expire = r.parsed(OURS, "EXPIRE", 5 * DAY, positive);
    let keep_history = r.parsed(OURS, "KEEP_HISTORY", 30 * DAY, values::duration);
    let keep_body = r.parsed(OURS, "KEEP_BODY", Duration::ZERO, values::duration);
    Queue { kept, redis, length, retry, expire, keep_history, keep_body }
}

fn kept(r: &mut Reader<'_>) -> Kept {
    r.parsed(GITEA, "TYPE", Kept::OnDisk, |text| match text {
        "channel" => Ok(Kept::InMemory),
        "dummy" | "immediate" => Ok(Kept::TriedAtOnce),
        "redis" => Ok(Kept::InRedis),
        // As in Gitea: persistable-channel, leveldb and every other word mean level.
        _ => Ok(Kept::OnDisk),
    })
}

/// `CONN_STR`: for Redis it must be readable; what is not for our store is told, as Gitea stops at it.
fn conn_str(r: &mut Reader<'_>, kept: Kept) -> Option<RedisPlace> {
    let Some(written) = r.secret(GITEA, "CONN_STR") else {
        return (kept == Kept::InRedis).then(redis_place::usual);
    };
    let read = redis::parse(&written.text).and_then(|url| redis_place::of(url, |path| r.absolute(path)));
    if kept != Kept::InRedis {
        if kept == Kept::OnDisk && !written.text.starts_with("leveldb://") {
            let problem =
                "is not for the queue on disk, and nothing is read from it; remove it, or write TYPE";
            r.findings.warn(Some(written.origin), GITEA, "CONN_STR", problem);
        }
        return read.ok().map(|found| found.place);
    }
    match read {
        Ok(found) => {
            for problem in found.warnings {
                r.findings.warn(Some(written.origin.clone()), GITEA, "CONN_STR", problem);
            }
            Some(found.place)
        }
        Err(problem) => {
            r.findings.mistake(Some(written.origin), GITEA, "CONN_STR", problem);
            None
        }
    }
}

/// A count of Gitea's: zero, less and what is no number mean the default, as there.
pub(crate) fn count(r: &mut Reader<'_>, key: &str) -> Option<usize> {
    let Some(written) = r.text(GITEA, key) else {
        r.show_usual(GITEA, key);
        return None;
    };
    if let Ok(number) = written.text.parse::<i64>() {
        return usize::try_from(number).ok().filter(|number| *number > 0);
    }
    let problem =
        format!("{:?} is not a number and counts as not written; write a whole number", written.text);
    r.findings.warn(Some(written.origin), GITEA, key, problem);
    None
}

fn retry(text: &str) -> Result<Vec<Duration>, String> {
    match values::list(text).iter().map(|part| positive(part)).collect::<Result<Vec<_>, _>>()? {
        delays if delays.is_empty() => Err("the list is empty; write delays such as 1m,5m,30m,4h".into()),
        delays => Ok(delays),
    }
}

fn positive(text: &str) -> Result<Duration, String> {
    match values::duration(text)? {
        Duration::ZERO => Err(format!("{text:?} leaves no time at all; write a duration over zero")),
        duration => Ok(duration),
    }
}
