//! What waits to be written on a connection: lines and texts of several mails, in order and by
//! reference, handed to the system in gathered writes.

use crate::Mail;
use bytes::Bytes;
use smtp::dot::Stuffer;
use std::collections::VecDeque;
use std::io::IoSlice;

/// Most slices in one call to the system; Linux takes 1,024.
const GATHER: usize = 128;

#[derive(Debug)]
struct Piece {
    octets: Bytes,
    /// The transaction whose text ends with this piece.
    ends: Option<u64>,
}

#[derive(Debug, Default)]
pub(super) struct Outbox {
    pieces: VecDeque<Piece>,
    /// Octets of the first piece that are written.
    offset: usize,
    /// The youngest transaction whose lines are not written whole.
    unsaid: Option<u64>,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Whether some of this transaction's lines are still to be written.
    pub(super) fn holds_lines_of(&self, transaction: u64) -> bool {
        !self.is_empty() && self.unsaid.is_some_and(|unsaid| unsaid == transaction)
    }

    /// Whether some of this transaction's text is still to be written.
    pub(super) fn holds_text_of(&self, transaction: u64) -> bool {
        self.pieces.iter().any(|piece| piece.ends == Some(transaction))
    }

    pub(super) fn lines(&mut self, transaction: u64, octets: Vec<u8>) {
        self.unsaid = Some(transaction);
        self.pieces.push_back(Piece { octets: octets.into(), ends: None });
    }

    /// Header and body dot-stuffed, and the end of data (RFC 5321 4.5.2).
    pub(super) fn stuffed(&mut self, transaction: u64, mail: &Mail) {
        self.unsaid = None;
        let mut stuffer = Stuffer::default();
        for chunk in [&mail.header, &mail.body] {
            let slices =
                stuffer.stuff(chunk).map(|slice| Piece { octets: chunk.slice_ref(slice), ends: None });
            self.pieces.extend(slices);
        }
        self.pieces.push_back(Piece { octets: Bytes::from_static(stuffer.end()), ends: Some(transaction) });
    }

    /// Header and body as they are, the last line ended (RFC 3030 2).
    pub(super) fn whole(&mut self, transaction: u64, mail: &Mail) {
        let end = Bytes::from_static(if ends_in_line(mail) { b"" } else { b"\r\n" });
        for octets in [mail.header.clone(), mail.body.clone()] {
            self.pieces.push_back(Piece { octets, ends: None });
        }
        self.pieces.push_back(Piece { octets: end, ends: Some(transaction) });
    }

    /// The next slices to hand to the system.
    pub(super) fn front(&self) -> Vec<IoSlice<'_>> {
        let offset = |n: usize| if n == 0 { self.offset } else { 0 };
        let cut = |(n, piece): (usize, &'_ Piece)| -> (usize, usize) { (offset(n), piece.octets.len()) };
        let pieces = self.pieces.iter().take(GATHER).enumerate();
        pieces
            .filter_map(|(n, piece)| {
                let (from, to) = cut((n, piece));
                piece.octets.get(from..to).map(IoSlice::new)
            })
            .collect()
    }

    /// Counts octets the system took; `ended` is told of each transaction whose text they end.
    pub(super) fn advance(&mut self, taken: usize, mut ended: impl FnMut(u64)) {
        self.offset += taken;
        while let Some(piece) = self.pieces.front().filter(|piece| piece.octets.len() <= self.offset) {
            self.offset -= piece.octets.len();
            if let Some(transaction) = piece.ends {
                ended(transaction);
            }
            self.pieces.pop_front();
        }
        if self.pieces.is_empty() {
            self.unsaid = None;
        }
    }
}

fn ends_in_line(mail: &Mail) -> bool {
    let last = if mail.body.is_empty() { &mail.header } else { &mail.body };
    last.ends_with(b"\r\n")
}

/// Octets of the text as BDAT sends it.
pub(super) fn octets(mail: &Mail) -> u64 {
    mail.size() + if ends_in_line(mail) { 0 } else { 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mail(header: &'static str, body: &'static str) -> Mail {
        Mail {
            ticket: 0,
            from: envelope::ReversePath(None),
            to: Vec::new(),
            ret: None,
            envid: None,
            header: header.into(),
            body: body.into(),
            eight_bit: false,
            utf8_header: false,
            urgent: false,
        }
    }

    /// Written `step` octets at a time; the octets, and how many were out when each text ended.
    fn written(outbox: &mut Outbox, step: usize) -> (String, Vec<(u64, usize)>) {
        let (mut out, mut ends) = (Vec::new(), Vec::new());
        while !outbox.is_empty() {
            let front: Vec<u8> = outbox.front().iter().flat_map(|slice| slice.iter().copied()).collect();
            let taken = front.len().min(step);
            out.extend_from_slice(&front[..taken]);
            let so_far = out.len();
            outbox.advance(taken, |transaction| ends.push((transaction, so_far)));
        }
        (String::from_utf8(out).unwrap(), ends)
    }

    #[test]
    fn all_is_written_in_order_whatever_the_system_takes() {
        let (first, second) = (mail("A: b\r\n\r\n", ".x\r\n..\r\n"), mail("C: d\r\n\r\n", "y"));
        for step in 1..40 {
            let mut outbox = Outbox::default();
            outbox.lines(1, b"DATA\r\n".to_vec());
            assert!(outbox.holds_lines_of(1) && !outbox.holds_lines_of(2));
            outbox.stuffed(1, &first);
            outbox.lines(2, b"BDAT 11 LAST\r\n".to_vec());
            outbox.whole(2, &second);
            let (out, ends) = written(&mut outbox, step);
            assert_eq!(out, "DATA\r\nA: b\r\n\r\n..x\r\n...\r\n.\r\nBDAT 11 LAST\r\nC: d\r\n\r\ny\r\n");
            let first_end = out.find("BDAT").unwrap();
            assert_eq!(ends.iter().map(|(n, _)| *n).collect::<Vec<_>>(), [1, 2]);
            assert!(ends[0].1 >= first_end && ends[0].1 < first_end + step && ends[1].1 == out.len());
        }
        assert_eq!((octets(&first), octets(&second)), (first.size(), second.size() + 2));
    }
}
