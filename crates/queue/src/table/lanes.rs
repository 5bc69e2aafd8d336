//! Jobs that are ready, by route and priority; fair between projects, bulk not starved.

use crate::{JobId, Priority};
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

/// One in so many leases looks at bulk before normal mail.
const BULK_SHARE: u32 = 8;

impl Route {
    fn pop(&mut self) -> Option<JobId> {
        if let Some(id) = self.urgent.pop() {
            return Some(id);
        }
        self.taken = self.taken.wrapping_add(1);
        if self.taken.is_multiple_of(BULK_SHARE) {
            self.bulk.pop().or_else(|| self.normal.pop())
        } else {
            self.normal.pop().or_else(|| self.bulk.pop())
        }
    }
}

/// All routes. May name jobs that are no longer ready; whoever pops checks.
#[derive(Debug, Default)]
pub(crate) struct Lanes {
    routes: HashMap<Arc<str>, Route>,
}

impl Lanes {
    pub(crate) fn push(&mut self, route: &Arc<str>, priority: Priority, project: &Arc<str>, id: JobId) {
        let route = self.routes.entry(route.clone()).or_default();
        match priority {
            Priority::Urgent => route.urgent.push(project, id),
            Priority::Normal => route.normal.push(project, id),
            Priority::Bulk => route.bulk.push(project, id),
        }
    }

    pub(crate) fn pop(&mut self, route: &str) -> Option<JobId> {
        self.routes.get_mut(route)?.pop()
    }
}
