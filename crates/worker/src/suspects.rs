//! Mails that a sender had when it panicked: one that is there each time is quarantined, so that it
//! costs nobody else anything.

use queue::JobId;
use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

/// Panics after which a mail is no longer tried.
const PANICS: u32 = 3;
/// Mails remembered; the oldest is forgotten first.
const REMEMBERED: usize = 4_096;

#[derive(Debug, Default)]
pub(crate) struct Suspects(Mutex<Seen>);

#[derive(Debug, Default)]
struct Seen {
    panics: HashMap<JobId, u32>,
    order: VecDeque<JobId>,
}

impl Suspects {
    /// Notes that a sender panicked with this mail in its hands; `true`: once too often. It starts
    /// anew then, as an operator may have released it.
    pub(crate) fn panicked(&self, id: JobId) -> bool {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !seen.panics.contains_key(&id) {
            seen.order.push_back(id);
        }
        let panics = seen.panics.entry(id).or_default();
        *panics += 1;
        let quarantined = *panics >= PANICS;
        if quarantined {
            *panics = 0;
        }
        while seen.order.len() > REMEMBERED
            && let Some(oldest) = seen.order.pop_front()
        {
            seen.panics.remove(&oldest);
        }
        quarantined
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_third_panic_is_one_too_many_and_memory_is_bounded() {
        let id = |n: u128| -> JobId { format!("{n:032x}").parse().unwrap() };
        let suspects = Suspects::default();
        let told: Vec<_> = (0..7).map(|_| suspects.panicked(id(1))).collect();
        assert_eq!(told, [false, false, true, false, false, true, false]);
        for n in 2..2 + 2 * REMEMBERED as u128 {
            assert!(!suspects.panicked(id(n)));
        }
        let seen = suspects.0.lock().unwrap();
        assert_eq!((seen.panics.len(), seen.order.len()), (REMEMBERED, REMEMBERED));
    }
}
