//! What the outside knows of each mail: attempted, accepted, delivered. The text of a mail follows from
//! its token, so that a delivery is checked octet by octet without keeping it.

use crate::chance::Chance;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

/// One delivery of a mail.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Delivery {
    /// Faults before it.
    pub(crate) fault: u32,
    pub(crate) at: Instant,
    /// The node that delivered it, by its greeting; 0 where there is one alone.
    pub(crate) by: usize,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    attempted: Mutex<BTreeSet<String>>,
    accepted: Mutex<BTreeSet<String>>,
    /// What the service calls a mail, where a client noted it.
    ids: Mutex<BTreeMap<String, String>>,
    delivered: Mutex<BTreeMap<String, Vec<Delivery>>>,
    /// What was delivered and is not what was sent: the reason.
    altered: Mutex<Vec<String>>,
    /// Faults so far, and when each was.
    faults: Mutex<Vec<Instant>>,
    count: AtomicU64,
    number: AtomicU32,
    over: AtomicBool,
}

/// What a finished ledger holds.
pub(crate) struct Books {
    pub(crate) attempted: BTreeSet<String>,
    pub(crate) accepted: BTreeSet<String>,
    pub(crate) ids: BTreeMap<String, String>,
    pub(crate) delivered: BTreeMap<String, Vec<Delivery>>,
    pub(crate) altered: Vec<String>,
    pub(crate) faults: Vec<Instant>,
}

impl Ledger {
    pub(crate) fn attempt(&self, token: &str) {
        open(&self.attempted).insert(token.to_owned());
    }

    pub(crate) fn accept(&self, token: &str) {
        open(&self.accepted).insert(token.to_owned());
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn name(&self, token: &str, id: &str) {
        open(&self.ids).insert(token.to_owned(), id.to_owned());
    }

    /// Mails accepted so far.
    pub(crate) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Notes a mail that the sink is about to take, and from which node.
    pub(crate) fn deliver(&self, message: &str, by: usize) {
        match check(message) {
            Ok(token) => {
                let fault = self.number.load(Ordering::SeqCst);
                let delivery = Delivery { fault, at: Instant::now(), by };
                open(&self.delivered).entry(token.to_owned()).or_default().push(delivery);
            }
            Err(why) => open(&self.altered).push(why),
        }
    }

    pub(crate) fn fault(&self) {
        open(&self.faults).push(Instant::now());
        self.number.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn end(&self) {
        self.over.store(true, Ordering::SeqCst);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.over.load(Ordering::SeqCst)
    }

    pub(crate) fn close(&self) -> Books {
        Books {
            attempted: std::mem::take(&mut open(&self.attempted)),
            accepted: std::mem::take(&mut open(&self.accepted)),
            ids: std::mem::take(&mut open(&self.ids)),
            delivered: std::mem::take(&mut open(&self.delivered)),
            altered: std::mem::take(&mut open(&self.altered)),
            faults: std::mem::take(&mut open(&self.faults)),
        }
    }
}

fn open<T>(book: &Mutex<T>) -> MutexGuard<'_, T> {
    book.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The lines of a mail: 3 to 200, some with dots in front, each naming its place.
pub(crate) fn text(token: &str) -> String {
    let seed = token.bytes().fold(0u64, |sum, b| sum.wrapping_mul(31).wrapping_add(b.into()));
    let lines = Chance::new(seed).within(3, 200);
    let line =
        |n: u64| format!("{}{token} line {n} of {lines}\r\n", if n.is_multiple_of(3) { "." } else { "" });
    (0..lines).map(line).collect()
}

/// The token of a delivered message, whose body must be exactly its text.
fn check(message: &str) -> Result<&str, String> {
    let shown = |what: &str| format!("{what}: {:?}", message.chars().take(300).collect::<String>());
    let (header, body) = message.split_once("\r\n\r\n").ok_or_else(|| shown("no end of the header"))?;
    let subject = header.lines().find_map(|line| line.strip_prefix("Subject: "));
    let token = subject.ok_or_else(|| shown("no subject"))?.trim();
    if body == text(token) { Ok(token) } else { Err(shown("another body")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_octet_is_seen() {
        let ledger = Ledger::default();
        let good = format!("From: a\r\nSubject: t-1\r\n\r\n{}", text("t-1"));
        ledger.deliver(&good, 0);
        for bad in [
            good.replace("line 2", "line 3"),
            good.replace("\r\n\r\n", "\r\n"),
            good[..good.len() - 2].into(),
        ] {
            ledger.deliver(&bad, 0);
        }
        let books = ledger.close();
        assert_eq!((books.delivered.len(), books.altered.len()), (1, 3));
    }
}
