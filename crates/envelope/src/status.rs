//! Enhanced status codes (RFC 3463, RFC 2034).

/// The first number of a status. The only place that says whether something may be retried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Class {
    Success,
    Transient,
    Permanent,
}

/// `class.subject.detail`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct EnhancedStatus {
    pub class: Class,
    pub subject: u16,
    pub detail: u16,
}

impl EnhancedStatus {
    /// Reads a status at the start of a reply line: digits of at most 1, 3 and 3 places, then a
    /// blank or the end (RFC 3463 2).
    pub fn parse_prefix(line: &str) -> Option<Self> {
        let word = line.split(' ').next()?;
        let mut parts = word.split('.');
        let class = match parts.next()? {
            "2" => Class::Success,
            "4" => Class::Transient,
            "5" => Class::Permanent,
            _ => return None,
        };
        let number = |text: &str| -> Option<u16> {
            let plain = !text.is_empty() && text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| text.parse().ok()).flatten()
        };
        let (subject, detail) = (number(parts.next()?)?, number(parts.next()?)?);
        parts.next().is_none().then_some(Self { class, subject, detail })
    }
}

impl std::fmt::Display for EnhancedStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let class = match self.class {
            Class::Success => 2,
            Class::Transient => 4,
            Class::Permanent => 5,
        };
        write!(f, "{class}.{}.{}", self.subject, self.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_read_at_the_start_of_a_line_only() {
        let check = |line: &str, want: Option<&str>| {
            assert_eq!(
                EnhancedStatus::parse_prefix(line).map(|s| s.to_string()).as_deref(),
                want,
                "{line:?}"
            );
        };
        check("5.1.1 no such user", Some("5.1.1"));
        check("4.7.28", Some("4.7.28"));
        check("2.0.0 Ok", Some("2.0.0"));
        check("3.0.0 x", None);
        check("5.1 x", None);
        check("5.1.1234 x", None);
        check("5.1.1.1 x", None);
        check("5.+1.1 x", None);
        check("no 5.1.1", None);
        check("", None);
    }
}
