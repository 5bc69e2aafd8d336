//! Jobs that are ready, by route and priority; fair between projects, none starved.

use super::Entry;
use crate::{JobId, LeaseAsk, Priority};
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

/// First in, first out per project; projects in turn.
#[derive(Debug, Default)]
struct Lane {
    waiting: HashMap<Arc<str>, VecDeque<JobId>>,
    turn: VecDeque<Arc<str>>,
}

impl Lane {
    fn push(&mut self, project: &Arc<str>, id: JobId) {
        let queue = self.waiting.entry(project.clone()).or_default();
        if queue.is_empty() {
            self.turn.push_back(project.clone());
        }
        queue.push_back(id);
    }

    fn pop(&mut self) -> Option<JobId> {
        let project = self.turn.pop_front()?;
        let queue = self.waiting.get_mut(&project)?;
        let id = queue.pop_front();
        if queue.is_empty() {
            self.waiting.remove(&project);
        } else {
            self.turn.push_back(project);
        }
        id
    }
}

#[derive(Debug, Default)]
struct Route {
    urgent: Lane,
    normal: Lane,
    bulk: Lane,
    taken: u32,
}

/// One in so many leases looks at bulk before normal mail, and at either before urgent mail: whoever comes
/// later is served less, and never not at all.
const LATER_SHARE: u32 = 8;

/// What a connection looks for.
#[derive(Clone, Copy)]
enum Look {
    Urgent,
    Rest,
}

impl Route {
    fn push(&mut self, priority: Priority, project: &Arc<str>, id: JobId) {
        match priority {
            Priority::Urgent => self.urgent.push(project, id),
            Priority::Normal => self.normal.push(project, id),
            Priority::Bulk => self.bulk.push(project, id),
        }
    }

    fn pop(&mut self, look: Look) -> Option<JobId> {
        if matches!(look, Look::Urgent) {
            return self.urgent.pop();
        }
        self.taken = self.taken.wrapping_add(1);
        if self.taken.is_multiple_of(LATER_SHARE) {
            self.bulk.pop().or_else(|| self.normal.pop())
        } else {
            self.normal.pop().or_else(|| self.bulk.pop())
        }
    }
}

/// All routes. May name jobs that are no longer ready, or ready elsewhere; whoever pops checks.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    routes: HashMap<Arc<str>, Route>,
    /// Jobs that only one relay may take.
    relays: HashMap<Arc<str>, Route>,
    turn: u32,
}

impl Lanes {
    pub(crate) fn push(&mut self, project: &Arc<str>, route: &Arc<str>, entry: &Entry, id: JobId) {
        let route = match entry.only() {
            Some(relay) => self.relays.entry(relay.clone()).or_default(),
            None => self.routes.entry(route.clone()).or_default(),
        };
        route.push(entry.priority, project, id);
    }

    pub(crate) fn pop(&mut self, ask: &LeaseAsk) -> Option<JobId> {
        self.turn = self.turn.wrapping_add(1);
        let named = ask.route.as_ref().filter(|route| **route != ask.relay);
        // Pinned jobs first: they were tried before. Of the two routes each goes first in turn.
        let routes = match self.turn.is_multiple_of(2) {
            true => [Some(&ask.relay), named],
            false => [named, Some(&ask.relay)],
        };
        let looks = match (ask.urgent, self.turn.is_multiple_of(LATER_SHARE)) {
            (true, _) => &[Look::Urgent][..],
            (false, false) => &[Look::Urgent, Look::Rest],
            (false, true) => &[Look::Rest, Look::Urgent],
        };
        looks.iter().find_map(|look| {
            let pinned = self.relays.get_mut(&ask.relay).and_then(|r| r.pop(*look));
            let mut routes = routes.into_iter().flatten();
            pinned.or_else(|| routes.find_map(|route| self.routes.get_mut(route)?.pop(*look)))
        })
    }
}
