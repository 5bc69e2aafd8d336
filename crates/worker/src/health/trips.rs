//! Which mails drew a reply that spoke of the relay, so that one mail cannot hold a relay twice that
//! serves others well.

use queue::JobId;
use std::collections::{HashMap, VecDeque};

/// Mails remembered; the oldest is forgotten first.
const REMEMBERED: usize = 4_096;

#[derive(Debug, Default)]
pub(crate) struct Trips {
    /// The number of mails taken when the mail tripped the relay.
    at: HashMap<JobId, u64>,
    order: VecDeque<JobId>,
}

impl Trips {
    /// Notes that this mail drew such a reply when the relay had taken so many mails.
    pub(crate) fn note(&mut self, id: JobId, taken: u64) {
        if self.at.insert(id, taken).is_none() {
            self.order.push_back(id);
        }
        while self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.at.remove(&oldest);
        }
    }

    /// Whether the relay has taken other mail since this one drew such a reply.
    pub(crate) fn served_since(&self, id: JobId, taken: u64) -> bool {
        self.at.get(&id).is_some_and(|then| taken > *then)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_trip_counts_only_when_others_were_served() {
        let id = |n: u128| -> JobId { format!("{n:032x}").parse().unwrap() };
        let mut trips = Trips::default();
        assert!(!trips.served_since(id(1), 9));
        trips.note(id(1), 9);
        assert!(!trips.served_since(id(1), 9));
        assert!(trips.served_since(id(1), 10));
        for n in 2..2 + REMEMBERED as u128 {
            trips.note(id(n), 10);
        }
        assert!(!trips.served_since(id(1), 11), "forgotten, so that memory is bounded");
        assert_eq!((trips.at.len(), trips.order.len()), (REMEMBERED, REMEMBERED));
    }
}
