//! The index of a segment that ended: what a start needs of its records. Made from what was written, not
//! synced, and worth nothing but time: without it, or when it does not fit, the segment itself is read.
//!
//! ```text
//! DATA_DIR/index/N.idx = "PRIDX1\r\n" | number u32 | salt u32 | octets of the segment u64 | entry* | crc u32 of all before
//! entry                = kind u8 | at u32 | octets u32 | length u32 | fact
//! ```

use crate::journal::Place;
use crate::record::{Fact, Stored};
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const MAGIC: &[u8; 8] = b"PRIDX1\r\n";
const HEADER: usize = 24;
const ENTRY: usize = 13;

/// The entries of a segment under way.
#[derive(Debug, Default)]
pub(super) struct Index(Vec<u8>);

impl Index {
    pub(super) fn push(&mut self, place: Place, record: &Stored) {
        self.push_fact(place, record.kind, record.fact.as_deref().unwrap_or(&record.head));
    }

    pub(super) fn push_fact(&mut self, place: Place, kind: u8, fact: &[u8]) {
        self.0.push(kind);
        for number in [place.at, place.octets, u32::try_from(fact.len()).unwrap_or(u32::MAX)] {
            self.0.extend_from_slice(&number.to_le_bytes());
        }
        self.0.extend_from_slice(fact);
    }

    /// Writes the index of a segment that is complete.
    pub(super) fn write(&self, log: &Path, number: u32, salt: u32, octets: u64) {
        if let Err(error) = self.try_write(log, number, salt, octets) {
            tracing::warn!(segment = number, %error, "no index of this segment; the next start reads it all");
            remove(log, number);
        }
    }

    fn try_write(&self, log: &Path, number: u32, salt: u32, octets: u64) -> io::Result<()> {
        let path = path(log, number);
        super::private_folder(path.parent().unwrap_or(log))?;
        let mut header = MAGIC.to_vec();
        header.extend_from_slice(&number.to_le_bytes());
        header.extend_from_slice(&salt.to_le_bytes());
        header.extend_from_slice(&octets.to_le_bytes());
        let crc = super::format::checksum(0, &[&header, &self.0]);
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        for part in [&header[..], &self.0, &crc.to_le_bytes()] {
            file.write_all(part)?;
        }
        Ok(())
    }
}

fn path(log: &Path, number: u32) -> PathBuf {
    log.parent().unwrap_or(log).join("index").join(format!("{number:08}.idx"))
}

pub(super) fn remove(log: &Path, number: u32) {
    // Not there, or left: it fits no other segment.
    drop(fs::remove_file(path(log, number)));
}

/// Removes indices of segments that are not there.
pub(super) fn remove_others(log: &Path, there: impl Fn(u32) -> bool) {
    let folder = log.parent().unwrap_or(log).join("index");
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name();
        let number = name.to_str().and_then(|n| n.strip_suffix(".idx")).and_then(|n| n.parse().ok());
        if let Some(number) = number.filter(|number| !there(*number)) {
            remove(log, number);
        }
    }
}

/// The octets of the segment's index, if it is whole and of this very segment.
pub(super) fn read(log: &Path, number: u32, salt: u32, octets: u64) -> Option<Vec<u8>> {
    let bytes = fs::read(path(log, number)).ok()?;
    let (rest, crc) = bytes.split_last_chunk::<4>()?;
    let (magic, fields) = rest.get(..HEADER)?.split_first_chunk::<8>()?;
    let wanted = [&number.to_le_bytes()[..], &salt.to_le_bytes(), &octets.to_le_bytes()].concat();
    let sound = super::format::checksum(0, &[rest]) == u32::from_le_bytes(*crc);
    (magic == MAGIC && fields == wanted && sound).then_some(bytes)
}

/// The facts of an index that was read; `None`: it holds what this version does not know.
pub(super) fn facts(bytes: &[u8], segment: u32) -> Option<Vec<(Place, Fact<'_>)>> {
    let mut rest = bytes.get(HEADER..bytes.len().checked_sub(4)?)?;
    let mut out = Vec::new();
    while !rest.is_empty() {
        let (entry, after) = rest.split_at_checked(ENTRY)?;
        let number = |at: usize| Some(u32::from_le_bytes(entry.get(at..at + 4)?.try_into().ok()?));
        let (fact, after) = after.split_at_checked(number(9)? as usize)?;
        let place = Place { segment, at: number(1)?, octets: number(5)? };
        out.push((place, Fact::read(*entry.first()?, fact).ok()?));
        rest = after;
    }
    Some(out)
}
