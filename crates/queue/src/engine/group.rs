//! The records of one round, and what must be taken back when they cannot be written.

use super::Arriving;
use crate::error::StoreError;
use crate::job::{Idempotency, JobId};
use crate::journal::{Frame, Journal, Place};
use crate::record::{Record, Stored};
use crate::table::Table;
use bytes::Bytes;
use std::collections::HashMap;
use std::sync::Arc;

/// What a record's place is for, once it is known.
pub(super) enum Use {
    /// The job's bytes and head.
    Job(JobId),
    /// An attempt of the job.
    Attempt(JobId),
    /// Needed at start only.
    Nothing,
}

/// A round's records.
#[derive(Default)]
pub(super) struct Group {
    pub(super) frames: Vec<Frame>,
    uses: Vec<Use>,
    /// Jobs of this round, for lessees that are served in it.
    pub(super) fresh: HashMap<JobId, Arriving>,
    pub(super) inserted: Vec<(JobId, Arc<str>, Option<Idempotency>)>,
    pub(super) leased: Vec<JobId>,
    /// Whether an answer waits for the sync.
    pub(super) must_sync: bool,
}

impl Group {
    /// Adds a frame of records without message bytes.
    pub(super) fn add(&mut self, records: Vec<(Record, Use)>) -> Result<(), StoreError> {
        let mut frame = Frame::new();
        for (record, what_for) in records {
            frame.push(stored(&record, Bytes::new(), Bytes::new())?);
            self.uses.push(what_for);
        }
        self.frames.push(frame);
        Ok(())
    }

    /// Adds a frame that was laid out elsewhere.
    pub(super) fn add_frame(&mut self, frame: Frame, uses: impl IntoIterator<Item = Use>) {
        self.frames.push(frame);
        self.uses.extend(uses);
    }

    /// Writes the group and tells the table where its records stand.
    pub(super) fn write<J: Journal>(&mut self, journal: &mut J, table: &mut Table) -> std::io::Result<()> {
        let places = journal.append(&self.frames)?;
        self.stand(places, journal, table);
        Ok(())
    }

    /// Tells the table where the group's records stand.
    pub(super) fn stand<J: Journal>(&self, places: Vec<Place>, journal: &mut J, table: &mut Table) {
        for (place, what_for) in places.into_iter().zip(&self.uses) {
            match what_for {
                Use::Job(id) => match table.get_mut(*id) {
                    Some(entry) => entry.place = place,
                    None => journal.forget(place, false),
                },
                Use::Attempt(id) => match table.get_mut(*id) {
                    Some(entry) => entry.push_history(place),
                    None => journal.forget(place, false),
                },
                Use::Nothing => journal.forget(place, false),
            }
        }
    }

    /// Takes back what must not stand: inserts that were not stored, leases that are not on record.
    pub(super) fn take_back(&mut self, table: &mut Table) {
        for id in self.leased.drain(..) {
            table.put_back(id);
        }
        for (id, project, key) in self.inserted.drain(..) {
            table.remove(id);
            table.changed.retain(|change| change.id != id);
            if let Some(key) = key {
                table.keys.drop_key(&project, &key);
            }
        }
    }
}

pub(super) fn stored(record: &Record, header: Bytes, body: Bytes) -> Result<Stored, StoreError> {
    record.store(header, body).map_err(|e| StoreError::Io(e.to_string()))
}
