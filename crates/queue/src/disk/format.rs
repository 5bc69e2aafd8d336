//! The bytes of a segment; all numbers little-endian, all checksums CRC-32 seeded with the salt.
//!
//! ```text
//! segment   = header header frame*                  twice, so that one flipped bit costs nothing
//! header    = "PRLOG1\r\n" | number u32 | salt u32 | crc u32 of the 16 octets before it            20 octets
//! frame     = "PRfr" | kind u8 (1 data, 2 commit) | 3 × 0 | payload u32 | count u32 | sum u32 | crc u32    24 octets
//!             then `payload` octets; crc covers the 20 octets before it
//!   data:   count = records; sum = chained crc of its record headers; payload = record*
//!   commit: count = frames since the last commit; sum = chained crc of their crcs; no payload
//! record    = kind u8 | version u8 | 2 × 0 | head u32 | header u32 | body u32 | head crc u32 | crc u32   24 octets
//!             then head, header block and body; the head's crc covers the 16 octets before it and the head,
//!             so that a head can be read without its message; crc covers the 20 octets before it and all of these
//! ```
//!
//! The salt is random per segment, so bytes that a stranger put into a mail body never pass for a frame.

use crate::record::{KINDS, Stored, VERSION};
use crc32fast::Hasher;

pub(super) const MAGIC: &[u8; 8] = b"PRLOG1\r\n";
const FRAME_MAGIC: &[u8; 4] = b"PRfr";
const HEADER_COPY: usize = 20;
pub(super) const SEGMENT_HEADER: usize = 2 * HEADER_COPY;
pub(super) const FRAME_HEADER: usize = 24;
pub(super) const RECORD_HEADER: usize = 24;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FrameKind {
    Data,
    Commit,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct FrameHeader {
    pub(super) kind: FrameKind,
    pub(super) payload: u32,
    pub(super) count: u32,
    pub(super) sum: u32,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct RecordHeader {
    pub(super) kind: u8,
    pub(super) version: u8,
    pub(super) head: u32,
    pub(super) header: u32,
    pub(super) body: u32,
    head_crc: u32,
    crc: u32,
}

pub(super) fn checksum(seed: u32, parts: &[&[u8]]) -> u32 {
    let mut hasher = Hasher::new_with_initial(seed);
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize()
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

pub(super) fn segment_header(segment: u32, salt: u32) -> Vec<u8> {
    let mut out = Vec::with_capacity(HEADER_COPY);
    out.extend_from_slice(MAGIC);
    out.extend_from_slice(&segment.to_le_bytes());
    out.extend_from_slice(&salt.to_le_bytes());
    let crc = checksum(0, &[&out]);
    out.extend_from_slice(&crc.to_le_bytes());
    out
}

/// The salt, or `None`: both copies of the header are torn or damaged.
pub(super) fn read_segment_header(bytes: &[u8], segment: u32) -> Option<u32> {
    let copies = bytes.get(..SEGMENT_HEADER)?.chunks(HEADER_COPY);
    copies.into_iter().find_map(|copy| {
        let body = copy.get(..16)?;
        let sound = body.starts_with(MAGIC) && number(copy, 16)? == checksum(0, &[body]);
        (sound && number(copy, 8)? == segment).then(|| number(copy, 12)).flatten()
    })
}

/// Both copies are whole, of our family, and of another version.
pub(super) fn is_foreign_version(bytes: &[u8]) -> bool {
    let foreign = |copy: &[u8]| copy.starts_with(b"PRLOG") && !copy.starts_with(MAGIC);
    bytes.len() >= SEGMENT_HEADER && bytes.chunks(HEADER_COPY).take(2).all(foreign)
}

pub(super) fn frame_header(
    kind: FrameKind,
    payload: u32,
    count: u32,
    sum: u32,
    salt: u32,
) -> ([u8; FRAME_HEADER], u32) {
    let mut out = [0; FRAME_HEADER];
    let fields = [payload, count, sum].map(u32::to_le_bytes);
    let code = [if kind == FrameKind::Data { 1 } else { 2 }, 0, 0, 0];
    let parts = FRAME_MAGIC.iter().chain(&code).chain(fields.iter().flatten());
    for (slot, byte) in out.iter_mut().zip(parts) {
        *slot = *byte;
    }
    let (front, back) = out.split_at_mut(20);
    let crc = checksum(salt, &[front]);
    back.copy_from_slice(&crc.to_le_bytes());
    (out, crc)
}

pub(super) fn read_frame_header(bytes: &[u8], salt: u32) -> Option<FrameHeader> {
    let front = bytes.get(..20)?;
    let crc = number(bytes, 20)?;
    if !front.starts_with(FRAME_MAGIC) || checksum(salt, &[front]) != crc {
        return None;
    }
    let kind = match front.get(4)? {
        1 => FrameKind::Data,
        2 => FrameKind::Commit,
        _ => return None,
    };
    Some(FrameHeader { kind, payload: number(bytes, 8)?, count: number(bytes, 12)?, sum: number(bytes, 16)? })
}

/// A record's header; `None`: it is too long for the format.
pub(super) fn record_header(record: &Stored, salt: u32) -> Option<[u8; RECORD_HEADER]> {
    let lengths = [record.head.len(), record.header.len(), record.body.len()];
    let mut out = [0; RECORD_HEADER];
    let mut bytes = vec![record.kind, VERSION, 0, 0];
    for length in lengths {
        bytes.extend_from_slice(&u32::try_from(length).ok()?.to_le_bytes());
    }
    let head_crc = checksum(salt, &[&bytes, &record.head]);
    bytes.extend_from_slice(&head_crc.to_le_bytes());
    let crc = checksum(salt, &[&bytes, &record.head, &record.header, &record.body]);
    bytes.extend_from_slice(&crc.to_le_bytes());
    out.copy_from_slice(&bytes);
    Some(out)
}

pub(super) fn read_record_header(bytes: &[u8]) -> Option<RecordHeader> {
    let (kind, version) = (*bytes.first()?, *bytes.get(1)?);
    let (head, header, body) = (number(bytes, 4)?, number(bytes, 8)?, number(bytes, 12)?);
    Some(RecordHeader {
        kind,
        version,
        head,
        header,
        body,
        head_crc: number(bytes, 16)?,
        crc: number(bytes, 20)?,
    })
}

impl RecordHeader {
    /// Octets of the whole record.
    pub(super) fn octets(&self) -> usize {
        let lengths = [self.head, self.header, self.body].map(|n| n as usize);
        lengths.into_iter().fold(RECORD_HEADER, usize::saturating_add)
    }

    /// Whether this version can read it.
    pub(super) fn known(&self) -> bool {
        self.version == VERSION && KINDS.contains(&self.kind)
    }
}

/// Whether a whole record's bytes match its checksum.
pub(super) fn record_is_sound(bytes: &[u8], header: &RecordHeader, salt: u32) -> bool {
    let (Some(front), Some(rest)) = (bytes.get(..20), bytes.get(RECORD_HEADER..header.octets())) else {
        return false;
    };
    checksum(salt, &[front, rest]) == header.crc
}

/// Whether a record's first bytes, up to the end of its head, match the head's checksum.
pub(super) fn head_is_sound(bytes: &[u8], header: &RecordHeader, salt: u32) -> bool {
    let end = RECORD_HEADER + header.head as usize;
    let (Some(front), Some(head)) = (bytes.get(..16), bytes.get(RECORD_HEADER..end)) else {
        return false;
    };
    checksum(salt, &[front, head]) == header.head_crc
}
