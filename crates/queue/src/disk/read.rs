//! Reading records back, on whichever thread.

use super::format::{self, RECORD_HEADER};
use crate::journal::{Found, Place, ReadError};
use bytes::Bytes;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// An open segment. It can be read as long as somebody holds it, unlinked or not.
#[derive(Debug)]
pub(crate) struct SegmentFile {
    file: File,
    pub(super) salt: u32,
}

/// Most heads are shorter, so that one read is enough.
const HEAD_GUESS: usize = 1024;

impl SegmentFile {
    pub(super) fn new(file: File, salt: u32) -> Self {
        Self { file, salt }
    }

    fn front(&self, place: Place, octets: usize) -> Result<Vec<u8>, ReadError> {
        let mut out = vec![0; octets];
        self.file
            .read_exact_at(&mut out, u64::from(place.at))
            .map_err(|e| ReadError::Io(format!("segment {:08} at {}: {e}", place.segment, place.at)))?;
        Ok(out)
    }

    pub(crate) fn read(&self, place: Place) -> Result<Found, ReadError> {
        let bytes = self.front(place, place.octets as usize)?;
        let header = format::read_record_header(&bytes).ok_or(ReadError::Damaged)?;
        if header.octets() != bytes.len() || !format::record_is_sound(&bytes, &header, self.salt) {
            return Err(ReadError::Damaged);
        }
        let mut rest = Bytes::from(bytes).split_off(RECORD_HEADER);
        let head = rest.split_to(header.head as usize);
        let header_block = rest.split_to(header.header as usize);
        Ok(Found { kind: header.kind, head, header: header_block, body: rest })
    }

    /// Kind and head of a record, without its message.
    pub(crate) fn read_head(&self, place: Place) -> Result<(u8, Bytes), ReadError> {
        let first = (place.octets as usize).min(HEAD_GUESS);
        let mut bytes = self.front(place, first)?;
        let header = format::read_record_header(&bytes).ok_or(ReadError::Damaged)?;
        let end = RECORD_HEADER.saturating_add(header.head as usize);
        if end > place.octets as usize {
            return Err(ReadError::Damaged);
        }
        if end > first {
            bytes = self.front(place, end)?;
        }
        if !format::head_is_sound(&bytes, &header, self.salt) {
            return Err(ReadError::Damaged);
        }
        Ok((header.kind, Bytes::from(bytes).slice(RECORD_HEADER..end)))
    }
}
