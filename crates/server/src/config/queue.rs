//! `[queue]`, `[queue.mail]` and `[postrider.queue]`: where mail waits, how long, how often it is tried.

use super::reader::Reader;
use super::settings::{Kept, Queue};
use super::values;
use std::time::Duration;

/// Gitea's section; it inherits `[queue]`.
pub(crate) const GITEA: &str = "queue.mail";
const OURS: &str = "postrider.queue";
const DAY: Duration = Duration::from_secs(86_400);

pub(crate) fn queue(r: &mut Reader<'_>) -> Queue {
    let kept = kept(r);
    let length = count(r, "LENGTH", "unset: the disk is the bound");
    r.know("queue", &["TYPE", "LENGTH", "MAX_WORKERS", "BATCH_LENGTH"]);
    for section in ["queue", GITEA] {
        r.know(section, &["DATADIR", "CONN_STR", "QUEUE_NAME", "SET_NAME"]);
    }
    let retry = r.parsed(OURS, "RETRY", (Vec::new(), "1m,5m,15m,30m,1h,2h,4h"), retry);
    let expire = r.parsed(OURS, "EXPIRE", (5 * DAY, "5d"), positive);
    let keep_history = r.parsed(OURS, "KEEP_HISTORY", (30 * DAY, "30d"), values::duration);
    let keep_body = r.parsed(OURS, "KEEP_BODY", (Duration::ZERO, "0"), values::duration);
    Queue { kept, length, retry, expire, keep_history, keep_body }
}

fn kept(r: &mut Reader<'_>) -> Kept {
    r.parsed(GITEA, "TYPE", (Kept::OnDisk, "level"), |text| match text {
        "channel" => Ok(Kept::InMemory),
        "redis" => {
            Err("the Redis queue is not in this version; write level (on disk) or channel (in memory)".into())
        }
        "dummy" | "immediate" => Err(format!(
            "{text} (no queue at all) is not in this version; write level (on disk) or channel (in memory)"
        )),
        // As in Gitea: persistable-channel, leveldb and every other word mean level.
        _ => Ok(Kept::OnDisk),
    })
}

/// A count of Gitea's: zero and less mean the default, as there.
pub(crate) fn count(r: &mut Reader<'_>, key: &str, shown: &str) -> Option<usize> {
    r.parsed(GITEA, key, (None, shown), |text| match text.parse::<i64>() {
        Ok(n) => Ok(usize::try_from(n).ok().filter(|n| *n > 0)),
        Err(_) => Err(format!("{text:?} is not a number; write a whole number")),
    })
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
