//! Date and Message-ID.

use crate::{Draft, MessageIdStyle, Written};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// RFC 5322 3.3 in UTC.
/// The field `Date` with its line end.
pub fn date_field(at: Timestamp) -> String {
    format!("Date: {}\r\n", date_text(at))
}

/// How the header of a mail begins that gets its Date when it leaves.
pub const UNDATED: &[u8] = b"Date:\r\n";

pub(crate) fn date_text(at: Timestamp) -> String {
    let at = at.to_zoned_datetime(TimeZone::UTC);
    let day = WEEKDAYS.get(at.weekday().to_monday_zero_offset() as usize).copied().unwrap_or_default();
    let month = MONTHS.get(at.month() as usize - 1).copied().unwrap_or_default();
    format!(
        "{day}, {:02} {month} {:04} {:02}:{:02}:{:02} +0000",
        at.day(),
        at.year(),
        at.hour(),
        at.minute(),
        at.second()
    )
}

const WEEKDAYS: [&str; 7] = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// The Message-ID of a draft that brings none.
pub(crate) fn message_id(
    draft: &Draft,
    html: &str,
    style: &MessageIdStyle,
    date: Timestamp,
    unique: u128,
) -> String {
    match style {
        MessageIdStyle::Unique { domain } => unique_id(unique, domain),
        MessageIdStyle::Autogen { domain } => {
            // The reference counts nanoseconds in 64 bits and lets them overflow.
            let ms = (date.as_nanosecond() as i64) / 1_000_000;
            let hash = autogen_hash(draft, html);
            format!("<autogen-{ms}-{hash:016x}@{}>", wire_domain(domain))
        }
    }
}

/// `<uuid@domain>`
pub(crate) fn unique_id(unique: u128, domain: &str) -> String {
    let hex = format!("{unique:032x}");
    let part = |from, to| hex.get(from..to).unwrap_or_default();
    format!(
        "<{}-{}-{}-{}-{}@{}>",
        part(0, 8),
        part(8, 12),
        part(12, 16),
        part(16, 20),
        part(20, 32),
        wire_domain(domain)
    )
}

fn wire_domain(domain: &str) -> String {
    envelope::Address::parse(&format!("x@{domain}"))
        .map_or_else(|_| "localhost".into(), |address| address.domain().to_owned())
}

/// FNV-1 (not 1a), 64 bits, over `to` as written, subject and HTML.
fn autogen_hash(draft: &Draft, html: &str) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |text: &str| {
        for byte in text.bytes() {
            hash = hash.wrapping_mul(0x0000_0100_0000_01b3) ^ u64::from(byte);
        }
    };
    for (i, to) in draft.to.iter().enumerate() {
        if i > 0 {
            add(", ");
        }
        match to {
            Written::Text(text) => add(text),
            Written::Parts { name: Some(name), address } => add(&format!("{name} <{address}>")),
            Written::Parts { name: None, address } => add(address),
        }
    }
    add(&draft.subject);
    add(html);
    hash
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn autogen_ids_are_the_references() {
        let check = |date: &str, to: &[&str], subject: &str, html: &str, want: &str| {
            let draft = Draft {
                to: to.iter().map(|t| Written::Text((*t).into())).collect(),
                subject: subject.into(),
                ..Draft::default()
            };
            let style = MessageIdStyle::Autogen { domain: "localhost".into() };
            assert_eq!(message_id(&draft, html, &style, date.parse().unwrap(), 0), want);
        };
        let date = "2000-01-02T03:04:05.000000006Z";
        check(date, &[], "subject", "body", "<autogen-946782245000-41e8fc54a8ad3a3f@localhost>");
        check(date, &["a@b.com"], "subject", "body", "<autogen-946782245000-cc88ce3cfe9bd04f@localhost>");
        check(
            "0001-01-01T00:00:00Z",
            &["a@b.com"],
            "Issue X Closed",
            "Some Issue got closed by Y-Man",
            "<autogen--6795364578871-69c000786adc60dc@localhost>",
        );
    }

    #[test]
    fn dates_and_unique_ids() {
        let at: Timestamp = "2024-02-24T18:55:23+01:00".parse().unwrap();
        assert_eq!(date_text(at), "Sat, 24 Feb 2024 17:55:23 +0000");
        assert_eq!(unique_id(1, "föö.de"), "<00000000-0000-0000-0000-000000000001@xn--f-1gaa.de>");
        assert_eq!(unique_id(1, "a>\r\nb"), "<00000000-0000-0000-0000-000000000001@localhost>");
    }
}
