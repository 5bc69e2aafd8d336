//! From a draft to the bytes of a message (RFC 5322, RFC 2045–2049, RFC 2231).
//!
//! Nothing here reads a clock, a file, a socket or a random source: date and uniqueness are
//! arguments, so the same draft gives the same bytes (making a DKIM key is the one thing that is
//! random). What is composed is 7-bit, CRLF only, lines
//! of at most 998 octets (78 where a fold is possible). The one exception: an address whose local
//! part is not ASCII makes the header UTF-8 (RFC 6532), since it has no 7-bit form.

mod compose;
pub mod dkim;
mod draft;
mod encoding;
mod error;
mod fields;
mod header;
mod identity;
mod mime;
mod raw;
mod shared;
mod text;

pub use compose::{Composed, compose, compose_around};
pub use draft::{Attachment, Draft, MessageIdStyle, Profile, Written};
pub use error::{ComposeError, FieldError};
pub use header::{display_name, mailbox_text};
pub use identity::{UNDATED, date_field};
pub use raw::{RawMail, RawOptions, admit_raw, to_seven_bit};
pub use shared::SharedBody;
pub use text::html_to_text;
