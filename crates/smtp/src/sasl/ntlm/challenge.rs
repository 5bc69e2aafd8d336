//! CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2). Every offset and length is the peer's: nothing is read that is not there.

use super::{SIGNATURE, TARGET_INFO};

/// Before the version and the payload; a server without target information may end here.
const HEAD: usize = 32;
/// MsvAvTimestamp (MS-NLMP 2.2.2.1).
const TIMESTAMP: u16 = 7;
const END: u16 = 0;

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Challenge<'a> {
    pub(super) flags: u32,
    pub(super) nonce: &'a [u8],
    /// The server's domain or name, in UTF-16.
    pub(super) target: &'a [u8],
    /// AV pairs, as they came.
    pub(super) target_info: &'a [u8],
}

impl<'a> Challenge<'a> {
    /// `None`: a field points where nothing is, or it is something else.
    pub(super) fn read(message: &'a [u8]) -> Option<Self> {
        let sound = message.len() >= HEAD && message.starts_with(SIGNATURE) && word(message, 8)? == 2;
        if !sound {
            return None;
        }
        let flags = word(message, 20)?;
        let target_info = if flags & TARGET_INFO == 0 { &[] } else { field(message, 40)? };
        let whole = Self { flags, nonce: message.get(24..32)?, target: field(message, 12)?, target_info };
        whole.pairs().all(|pair| pair.is_some()).then_some(whole)
    }

    /// The server's clock, as FILETIME.
    pub(super) fn time(&self) -> Option<[u8; 8]> {
        let mut stamps = self.pairs().flatten().filter(|(id, _)| *id == TIMESTAMP);
        stamps.next().and_then(|(_, value)| value.try_into().ok())
    }

    /// `None` once for a pair that is cut short.
    fn pairs(&self) -> impl Iterator<Item = Option<(u16, &'a [u8])>> + use<'a> {
        let mut rest = Some(self.target_info).filter(|info| !info.is_empty());
        std::iter::from_fn(move || {
            let octets = rest.take()?;
            let Some((head, tail)) = octets.split_at_checked(4) else { return Some(None) };
            let (Some(id), Some(length)) = (half(head, 0), half(head, 2)) else { return Some(None) };
            let Some((value, tail)) = tail.split_at_checked(usize::from(length)) else { return Some(None) };
            rest = Some(tail).filter(|tail| id != END && !tail.is_empty());
            Some(Some((id, value)))
        })
    }
}

/// Length, room, offset.
fn field(message: &[u8], at: usize) -> Option<&[u8]> {
    let length = usize::from(half(message, at)?);
    let offset = usize::try_from(word(message, at + 4)?).ok()?;
    // An empty field may point anywhere.
    if length == 0 { Some(&[]) } else { message.get(offset..offset.checked_add(length)?) }
}

fn half(octets: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_le_bytes(octets.get(at..at + 2)?.try_into().ok()?))
}

fn word(octets: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(octets.get(at..at + 4)?.try_into().ok()?))
}
