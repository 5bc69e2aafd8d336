//! Wrong passwords, counted over all connections, so that guessing is slow.

use crate::origin::Origin;
use std::collections::HashMap;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::time::Instant;

/// Wrong passwords count this long.
const WINDOW: Duration = Duration::from_secs(600);
/// Of one origin for one name.
const OF_PAIR: u32 = 10;
/// Of one origin, whatever the names.
const OF_ORIGIN: u32 = 50;
/// For one name, wherever they come from.
const FOR_NAME: u32 = 100;
/// Of one origin for one name, when it also gave the right password lately: a program with an old password
/// must not shut out its neighbour that has the new one. The other two limits do not hold it up.
const OF_KNOWN_PAIR: u32 = 100;
/// Counts kept; the oldest go first.
const MOST: usize = 10_000;

/// The counts. Names that do not exist are counted like those that do, so nothing is told by it.
/// Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Guesses {
    inner: Arc<Mutex<Counts>>,
}

#[derive(Debug, Default)]
struct Counts {
    wrong: HashMap<Key, Count>,
    /// When this origin last gave the right password for this name.
    right: HashMap<Key, Instant>,
    hasher: RandomState,
}

/// A name is kept as its hash: it is a stranger's text, and may be a password typed in the wrong place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Key {
    Pair(Option<Origin>, u64),
    Origin(Origin),
    Name(u64),
}

#[derive(Debug, Clone, Copy)]
struct Count {
    since: Instant,
    wrong: u32,
}

impl Guesses {
    /// Whether a password of this name may be looked at now, coming from there.
    pub fn allow(&self, from: Option<IpAddr>, name: &str, now: Instant) -> bool {
        let counts = self.counts();
        let (origin, name) = (Origin::of(from), counts.hasher.hash_one(name));
        let pair = Key::Pair(origin, name);
        let under = |key: Key, limit: u32| counts.wrong.get(&key).is_none_or(|c| c.at(now) < limit);
        let known = counts.right.get(&pair).is_some_and(|at| now.saturating_duration_since(*at) < WINDOW);
        if known {
            return under(pair, OF_KNOWN_PAIR);
        }
        under(pair, OF_PAIR)
            && origin.is_none_or(|origin| under(Key::Origin(origin), OF_ORIGIN))
            && under(Key::Name(name), FOR_NAME)
    }

    /// Notes a wrong password.
    pub fn wrong(&self, from: Option<IpAddr>, name: &str, now: Instant) {
        let mut counts = self.counts();
        let (origin, name) = (Origin::of(from), counts.hasher.hash_one(name));
        let keys = [Some(Key::Pair(origin, name)), origin.map(Key::Origin), Some(Key::Name(name))];
        for key in keys.into_iter().flatten() {
            make_room(&mut counts.wrong, |count| count.at(now) == 0, |count| count.since);
            let count = counts.wrong.entry(key).or_insert(Count { since: now, wrong: 0 });
            *count =
                Count { since: if count.at(now) == 0 { now } else { count.since }, wrong: count.at(now) + 1 };
        }
    }

    /// Notes the right password: what was wrong before was a mistake of this origin's.
    pub fn right(&self, from: Option<IpAddr>, name: &str, now: Instant) {
        let mut counts = self.counts();
        let pair = Key::Pair(Origin::of(from), counts.hasher.hash_one(name));
        counts.wrong.remove(&pair);
        make_room(&mut counts.right, |at| now.saturating_duration_since(*at) >= WINDOW, |at| *at);
        counts.right.insert(pair, now);
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Count {
    fn at(self, now: Instant) -> u32 {
        if now.saturating_duration_since(self.since) < WINDOW { self.wrong } else { 0 }
    }
}

/// Drops what no longer counts, else the older half, once there are too many.
fn make_room<V>(all: &mut HashMap<Key, V>, over: impl Fn(&V) -> bool, since: impl Fn(&V) -> Instant) {
    if all.len() < MOST {
        return;
    }
    all.retain(|_, value| !over(value));
    if all.len() >= MOST {
        let mut times: Vec<_> = all.values().map(&since).collect();
        times.sort_unstable();
        let middle = times.get(times.len() / 2).copied();
        all.retain(|_, value| middle.is_some_and(|middle| since(value) > middle));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    /// Guesses until refused; how many were looked at.
    fn guess(
        all: &Guesses,
        from: Option<IpAddr>,
        names: impl Iterator<Item = String>,
        now: Instant,
    ) -> usize {
        let looked_at = names.filter(|name| {
            let allowed = all.allow(from, name, now);
            if allowed {
                all.wrong(from, name, now);
            }
            allowed
        });
        looked_at.count()
    }

    #[test]
    fn guessing_is_held_up_by_origin_and_by_name() {
        let (all, start) = (Guesses::default(), Instant::now());
        let one = |name: &str| std::iter::repeat_n(name.to_owned(), 1_000);
        assert_eq!(guess(&all, ip("192.0.2.1"), one("tim"), start), 10);
        assert_eq!(guess(&all, None, one("tim"), start), 10, "from this machine too");
        assert!(all.allow(None, "ann", start), "another user of this machine");
        let many = (0..1_000).map(|n| format!("u{n}"));
        assert_eq!(guess(&all, ip("192.0.2.2"), many, start), 50);
        assert!(!all.allow(ip("192.0.2.2"), "ann", start) && all.allow(ip("192.0.2.3"), "ann", start));
        all.right(ip("192.0.2.2"), "bob", start);
        assert!(all.allow(ip("192.0.2.2"), "bob", start), "its neighbour's mistakes are not its own");
        all.right(ip("203.0.113.1"), "eve", start);
        let spread: usize =
            (0..200).map(|n| guess(&all, ip(&format!("198.51.100.{n}")), one("eve"), start)).sum();
        assert_eq!(spread, 100);
        assert!(!all.allow(ip("203.0.113.2"), "eve", start));
        assert!(all.allow(ip("203.0.113.1"), "eve", start), "who was right goes on");
        let later = start + WINDOW;
        assert!(all.allow(ip("192.0.2.1"), "tim", later) && all.allow(ip("203.0.113.2"), "eve", later));
    }

    #[test]
    fn a_user_who_was_right_in_the_end_starts_anew() {
        let (all, now) = (Guesses::default(), Instant::now());
        for _ in 0..5 {
            assert_eq!(guess(&all, None, std::iter::repeat_n("tim".to_owned(), 9), now), 9);
            all.right(None, "tim", now);
        }
    }

    #[test]
    fn an_old_password_does_not_shut_out_the_new_one_next_to_it() {
        let (all, now) = (Guesses::default(), Instant::now());
        all.right(None, "tim", now);
        let old = std::iter::repeat_n("tim".to_owned(), 1_000);
        assert_eq!(guess(&all, None, old, now), 100);
    }

    #[test]
    fn memory_is_bounded() {
        let (all, start) = (Guesses::default(), Instant::now());
        for n in 0..3 * MOST as u32 {
            let now = start + Duration::from_millis(n.into());
            all.wrong(Some(IpAddr::from(n.to_be_bytes())), &format!("u{n}"), now);
            all.right(None, &format!("u{n}"), now);
        }
        let counts = all.counts();
        assert!(counts.wrong.len() <= MOST && counts.right.len() <= MOST);
    }
}
