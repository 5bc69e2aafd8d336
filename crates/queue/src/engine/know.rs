//! Settings changed: which routes and relays there are, and what becomes of jobs that name others.

use super::Works;
use super::group::Group;
use crate::journal::Journal;
use crate::record::{Control, ControlKind};
use crate::store::KnownRelays;
use crate::{JobId, State};
use jiff::Timestamp;

/// Why a job of a vanished route is held; the route's return releases those held for this.
pub(crate) fn vanished(route: &str) -> String {
    format!("relay {route:?} is not in the settings any more; add it again, or cancel the mail")
}

impl<J: Journal> Works<J> {
    pub(super) fn know(&mut self, known: &KnownRelays, now: Timestamp, group: &mut Group) {
        self.table.unpin(&known.relays);
        let mut moves: Vec<(JobId, ControlKind)> = Vec::new();
        for (id, entry) in self.table.newest(None).filter(|(_, e)| !e.is_final()) {
            let there = known.routes.contains(self.table.route_of(entry));
            let why = vanished(self.table.route_of(entry));
            match entry.state {
                State::Held if there && entry.held_because() == Some(why.as_str()) => {
                    moves.push((id, ControlKind::Release));
                }
                State::Scheduled | State::Ready | State::Deferred if !there => {
                    moves.push((id, ControlKind::Hold(why)));
                }
                _ => {}
            }
        }
        for (id, kind) in moves {
            if let ControlKind::Hold(why) = &kind {
                tracing::warn!(%id, "{why}");
            }
            self.control(Control { id, at: now, kind }, group);
            group.must_sync = true;
        }
    }
}
