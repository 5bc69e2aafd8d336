//! Idempotency keys whose first submission is still under way.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Project and key.
type Held = (Arc<str>, String);

/// Keys of submissions between claim and answer.
#[derive(Debug, Clone, Default)]
pub(crate) struct InFlight {
    held: Arc<Mutex<HashSet<Held>>>,
    freed: Arc<Notify>,
}

/// Keys held by one submission; free again when dropped.
#[derive(Debug)]
pub(crate) struct Claims {
    keys: Vec<Held>,
    of: InFlight,
}

impl InFlight {
    /// Completes when keys become free after this call.
    pub(crate) fn freed(&self) -> Notified<'_> {
        self.freed.notified()
    }

    /// Claims all keys or none; `None`: one of them is under way elsewhere. A key repeated within
    /// one call is claimed once.
    pub(crate) fn claim<'a>(
        &self,
        project: &Arc<str>,
        keys: impl Iterator<Item = &'a str>,
    ) -> Option<Claims> {
        let keys: HashSet<_> = keys.map(|key| (project.clone(), key.to_owned())).collect();
        if keys.is_empty() {
            return Some(Claims { keys: Vec::new(), of: self.clone() });
        }
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.iter().any(|key| held.contains(key)) {
            return None;
        }
        held.extend(keys.iter().cloned());
        Some(Claims { keys: keys.into_iter().collect(), of: self.clone() })
    }
}

impl Drop for Claims {
    fn drop(&mut self) {
        let mut held = self.of.held.lock().unwrap_or_else(PoisonError::into_inner);
        for key in &self.keys {
            held.remove(key);
        }
        drop(held);
        if !self.keys.is_empty() {
            self.of.freed.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_held_by_one_submission_of_a_project_at_a_time() {
        let (in_flight, a, b): (_, Arc<str>, Arc<str>) = (InFlight::default(), "a".into(), "b".into());
        let first = in_flight.claim(&a, ["k", "l"].into_iter()).expect("free");
        assert!(in_flight.claim(&a, ["m", "k"].into_iter()).is_none());
        assert!(in_flight.claim(&a, ["m"].into_iter()).is_some(), "a failed claim keeps nothing");
        assert!(in_flight.claim(&b, ["k"].into_iter()).is_some(), "projects do not meet");
        drop(first);
        assert!(in_flight.claim(&a, ["k", "k"].into_iter()).is_some());
    }
}
