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
