//! Where records go: the disk log, or memory.

use crate::disk::SegmentFile;
use crate::record::Stored;
use bytes::Bytes;
use std::sync::Arc;

/// Where a record stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) segment: u32,
    pub(crate) at: u32,
    pub(crate) octets: u32,
}

/// A record read back.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    pub(crate) kind: u8,
    pub(crate) head: Bytes,
    pub(crate) header: Bytes,
    pub(crate) body: Bytes,
}

/// Why a record cannot be read back.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum ReadError {
    #[error("the stored bytes do not match their checksum")]
    Damaged,
    #[error("{0}")]
    Io(String),
    /// The memory journal dropped it.
    #[error("no longer kept")]
    Gone,
}

/// A record to be read on any thread, also after its segment went.
#[derive(Debug, Clone)]
pub(crate) enum Handle {
    Disk(Arc<SegmentFile>, Place),
    Memory(Found),
}

impl Handle {
    pub(crate) fn read(&self) -> Result<Found, ReadError> {
        match self {
            Self::Disk(file, place) => file.read(*place),
            Self::Memory(found) => Ok(found.clone()),
        }
    }

    /// Kind and head of the record, without its message.
    pub(crate) fn read_head(&self) -> Result<(u8, Bytes), ReadError> {
        match self {
            Self::Disk(file, place) => file.read_head(*place),
            Self::Memory(found) => Ok((found.kind, found.head.clone())),
        }
    }
}

/// Records of one call: they count whole or not at all.
pub(crate) type Frame = Vec<Stored>;

/// An append-only sequence of records. Used by the engine's thread alone.
pub(crate) trait Journal: Send + 'static {
    /// Appends the frames as one group; the places come in the order of the records, all frames in a row.
    fn append(&mut self, group: &[Frame]) -> std::io::Result<Vec<Place>>;

    /// Makes everything appended so far survive a crash.
    fn sync(&mut self) -> std::io::Result<()>;

    /// Drops what was appended since the last sync, after a failure. The next append starts afresh.
    fn give_up_unsynced(&mut self);

    fn handle(&self, place: Place) -> Result<Handle, ReadError>;

    /// The bytes of this record's message are no longer wanted.
    fn drop_bytes(&mut self, place: Place);

    /// Nothing of this record is wanted; `dropped`: its bytes were dropped before.
    fn forget(&mut self, place: Place, dropped: bool);

    /// Nothing is wanted of all that was written: the segment under way need not be kept for more.
    fn nothing_lives(&mut self) {}

    /// The oldest segment, when its records should be carried forward so that it can go.
    fn oldest_to_reclaim(&self) -> Option<u32>;

    /// The oldest segment's records were carried forward and synced: it may go; `damaged`: into quarantine.
    fn reclaimed(&mut self, segment: u32, damaged: bool) -> std::io::Result<()>;

    /// Why nothing should be accepted for now: no space.
    fn no_room(&mut self) -> Option<String>;

    /// Nothing more will be written.
    fn end(&mut self) {}

    fn octets(&self) -> u64;

    fn durable(&self) -> bool;
}
