//! What a peer said: code and lines (RFC 5321 4.2).

use crate::{Class, EnhancedStatus};

/// A whole SMTP reply. The lines are the peer's text without code and separator: foreign data, to
/// be escaped wherever it is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub code: u16,
    /// At least one, possibly empty.
    pub lines: Vec<Box<str>>,
}

impl Reply {
    /// A reply of one line.
    pub fn new(code: u16, text: impl Into<Box<str>>) -> Self {
        Self { code, lines: vec![text.into()] }
    }

    /// The class by the first digit, which decides (RFC 5321 4.2.1); `None` for 1xx, 3xx and worse.
    pub fn class(&self) -> Option<Class> {
        match self.code / 100 {
            2 => Some(Class::Success),
            4 => Some(Class::Transient),
            5 => Some(Class::Permanent),
            _ => None,
        }
    }

    pub fn is_positive(&self) -> bool {
        self.class() == Some(Class::Success)
    }

    /// The enhanced status at the start of the first line (RFC 2034), whatever its class.
    pub fn enhanced(&self) -> Option<EnhancedStatus> {
        EnhancedStatus::parse_prefix(self.lines.first()?)
    }

    /// All lines joined by newlines.
    pub fn text(&self) -> String {
        self.lines.join("\n")
    }
}

impl std::fmt::Display for Reply {
    /// `code text`, further lines separated by ` / `.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.code, self.lines.join(" / "))
    }
}
