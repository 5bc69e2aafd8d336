//! What a program prints: read to the end, the last of it kept.

use std::collections::VecDeque;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Octets kept of each stream. The last ones: programs say at the end what went wrong.
const KEPT: usize = 16 * 1024;
const BLOCK: usize = 8 * 1024;

#[derive(Debug, Default)]
pub(super) struct Kept(VecDeque<u8>);

impl Kept {
    /// Reads until the stream ends or breaks.
    pub(super) async fn read(&mut self, stream: Option<impl AsyncRead + Unpin>) {
        let Some(mut stream) = stream else { return };
        let mut block = vec![0; BLOCK];
        while let Ok(octets @ 1..) = stream.read(&mut block).await {
            self.0.extend(block.iter().take(octets));
            self.0.drain(..self.0.len().saturating_sub(KEPT));
        }
    }

    /// As text, foreign: to be escaped where it is shown.
    pub(super) fn text(&self) -> String {
        let (first, second) = self.0.as_slices();
        String::from_utf8_lossy(&[first, second].concat()).into_owned()
    }

    /// The last line that is not blank.
    pub(super) fn last_line(&self) -> Option<String> {
        self.text().lines().rev().map(str::trim).find(|line| !line.is_empty()).map(str::to_owned)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_last_octets_are_kept() {
        let printed = ["x".repeat(100_000), " the cause \r\n\n \n".into()].concat();
        let mut kept = Kept::default();
        kept.read(Some(printed.as_bytes())).await;
        assert_eq!(kept.text(), printed[printed.len() - KEPT..]);
        assert!(kept.0.capacity() <= 4 * KEPT, "{}", kept.0.capacity());
        let cut = format!("x{}", "\u{e9}".repeat(KEPT / 2));
        kept.read(Some(cut.as_bytes())).await;
        assert_eq!(kept.last_line(), Some(cut[1..].to_owned()));
        assert_eq!(Kept::default().last_line(), None);
    }
}
