//! Reading a segment from its beginning: what was committed, what is damaged, what is torn.
//!
//! A frame whose checksums hold is taken, committed or not: it is whole, and taking a call that was
//! never answered is allowed (its caller may repeat it), losing one that was is not. A damaged frame
//! with a sound frame after it, or under a commit, is *corrupt*; damage with nothing sound after it
//! is the *torn* tail of a write that was never answered.

use super::format::{self, FrameHeader, FrameKind, RECORD_HEADER, SEGMENT_HEADER};
use crate::journal::Place;
use std::ops::Range;

/// One record found.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) place: Place,
    pub(super) kind: u8,
    /// Within the segment.
    pub(super) head: Range<usize>,
}

/// What a segment holds.
#[derive(Debug, Default)]
pub(super) struct Scan {
    /// Sound records, frame by frame.
    pub(super) records: Vec<Seen>,
    /// Damaged stretches.
    pub(super) corrupt: Vec<Range<usize>>,
    /// Where the sound part ends.
    pub(super) end: usize,
    /// A record of a later version: nothing may be touched.
    pub(super) foreign: Option<String>,
}

pub(super) fn scan(bytes: &[u8], segment: u32, salt: u32) -> Scan {
    let mut found = Scan { end: SEGMENT_HEADER.min(bytes.len()), ..Scan::default() };
    let mut at = SEGMENT_HEADER;
    let mut damaged_from: Option<usize> = None;
    // Records of damaged frames whose own checksum holds; taken once something sound follows.
    let mut salvaged: Vec<Seen> = Vec::new();
    while let Some(rest) = bytes.get(at..).filter(|r| !r.is_empty()) {
        let frame = format::read_frame_header(rest, salt);
        let whole = frame.as_ref().and_then(|f| check(rest, f, salt, segment, at));
        match (frame, whole) {
            (Some(frame), Some(records)) => {
                if let Some(from) = damaged_from.take() {
                    found.corrupt.push(from..at);
                    found.records.append(&mut salvaged);
                }
                if let Some(odd) = records.iter().find_map(|r| r.1.clone()) {
                    found.foreign = Some(odd);
                    return found;
                }
                found.records.extend(records.into_iter().map(|r| r.0));
                at += format::FRAME_HEADER + frame.payload as usize;
                found.end = at;
            }
            (Some(frame), None) if rest.len() >= format::FRAME_HEADER + frame.payload as usize => {
                damaged_from.get_or_insert(at);
                salvage(rest, &frame, salt, segment, at, &mut salvaged);
                at += format::FRAME_HEADER + frame.payload as usize;
            }
            _ => {
                damaged_from.get_or_insert(at);
                match next_frame(bytes, at + 1, salt) {
                    Some(next) => at = next,
                    None => break,
                }
            }
        }
    }
    found
}

/// The records of a frame, if all its checksums hold; a record of another version comes with a text.
fn check(
    rest: &[u8],
    frame: &FrameHeader,
    salt: u32,
    segment: u32,
    at: usize,
) -> Option<Vec<(Seen, Option<String>)>> {
    let payload = rest.get(format::FRAME_HEADER..format::FRAME_HEADER + frame.payload as usize)?;
    if frame.kind == FrameKind::Commit {
        return payload.is_empty().then(Vec::new);
    }
    let (mut records, mut inside, mut sum) = (Vec::new(), 0, salt);
    while let Some(bytes) = payload.get(inside..).filter(|b| !b.is_empty()) {
        let header = format::read_record_header(bytes)?;
        sum = format::checksum(sum, &[bytes.get(..RECORD_HEADER)?]);
        if !format::record_is_sound(bytes, &header, salt) {
            return None;
        }
        let start = at + format::FRAME_HEADER + inside;
        let head = start + RECORD_HEADER..start + RECORD_HEADER + header.head as usize;
        let octets = header.octets();
        let place = Place { segment, at: u32::try_from(start).ok()?, octets: u32::try_from(octets).ok()? };
        let odd =
            (!header.known()).then(|| format!("a record of kind {} version {}", header.kind, header.version));
        records.push((Seen { place, kind: header.kind, head }, odd));
        inside += octets;
    }
    (records.len() == frame.count as usize && sum == frame.sum).then_some(records)
}

/// The records of a damaged frame that are whole themselves.
fn salvage(rest: &[u8], frame: &FrameHeader, salt: u32, segment: u32, at: usize, into: &mut Vec<Seen>) {
    let end = format::FRAME_HEADER + frame.payload as usize;
    let payload = rest.get(format::FRAME_HEADER..end).unwrap_or_default();
    let mut inside = 0;
    while let Some(bytes) = payload.get(inside..).filter(|b| !b.is_empty()) {
        let Some(header) = format::read_record_header(bytes) else { return };
        if header.known() && format::record_is_sound(bytes, &header, salt) {
            let start = at + format::FRAME_HEADER + inside;
            let (Ok(place_at), Ok(octets)) = (u32::try_from(start), u32::try_from(header.octets())) else {
                return;
            };
            let head = start + RECORD_HEADER..start + RECORD_HEADER + header.head as usize;
            into.push(Seen { place: Place { segment, at: place_at, octets }, kind: header.kind, head });
        }
        inside = inside.saturating_add(header.octets());
    }
}

/// Where the next sound frame header stands.
fn next_frame(bytes: &[u8], from: usize, salt: u32) -> Option<usize> {
    let finder = memchr::memmem::Finder::new(b"PRfr");
    let mut at = from;
    loop {
        let place = at + finder.find(bytes.get(at..)?)?;
        if format::read_frame_header(bytes.get(place..)?, salt).is_some() {
            return Some(place);
        }
        at = place + 1;
    }
}
