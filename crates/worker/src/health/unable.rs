//! Which mails a relay cannot take as they are (8-bit, SMTPUTF8, SIZE), so that it is not asked in circles.

use queue::JobId;
use std::collections::{HashSet, VecDeque};

/// Mails remembered; the oldest is forgotten first.
const REMEMBERED: usize = 4_096;

#[derive(Debug, Default)]
pub(crate) struct Unable {
    ids: HashSet<JobId>,
    order: VecDeque<JobId>,
}

impl Unable {
    pub(crate) fn note(&mut self, id: JobId) {
        if self.ids.insert(id) {
            self.order.push_back(id);
        }
        while self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }

    pub(crate) fn holds(&self, id: JobId) -> bool {
        self.ids.contains(&id)
    }

    pub(crate) fn forget(&mut self, id: JobId) {
        if self.ids.remove(&id) {
            self.order.retain(|other| *other != id);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_remembered_until_it_is_forgotten_and_memory_is_bounded() {
        let id = |n: u128| -> JobId { format!("{n:032x}").parse().unwrap() };
        let mut unable = Unable::default();
        unable.note(id(1));
        assert!(unable.holds(id(1)) && !unable.holds(id(2)));
        unable.forget(id(1));
        unable.forget(id(1));
        assert!(!unable.holds(id(1)));
        for n in 0..2 * REMEMBERED as u128 {
            unable.note(id(n));
        }
        assert!(!unable.holds(id(1)) && unable.holds(id(2 * REMEMBERED as u128 - 1)));
        assert_eq!((unable.ids.len(), unable.order.len()), (REMEMBERED, REMEMBERED));
    }
}
