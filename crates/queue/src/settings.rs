//! What a store must be told, and what it says when it opens.

use crate::Status;
use std::time::Duration;

/// How much a store keeps, and for how long.
#[derive(Debug, Clone)]
pub struct StoreSettings {
    /// Most unsettled jobs (`[queue] LENGTH`); `None`: the disk is the bound.
    pub length: Option<usize>,
    /// How long a settled job is remembered.
    pub keep_history: Duration,
    /// Most settled jobs remembered in memory, the oldest forgotten first; a disk store has files for them.
    pub history_count: usize,
    /// How long the bytes of a sent message are kept; 0: gone when settled.
    pub keep_body: Duration,
    /// How long the bytes of a failed message are kept, at most 30 days.
    pub keep_failed: Duration,
    /// Octets of a body from which on it gets a file of its own.
    pub big_body: usize,
    /// Octets of such bodies that are in memory at once on their way out; one is always let in.
    pub bodies_in_memory: u32,
    /// Octets after which a new segment of the log begins.
    pub segment_octets: u64,
    /// Free octets on the disk below which nothing is accepted.
    pub space_floor: u64,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Default for StoreSettings {
    fn default() -> Self {
        Self {
            length: None,
            keep_history: DAY * 30,
            history_count: 100_000,
            keep_body: Duration::ZERO,
            keep_failed: DAY * 30,
            big_body: 256 << 10,
            bodies_in_memory: 128 << 20,
            segment_octets: 64 << 20,
            space_floor: 64 << 20,
        }
    }
}

impl StoreSettings {
    /// How long the bytes of a job that ended so are kept.
    pub(crate) fn keeps(&self, status: Status) -> Duration {
        match status {
            Status::Failed | Status::Expired => self.keep_failed,
            _ => self.keep_body,
        }
    }
}

/// What was found when a disk store was opened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OpenReport {
    /// Jobs that still have something to do.
    pub unsettled: u64,
    /// Of those, the ones that were in a sender's hands when the process died.
    pub possible_duplicates: u64,
    /// Octets cut from the end of the log: calls that were never answered.
    pub torn: u64,
    /// Frames that were answered for and no longer match their checksum; kept in `quarantine/`.
    pub corrupt: u64,
    /// Bodies of calls that were never answered, or of jobs that are done; removed.
    pub orphans: u64,
}
