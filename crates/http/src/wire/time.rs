//! Times and durations as callers write them.

use jiff::Timestamp;
use std::time::Duration;

/// The longest a call waits for a message.
const MAX_WAIT: Duration = Duration::from_secs(300);

/// A time as in RFC 3339.
pub(crate) fn timestamp(text: &str) -> Result<Timestamp, String> {
    // The parser takes further forms of ISO 8601; a letter T, t or a blank after the date is RFC 3339's.
    let has_time = text.as_bytes().get(10).is_some_and(|b| matches!(b, b'T' | b't' | b' '));
    text.parse().ok().filter(|_| has_time).ok_or_else(|| {
        "must be a time as in RFC 3339, e.g. 2030-01-31T08:00:00Z; words such as \"in 5 minutes\" are not understood"
            .to_owned()
    })
}

/// A time as we write it: RFC 3339 in UTC, to the millisecond where it has a fraction. Many parsers of other
/// languages take three or six digits and no more.
pub(crate) fn shown(at: Timestamp) -> String {
    if at.subsec_nanosecond() / 1_000_000 == 0 { format!("{at:.0}") } else { format!("{at:.3}") }
}

/// `10s`, `500ms`, `2m` or seconds without a unit; at most five minutes.
pub(crate) fn wait(text: &str) -> Result<Duration, String> {
    let problem = || format!("must be like 10s, 500ms or 2m, at most {}s", MAX_WAIT.as_secs());
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at_checked(digits).ok_or_else(problem)?;
    let number: u64 = number.parse().map_err(|_| problem())?;
    let wait = match unit {
        "ms" => Duration::from_millis(number),
        "s" | "" => Duration::from_secs(number),
        "m" => Duration::from_secs(number.saturating_mul(60)),
        _ => return Err(problem()),
    };
    if wait > MAX_WAIT { Err(problem()) } else { Ok(wait) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_or_none() {
        for (at, want) in [
            ("2030-01-31T08:00:00Z", "2030-01-31T08:00:00Z"),
            ("2030-01-31T08:00:00.000999999Z", "2030-01-31T08:00:00Z"),
            ("2030-01-31T08:00:59.123999999Z", "2030-01-31T08:00:59.123Z"),
            ("2030-01-31T08:00:59.1Z", "2030-01-31T08:00:59.100Z"),
        ] {
            assert_eq!(shown(at.parse().unwrap()), want);
        }
    }
}
