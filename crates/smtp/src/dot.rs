//! Transparency (RFC 5321 4.5.2): the leading dot, its removal, and the line ends both rest on.

mod line_ends;
mod stuff;
mod unstuff;

pub use line_ends::{BareLineEnd, LineEnds};
pub use stuff::Stuffer;
pub use unstuff::{Fed, Unstuffer};

/// The line that ends DATA.
pub const END: &[u8] = b".\r\n";

#[cfg(test)]
mod tests;
