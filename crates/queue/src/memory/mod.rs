//! The memory store's journal (`[queue] TYPE = channel`): nothing survives the process.

use crate::journal::{Found, Frame, Handle, Journal, Place, ReadError};
use bytes::Bytes;
use std::collections::HashMap;
use std::io;

/// Records by number.
#[derive(Default)]
pub(crate) struct MemoryJournal {
    records: HashMap<u64, Found>,
    next: u64,
    octets: u64,
}

fn number(place: Place) -> u64 {
    u64::from(place.segment) << 32 | u64::from(place.at)
}

fn weight(found: &Found) -> u64 {
    (found.head.len() + found.header.len() + found.body.len()) as u64
}

impl Journal for MemoryJournal {
    fn append(&mut self, group: &[Frame]) -> io::Result<Vec<Place>> {
        let mut places = Vec::new();
        for record in group.iter().flatten() {
            let found = Found {
                kind: record.kind,
                head: Bytes::copy_from_slice(&record.head),
                header: record.header.clone(),
                body: record.body.clone(),
            };
            let (segment, at) = ((self.next >> 32) as u32, self.next as u32);
            let octets = u32::try_from(weight(&found)).unwrap_or(u32::MAX);
            places.push(Place { segment, at, octets });
            self.octets += weight(&found);
            self.records.insert(self.next, found);
            self.next += 1;
        }
        Ok(places)
    }

    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }

    fn give_up_unsynced(&mut self) {}

    fn handle(&self, place: Place) -> Result<Handle, ReadError> {
        self.records.get(&number(place)).cloned().map(Handle::Memory).ok_or(ReadError::Gone)
    }

    fn drop_bytes(&mut self, place: Place) {
        if let Some(found) = self.records.get_mut(&number(place)) {
            let before = weight(found);
            (found.header, found.body) = (Bytes::new(), Bytes::new());
            self.octets -= before - weight(found);
        }
    }

    fn forget(&mut self, place: Place, _dropped: bool) {
        if let Some(found) = self.records.remove(&number(place)) {
            self.octets -= weight(&found);
        }
    }

    fn oldest_to_reclaim(&self) -> Option<u32> {
        None
    }

    fn reclaimed(&mut self, _segment: u32, _damaged: bool) -> io::Result<()> {
        Ok(())
    }

    fn no_room(&mut self) -> Option<String> {
        None
    }

    fn octets(&self) -> u64 {
        self.octets
    }

    fn durable(&self) -> bool {
        false
    }
}
