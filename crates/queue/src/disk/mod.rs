//! The disk store's journal: an append-only log in `DATA_DIR/log`, which is the truth.
//!
//! ```text
//! DATA_DIR/lock            held by the one process that owns the folder; its pid
//! DATA_DIR/log/N.log       segments, in order; `format` has the bytes
//! DATA_DIR/bodies/ID       big bodies (`bodies`)
//! DATA_DIR/index/N.idx     what a start needs of segment N (`index`)
//! DATA_DIR/quarantine/     damaged stretches, kept for study
//! ```
//!
//! - One group, one write, one `fdatasync`; answers leave after it. A commit frame ends each group, so
//!   that damage to what was answered for can be told from a torn write (`scan`).
//! - Each start begins a new segment; a segment that ended is never written again.
//! - Segments go from the oldest end only. What still lives in the oldest is appended again as a
//!   `Snapshot` first. A `Settled` or `Control` record is always younger than the `Accepted` or
//!   `Snapshot` it speaks of, so it cannot go before it: no other bookkeeping is needed for a settled
//!   mail to stay settled.
//! - A failed write or sync ends the segment: it is cut to the last synced octet and closed, and the
//!   group is answered as refused. The pages of a failed sync are never trusted again.
//!
//! Tests: `tests/it/disk.rs` and `disk/tests.rs`.

mod bodies;
mod files;
mod format;
mod index;
mod lock;
mod read;
mod recover;
mod scan;

pub(crate) use bodies::Bodies;
pub(crate) use files::{Disk, Files};
pub(crate) use lock::private_folder;
pub(crate) use read::SegmentFile;
pub(crate) use recover::{Opened, open};

use crate::journal::{Frame, Handle, Journal, Place, ReadError};
use bytes::Bytes;
use files::Out;
use format::{FRAME_HEADER, FrameKind, RECORD_HEADER, SEGMENT_HEADER};
use index::Index;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A segment that may be read.
struct Segment {
    file: Arc<SegmentFile>,
    octets: u64,
    /// Octets of records that are still wanted in full.
    live: u64,
}

/// The segment being written.
struct Tail {
    number: u32,
    out: Box<dyn Out>,
    octets: u64,
    synced: u64,
    index: Index,
}

/// The log.
pub(crate) struct DiskJournal {
    folder: PathBuf,
    segments: BTreeMap<u32, Segment>,
    tail: Option<Tail>,
    /// Segments that were given up and are not yet cut.
    to_cut: Vec<Tail>,
    next_number: u32,
    segment_octets: u64,
    space_floor: u64,
    room_seen: Option<(Instant, Option<String>)>,
    files: Box<dyn Files>,
    _lock: File,
}

/// How long a look at the free space is good for.
const ROOM_FRESH: Duration = Duration::from_secs(1);
/// A segment under way that holds nothing but less than this is not worth a new one.
const SMALL: u64 = 1 << 20;
/// Segments beside the tail from which on the oldest goes even when much of it lives.
const TOO_MANY: u64 = 4;

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "a record longer than 4 GiB")
}

fn segment_path(folder: &Path, number: u32) -> PathBuf {
    folder.join(format!("{number:08}.log"))
}

impl DiskJournal {
    /// The segment to append to; a new one when there is none or the last is full.
    fn tail(&mut self) -> io::Result<&mut Tail> {
        if self.tail.as_ref().is_some_and(|t| t.octets >= self.segment_octets) {
            if let Some(tail) = &mut self.tail {
                tail.out.sync()?;
            }
            self.end_tail();
        }
        if self.tail.is_none() {
            let tail = self.begin_segment()?;
            self.tail = Some(tail);
        }
        self.tail.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    /// Ends the segment under way, which is synced, with its index.
    fn end_tail(&mut self) {
        let Some(tail) = self.tail.take() else { return };
        if let Some(segment) = self.segments.get(&tail.number) {
            tail.index.write(&self.folder, tail.number, segment.file.salt, tail.octets);
        }
    }

    /// Cuts what was refused off its segment, or a restart would take it for accepted.
    fn cut_given_up(&mut self) -> io::Result<()> {
        while let Some(tail) = self.to_cut.last_mut() {
            tail.out.cut(tail.synced)?;
            self.to_cut.pop();
        }
        Ok(())
    }

    fn begin_segment(&mut self) -> io::Result<Tail> {
        self.cut_given_up()?;
        let (number, salt) = (self.next_number, recover::salt()?);
        let path = segment_path(&self.folder, number);
        // A number is used once, even when what follows fails.
        self.next_number += 1;
        let mut out = self.files.create(&self.folder, &path)?;
        let header = format::segment_header(number, salt).repeat(2);
        let begun = out.write_all_vectored(&mut [IoSlice::new(&header)]).and_then(|()| out.sync());
        if let Err(error) = begun {
            // Tried again once a second, it would leave as many empty files.
            drop(std::fs::remove_file(&path));
            return Err(error);
        }
        let octets = SEGMENT_HEADER as u64;
        let file = Arc::new(SegmentFile::new(File::open(&path)?, salt));
        self.segments.insert(number, Segment { file, octets, live: 0 });
        Ok(Tail { number, out, octets, synced: octets, index: Index::default() })
    }

    fn let_go(&mut self, place: Place) {
        if let Some(segment) = self.segments.get_mut(&place.segment) {
            segment.live = segment.live.saturating_sub(u64::from(place.octets));
        }
    }
}

/// Why a folder's disk should take nothing more.
fn short_of_space(folder: &Path, floor: u64) -> Option<String> {
    match rustix::fs::statvfs(folder) {
        Ok(s) if s.f_bavail.saturating_mul(s.f_frsize) < floor => {
            let (free, floor) = (s.f_bavail.saturating_mul(s.f_frsize) >> 20, floor >> 20);
            Some(format!("{free} MiB are free on the disk of {}, the floor is {floor}", folder.display()))
        }
        Ok(_) => None,
        Err(error) => Some(format!("{}: {error}", folder.display())),
    }
}

/// A group as it is written: our headers, and the records' own bytes by reference.
struct Group<'a> {
    headers: Vec<(usize, Vec<u8>)>,
    frames: &'a [Frame],
    places: Vec<Place>,
    octets: u64,
}

impl<'a> Group<'a> {
    fn lay_out(frames: &'a [Frame], segment: u32, salt: u32, start: u64) -> io::Result<Self> {
        let mut group = Group { headers: Vec::new(), frames, places: Vec::new(), octets: 0 };
        let mut chain = salt;
        for frame in frames {
            let (mut inside, mut sum, mut record_headers) = (0_u64, salt, Vec::new());
            for record in frame {
                let header = format::record_header(record, salt).ok_or_else(too_long)?;
                sum = format::checksum(sum, &[&header]);
                let octets =
                    (RECORD_HEADER + record.head.len() + record.header.len() + record.body.len()) as u64;
                let at = start + group.octets + FRAME_HEADER as u64 + inside;
                let fit = |n: u64| u32::try_from(n).map_err(|_| too_long());
                group.places.push(Place { segment, at: fit(at)?, octets: fit(octets)? });
                record_headers.push(header);
                inside += octets;
            }
            let (payload, count) = (u32::try_from(inside).map_err(|_| too_long())?, frame.len() as u32);
            let (header, crc) = format::frame_header(FrameKind::Data, payload, count, sum, salt);
            chain = format::checksum(chain, &[&crc.to_le_bytes()]);
            group.octets += FRAME_HEADER as u64 + inside;
            let mut all = header.to_vec();
            all.extend(record_headers.iter().flatten());
            group.headers.push((frame.len(), all));
        }
        let (commit, _) = format::frame_header(FrameKind::Commit, 0, frames.len() as u32, chain, salt);
        group.octets += FRAME_HEADER as u64;
        group.headers.push((0, commit.to_vec()));
        Ok(group)
    }

    fn parts(&self) -> Vec<IoSlice<'_>> {
        let mut parts = Vec::new();
        let mut frames = self.frames.iter();
        for (records, bytes) in &self.headers {
            let (frame_header, mut rest) = bytes.split_at_checked(FRAME_HEADER).unwrap_or((bytes, &[]));
            parts.push(IoSlice::new(frame_header));
            if *records == 0 {
                continue;
            }
            for record in frames.next().into_iter().flatten() {
                let (header, after) = rest.split_at_checked(RECORD_HEADER).unwrap_or((rest, &[]));
                rest = after;
                parts.push(IoSlice::new(header));
                parts.push(IoSlice::new(&record.head));
                push_if_any(&mut parts, &record.header);
                push_if_any(&mut parts, &record.body);
            }
        }
        parts
    }
}

fn push_if_any<'a>(parts: &mut Vec<IoSlice<'a>>, bytes: &'a Bytes) {
    if !bytes.is_empty() {
        parts.push(IoSlice::new(bytes));
    }
}

/// Slices one `writev` takes (IOV_MAX).
const SLICES: usize = 1024;

impl Journal for DiskJournal {
    fn append(&mut self, group: &[Frame]) -> io::Result<Vec<Place>> {
        let (number, start) = {
            let tail = self.tail()?;
            (tail.number, tail.octets)
        };
        let salt = self.segments.get(&number).map_or(0, |s| s.file.salt);
        let laid = Group::lay_out(group, number, salt, start)?;
        let mut parts = laid.parts();
        if let Some(tail) = &mut self.tail {
            for chunk in parts.chunks_mut(SLICES) {
                tail.out.write_all_vectored(chunk)?;
            }
            tail.octets += laid.octets;
            for (place, record) in laid.places.iter().zip(group.iter().flatten()) {
                tail.index.push(*place, record);
            }
        }
        if let Some(segment) = self.segments.get_mut(&number) {
            segment.octets += laid.octets;
            segment.live += laid.places.iter().map(|p| u64::from(p.octets)).sum::<u64>();
        }
        Ok(laid.places)
    }

    fn sync(&mut self) -> io::Result<()> {
        match &mut self.tail {
            Some(tail) if tail.synced < tail.octets => {
                tail.out.sync()?;
                tail.synced = tail.octets;
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn give_up_unsynced(&mut self) {
        if let Some(tail) = self.tail.take() {
            if let Some(segment) = self.segments.get_mut(&tail.number) {
                segment.octets = tail.synced;
            }
            self.to_cut.push(tail);
            if let Err(error) = self.cut_given_up() {
                tracing::error!(%error, "a segment could not be cut to what was synced; nothing is written until it is");
            }
        }
    }

    fn handle(&self, place: Place) -> Result<Handle, ReadError> {
        let segment = self.segments.get(&place.segment).ok_or(ReadError::Gone)?;
        Ok(Handle::Disk(segment.file.clone(), place))
    }

    fn drop_bytes(&mut self, place: Place) {
        self.let_go(place);
    }

    fn forget(&mut self, place: Place, dropped: bool) {
        if !dropped {
            self.let_go(place);
        }
    }

    fn nothing_lives(&mut self) {
        if self.tail.as_ref().is_some_and(|t| t.octets > SMALL && t.synced == t.octets) {
            self.tail = None;
        }
    }

    fn oldest_to_reclaim(&self) -> Option<u32> {
        let tail = self.tail.as_ref().map(|t| t.number);
        let (number, oldest) = self.segments.iter().find(|(n, _)| Some(**n) != tail)?;
        if tail.is_some_and(|t| *number > t) {
            return None;
        }
        let all: u64 = self.segments.values().map(|s| s.octets).sum();
        let live: u64 = self.segments.values().map(|s| s.live).sum();
        let crowded = all > 2 * live + TOO_MANY * self.segment_octets;
        (oldest.live * 2 <= oldest.octets || crowded).then_some(*number)
    }

    fn reclaimed(&mut self, number: u32, damaged: bool) -> io::Result<()> {
        let path = segment_path(&self.folder, number);
        // Synced, and nothing younger goes before it did: a record must not outlive what settles it.
        if damaged {
            recover::set_aside(&path, &self.folder)?
        } else {
            std::fs::remove_file(&path)?
        }
        self.segments.remove(&number);
        index::remove(&self.folder, number);
        File::open(&self.folder)?.sync_all()
    }

    fn no_room(&mut self) -> Option<String> {
        if let Some((at, answer)) = &self.room_seen
            && at.elapsed() < ROOM_FRESH
        {
            return answer.clone();
        }
        let answer = short_of_space(&self.folder, self.space_floor);
        self.room_seen = Some((Instant::now(), answer.clone()));
        answer
    }

    fn end(&mut self) {
        if self.tail.as_ref().is_some_and(|t| t.synced == t.octets) {
            self.end_tail();
        }
    }

    fn octets(&self) -> u64 {
        self.segments.values().map(|s| s.octets).sum()
    }

    fn durable(&self) -> bool {
        true
    }
}

#[cfg(test)]
mod tests;
