//! What a temporary refusal says of speed: "too fast", and "try again in so long".

use envelope::{Class, Reply};
use std::time::Duration;

/// Longest wait that a relay may ask for; more is the relay's mistake.
const LONGEST: Duration = Duration::from_secs(3600);

/// Whether the reply says that we send too fast or too much at once, to whomever.
pub(super) fn says_too_fast(reply: &Reply) -> bool {
    if reply.class() != Some(Class::Transient) || !matches!(reply.code, 421 | 450 | 451 | 452 | 454) {
        return false;
    }
    let text = reply.text().to_ascii_lowercase();
    // RFC 5321 4.5.3.1.10 and greylisting speak of this mail, not of our speed.
    if text.contains("too many recipients") || text.contains("greylist") || text.contains("graylist") {
        return false;
    }
    let words =
        ["rate limit", "ratelimit", "rate exceeded", "sending rate", "throttl", "too many", "too fast"];
    let status = reply.enhanced().is_some_and(|s| (s.subject, s.detail) == (7, 28));
    status || words.iter().any(|word| text.contains(word))
}

/// The wait a reply asks for: "try again in 5 minutes", "retry after 30 s".
pub(super) fn asked_wait(reply: &Reply) -> Option<Duration> {
    if reply.class() != Some(Class::Transient) {
        return None;
    }
    let text = reply.text().to_ascii_lowercase();
    let words: Vec<&str> =
        text.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    words
        .windows(3)
        .find_map(|three| match three {
            ["in" | "after" | "for" | "within", number, unit] => {
                let (number, glued) =
                    number.split_at(number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len()));
                wait(number.parse().ok()?, if glued.is_empty() { unit } else { glued })
            }
            _ => None,
        })
        .or_else(|| match words.as_slice() {
            [.., "in" | "after" | "for", last] => {
                let (number, unit) = last.split_at(last.find(|c: char| !c.is_ascii_digit())?);
                wait(number.parse().ok()?, unit)
            }
            _ => None,
        })
}

fn wait(number: u64, unit: &str) -> Option<Duration> {
    let seconds = match unit {
        "s" | "sec" | "secs" | "second" | "seconds" => number,
        "m" | "min" | "mins" | "minute" | "minutes" => number.checked_mul(60)?,
        "h" | "hour" | "hours" => number.checked_mul(3600)?,
        _ => return None,
    };
    (seconds > 0).then(|| Duration::from_secs(seconds).min(LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_is_told_from_other_reasons() {
        let check = |code, text: &str, want: bool| {
            assert_eq!(says_too_fast(&Reply::new(code, text)), want, "{code} {text}");
        };
        check(450, "4.7.1 Error: too many connections from 127.0.0.1", true);
        check(421, "4.7.28 Our system has detected an unusual rate", true);
        check(454, "Throttling failure: Maximum sending rate exceeded.", true);
        check(451, "4.7.0 Temporary rate limit", true);
        check(452, "4.5.3 Too many recipients", false);
        check(452, "4.2.2 mailbox full", false);
        check(450, "4.2.0 Greylisted, too many new senders", false);
        check(451, "4.7.0 operate on a later date", false);
        check(550, "5.7.1 rate limit exceeded", false);
        check(432, "throttled", false);
    }

    #[test]
    fn a_wait_is_read_as_the_common_servers_write_it() {
        let check = |text: &str, want: Option<u64>| {
            assert_eq!(asked_wait(&Reply::new(451, text)).map(|d| d.as_secs()), want, "{text:?}");
        };
        check("4.7.1 Greylisting in action, please come back in 00:05:00", None);
        check("4.2.0 Recipient address rejected: Greylisted, try again in 300 seconds", Some(300));
        check("Please try again in 5 minutes", Some(300));
        check("retry after 30s", Some(30));
        check("slow down for 2 hours, friend", Some(3600));
        check("too fast, wait; again in 1 h.", Some(3600));
        check("try again in 0 seconds", None);
        check("in 99999999999999999999 seconds", None);
        check("in 18446744073709551615 minutes", None);
        check("try again later", None);
        check("in", None);
        check("", None);
        assert_eq!(asked_wait(&Reply::new(550, "in 5 minutes")), None);
    }
}
