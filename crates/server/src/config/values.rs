//! Words to values: switches, durations, sizes, counts.

use std::time::Duration;

/// The words for yes and no that go-ini knows; anything else is `None`.
pub(crate) fn switch(text: &str) -> Option<bool> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" | "YES" | "yes" | "Yes" | "y" | "ON" | "on" | "On" => {
            Some(true)
        }
        "0" | "f" | "F" | "false" | "FALSE" | "False" | "NO" | "no" | "No" | "n" | "OFF" | "off" | "Off" => {
            Some(false)
        }
        _ => None,
    }
}

/// As `switch`, for our own keys.
pub(crate) fn strict_switch(text: &str) -> Result<bool, String> {
    switch(text).ok_or_else(|| format!("{text:?} is neither yes nor no; write true or false"))
}

/// A duration in Go's form with days: `90s`, `5m`, `1h30m`, `30d`, `0`.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration; write for example 90s, 5m, 1h30m or 30d");
    if text == "0" {
        return Ok(Duration::ZERO);
    }
    let (mut total, mut left) = (Duration::ZERO, text);
    while !left.is_empty() {
        let unit_at = left.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let (digits, rest) = left.split_at_checked(unit_at).ok_or_else(wrong)?;
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        let units = [("ms", 1), ("s", 1_000), ("m", 60_000), ("h", 3_600_000), ("d", 86_400_000)];
        let (rest, millis) = units
            .iter()
            .find_map(|(unit, ms)| rest.strip_prefix(unit).map(|r| (r, *ms)))
            .ok_or_else(wrong)?;
        let part = number.checked_mul(millis).map(Duration::from_millis).ok_or_else(wrong)?;
        total = total.checked_add(part).filter(|t| *t <= LONGEST).ok_or_else(wrong)?;
        left = rest;
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}

/// A duration as Go reads it, in seconds: signed, with fractions, `0` or with units from `ns` to `h`.
pub(crate) fn go_duration(text: &str) -> Option<f64> {
    let (sign, mut left) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    if left == "0" {
        return Some(0.0);
    }
    let units =
        [("ns", 1e-9), ("us", 1e-6), ("µs", 1e-6), ("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)];
    let mut total = None;
    while !left.is_empty() {
        let unit_at = left.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (digits, rest) = left.split_at_checked(unit_at)?;
        let number: f64 = digits.parse().ok()?;
        let (rest, unit) =
            units.iter().find_map(|(unit, seconds)| rest.strip_prefix(unit).map(|r| (r, *seconds)))?;
        total = Some(total.unwrap_or(0.0) + number * unit);
        left = rest;
    }
    total.filter(|total| *total <= LONGEST.as_secs_f64()).map(|total| sign * total)
}

/// A hundred years: what lies beyond is a slip of the pen and would overflow calendars.
const LONGEST: Duration = Duration::from_secs(100 * 366 * 86_400);

/// A number of octets: `65536`, `32M` (1024s, as `MiB`) or `32MB` (1000s).
pub(crate) fn size(text: &str) -> Result<usize, String> {
    let wrong = || format!("{text:?} is not a size; write for example 65536, 512K, 32M or 2G");
    let unit_at = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (digits, unit) = text.split_at_checked(unit_at).ok_or_else(wrong)?;
    let factor: usize = match unit.trim() {
        "" | "B" => 1,
        "K" | "KiB" | "k" => 1 << 10,
        "M" | "MiB" | "m" => 1 << 20,
        "G" | "GiB" | "g" => 1 << 30,
        "KB" | "kB" => 1_000,
        "MB" => 1_000_000,
        "GB" => 1_000_000_000,
        _ => return Err(wrong()),
    };
    digits.parse::<usize>().ok().and_then(|n| n.checked_mul(factor)).ok_or_else(wrong)
}

/// A TCP port that can be connected to.
pub(crate) fn port(text: &str) -> Result<u16, String> {
    text.parse()
        .ok()
        .filter(|p| *p != 0)
        .ok_or_else(|| format!("{text:?} is not a port; write a number from 1 to 65535"))
}

/// Whether it can be a host: a name, an IDN among them, or an address, perhaps with a zone (RFC 4007 11).
pub(crate) fn is_host(text: &str) -> bool {
    let address = text.split_once('%').map_or(text, |(address, _)| address);
    let is_name = |c: char| c.is_alphanumeric() || ".-_".contains(c);
    !text.is_empty() && (address.parse::<std::net::IpAddr>().is_ok() || text.chars().all(is_name))
}

/// A list split at commas; `\,` is a comma. Empty entries are dropped.
pub(crate) fn list(text: &str) -> Vec<String> {
    let (mut parts, mut part, mut chars) = (Vec::new(), String::new(), text.chars().peekable());
    while let Some(c) = chars.next() {
        match c {
            '\\' if chars.peek() == Some(&',') => part.extend(chars.next()),
            ',' => parts.push(std::mem::take(&mut part)),
            c => part.push(c),
        }
    }
    parts.push(part);
    parts.iter().map(|p| p.trim().to_owned()).filter(|p| !p.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        let seconds = |text: &str| duration(text).map(|d| d.as_secs_f64()).ok();
        for (text, expected) in [
            ("90s", Some(90.0)),
            ("5m", Some(300.0)),
            ("1h30m", Some(5400.0)),
            ("30d", Some(2_592_000.0)),
            ("250ms", Some(0.25)),
            ("0", Some(0.0)),
            ("0s", Some(0.0)),
            ("", None),
            ("5", None),
            ("m", None),
            ("-5m", None),
            ("5 m", None),
            ("5m x", None),
            ("5w", None),
            ("99999999999999999999d", None),
            ("999999999d", None),
        ] {
            assert_eq!(seconds(text), expected, "{text:?}");
        }
    }

    #[test]
    fn durations_of_go() {
        for (text, expected) in [
            ("5m", Some(300.0)),
            ("1h30m", Some(5400.0)),
            ("1.5h", Some(5400.0)),
            ("250ms", Some(0.25)),
            ("+2s", Some(2.0)),
            ("-5m", Some(-300.0)),
            ("0", Some(0.0)),
            ("0s", Some(0.0)),
            ("", None),
            ("-", None),
            ("5", None),
            ("5 m", None),
            ("1d", None),
            (".s", None),
            ("1.2.3s", None),
            ("99999999999h", None),
        ] {
            assert_eq!(go_duration(text), expected, "{text:?}");
        }
    }

    #[test]
    fn sizes() {
        for (text, expected) in [
            ("0", Some(0)),
            ("65536", Some(65_536)),
            ("32M", Some(32 << 20)),
            ("32MiB", Some(32 << 20)),
            ("50MB", Some(50_000_000)),
            ("2 G", Some(2 << 30)),
            ("", None),
            ("M", None),
            ("-1", None),
            ("1.5M", None),
            ("99999999999G", None),
        ] {
            assert_eq!(size(text).ok(), expected, "{text:?}");
        }
    }

    #[test]
    fn switches_ports_and_lists() {
        for (text, expected) in [
            ("true", Some(true)),
            ("On", Some(true)),
            ("n", Some(false)),
            ("tRUE", None),
            ("", None),
            ("2", None),
        ] {
            assert_eq!(switch(text), expected, "{text:?}");
        }
        for (text, expected) in [("25", Some(25)), ("0", None), ("65536", None), ("smtp", None), ("", None)] {
            assert_eq!(port(text).ok(), expected, "{text:?}");
        }
        for host in ["m", "m.example.", "föö.example", "a_b", "192.0.2.1", "::1", "fe80::1%eth0"] {
            assert!(is_host(host), "{host}");
        }
        for no_host in ["", "a b", "a?", "a/b", "a:1", "[::1]", "a@b", "%(X)s", "a\0"] {
            assert!(!is_host(no_host), "{no_host:?}");
        }
        assert_eq!(list("a, b,,c\\,d , "), ["a", "b", "c,d"]);
        assert!(list("").is_empty());
    }
}
