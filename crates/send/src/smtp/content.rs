//! A mail's text as slices ready for one gathered write; nothing is copied.

use crate::Mail;
use smtp::dot::{LineEnds, Stuffer};
use std::io::IoSlice;

/// Most slices in one call to the system; Linux takes 1,024.
const GATHER: usize = 128;

/// What is still to write.
#[derive(Debug)]
pub(super) struct Gather<'a> {
    slices: Vec<&'a [u8]>,
    next: usize,
    offset: usize,
}

impl<'a> Gather<'a> {
    pub(super) fn commands(octets: &'a [u8]) -> Self {
        Self { slices: vec![octets], next: 0, offset: 0 }
    }

    /// Header and body dot-stuffed, and the end of data (RFC 5321 4.5.2).
    pub(super) fn message(mail: &'a Mail) -> Self {
        let mut stuffer = Stuffer::default();
        let mut slices: Vec<&'a [u8]> = stuffer.stuff(&mail.header).collect();
        slices.extend(stuffer.stuff(&mail.body));
        slices.push(stuffer.end());
        Self { slices, next: 0, offset: 0 }
    }

    pub(super) fn octets(&self) -> u64 {
        self.slices.iter().map(|slice| slice.len() as u64).sum()
    }

    pub(super) fn is_done(&self) -> bool {
        self.next >= self.slices.len()
    }

    /// The next slices to hand to the system.
    pub(super) fn front(&self) -> Vec<IoSlice<'a>> {
        let rest = self.slices.get(self.next..).unwrap_or_default();
        let offset = |n: usize| if n == 0 { self.offset } else { 0 };
        let cut = |(n, slice): (usize, &&'a [u8])| IoSlice::new(slice.get(offset(n)..).unwrap_or_default());
        rest.iter().take(GATHER).enumerate().map(cut).collect()
    }

    /// Counts octets the system took.
    pub(super) fn advance(&mut self, taken: usize) {
        self.offset += taken;
        while let Some(slice) = self.slices.get(self.next).filter(|slice| slice.len() <= self.offset) {
            self.offset -= slice.len();
            self.next += 1;
        }
    }
}

/// Whether CR and LF come only as CRLF: anything else could end the mail early at the peer.
pub(super) fn is_sound(mail: &Mail) -> bool {
    let mut ends = LineEnds::default();
    ends.check(&mail.header).and_then(|()| ends.check(&mail.body)).and_then(|()| ends.finish()).is_ok()
}
