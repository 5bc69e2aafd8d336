//! What becomes of a job, reckoned by the one table of states that all stores have.

use super::form::{Known, state_letter};
use crate::engine::{NOWHERE, later};
use crate::record::{Control, ControlKind, JobFact, Progress, SettledRecord};
use crate::settlement::{Next, Settlement};
use crate::table::{Entry, Table};
use crate::{Action, Status};
use jiff::Timestamp;
use std::sync::Arc;

/// How a job stands after a change; `None`: it is gone.
pub(super) type After = Option<Moved>;

pub(super) struct Moved {
    pub(super) state: &'static str,
    pub(super) due_at: Timestamp,
    pub(super) expires_at: Timestamp,
    pub(super) progress: Progress,
    pub(super) only: Option<Arc<str>>,
    /// It waits for the trouble of a relay to pass.
    pub(super) trouble: bool,
}

fn table_of(known: &Known) -> Table {
    let mut table = Table::default();
    let fact = JobFact::of(&known.head);
    let mut entry = Entry::snapshot(&fact, &known.progress, NOWHERE, &mut table.names);
    entry.set_only(known.only.clone());
    table.add(known.id, entry);
    match known.progress.status {
        Status::Queued => table.put_back(known.id),
        Status::Sending => table.leased(known.id),
        _ => {}
    }
    table
}

fn after(table: &Table, known: &Known) -> After {
    let entry = table.get(known.id)?;
    Some(Moved {
        state: state_letter(entry.state),
        due_at: entry.due_at(),
        expires_at: entry.expires_at(),
        progress: Progress {
            status: entry.status,
            recipients: entry.recipients().into_vec(),
            attempts: entry.attempts(),
            doubt: entry.doubt(),
            held_because: entry.held_because().map(Into::into),
            settled_at: entry.settled_at(),
            history: Vec::new(),
            with_bytes: entry.bytes(),
        },
        only: entry.only().cloned(),
        trouble: entry.waits_for_relay(),
    })
}

/// After a settlement; `now` is Redis's.
pub(super) fn settled(known: &Known, settlement: Settlement, now: Timestamp) -> After {
    let mut table = table_of(known);
    let (due_at, hold) = match settlement.next {
        Next::RetryIn(wait) => (Some(later(now, wait)), None),
        Next::Hold(why) => (None, Some(why)),
    };
    let record = SettledRecord {
        id: known.id,
        at: now,
        finals: settlement.finals,
        due_at,
        hold,
        counted: settlement.counted,
        doubt: settlement.in_doubt,
        attempt: settlement.attempt,
    };
    table.settle(&record, None);
    if let (Some(only), Some(entry)) = (settlement.only, table.get_mut(known.id)) {
        entry.set_only(Some(only));
    }
    time_passed(&mut table, now);
    after(&table, known)
}

/// Its time has come, or its life has ended meanwhile.
fn time_passed(table: &mut Table, now: Timestamp) {
    table.promote(now);
    for id in table.expired(now) {
        table.control(&Control { id, at: now, kind: ControlKind::Expire });
    }
}

/// After an operator's action; `None`: it does not apply.
pub(super) fn acted(known: &Known, action: &Action, now: Timestamp) -> Option<After> {
    let mut table = table_of(known);
    let kind = crate::engine::wanted(table.get(known.id)?, action, now)?;
    Some(controlled_in(&mut table, known, kind, now))
}

pub(super) fn controlled(known: &Known, kind: ControlKind, now: Timestamp) -> After {
    controlled_in(&mut table_of(known), known, kind, now)
}

fn controlled_in(table: &mut Table, known: &Known, kind: ControlKind, now: Timestamp) -> After {
    table.control(&Control { id: known.id, at: now, kind });
    time_passed(table, now);
    after(table, known)
}

/// The same job, free for any relay again.
pub(super) fn unpinned(known: &Known) -> After {
    let mut table = table_of(known);
    if let Some(entry) = table.get_mut(known.id) {
        entry.set_only(None);
    }
    after(&table, known)
}
