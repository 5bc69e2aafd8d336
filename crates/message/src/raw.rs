//! A finished message from outside: checked, completed, never re-written.

use crate::ComposeError;
use bytes::Bytes;
use jiff::Timestamp;

mod scan;
mod seven_bit;
mod shown;

pub use seven_bit::to_seven_bit;

use crate::compose::MAX_HEADER;
use crate::error::Faults;
use crate::{encoding, identity};

/// How a raw message is completed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RawOptions {
    /// Value of the `Received` field put in front, without name and date; `None`: no trace field.
    pub received: Option<String>,
    /// Domain of a Message-ID made for a message that has none.
    pub domain: String,
    /// The From to use when the message has none (sendmail's habit); `None`: such a message is refused.
    pub from: Option<String>,
    /// Bare LF line ends are turned into CRLF (sendmail, HTTP) instead of refused (SMTP).
    pub accept_bare_lf: bool,
}

/// A raw message split for the store. `Bcc`, `Resent-Bcc`, `Return-Path` and `Content-Length` and
/// our own `X-Postrider-*` fields are gone from the header; the body is untouched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawMail {
    pub header: Bytes,
    pub body: Bytes,
    pub message_id: String,
    /// Decoded.
    pub subject: String,
    pub from: String,
    pub to: Vec<String>,
    pub cc: Vec<String>,
    pub bcc: Vec<String>,
    pub reply_to: Vec<String>,
    /// Our own fields, name without `X-Postrider-`, in lower case, with their value.
    pub options: Vec<(String, String)>,
    pub eight_bit: bool,
    pub utf8_header: bool,
}

/// Takes a finished message in: limits (header 100 KB, RFC 5322 syntax of field names, one From,
/// lines ≤ 998), drops what must not leave, adds Date and Message-ID where they lack.
pub fn admit_raw(
    raw: &Bytes,
    options: &RawOptions,
    now: Timestamp,
    unique: u128,
) -> Result<RawMail, ComposeError> {
    let mut faults = Faults::default();
    let bad_ends = scan::has_bare_line_end(raw);
    let raw = match bad_ends {
        true if options.accept_bare_lf => Bytes::from(encoding::with_crlf(raw).into_owned()),
        true => {
            return Err(faults.last("raw", "a line ends with a bare CR or LF; end every line with CR LF"));
        }
        false => raw.clone(),
    };
    let (head, body_at) = scan::split(&raw);
    let head = raw.get(..head).unwrap_or_default();
    let body = raw.slice(body_at..);
    if head.len() > MAX_HEADER {
        return Err(faults.last("raw", "the header is longer than 102,400 octets; shorten it"));
    }
    if scan::has_long_line(head) || scan::has_long_line(&body) {
        faults.add("raw", "a line is longer than 998 octets; break it, or encode the part");
    }
    let fields = scan::fields(head, &mut faults);
    scan::check_counts(&fields, options.from.is_some(), &mut faults);
    faults.verdict()?;

    let mut mail = shown::read(&fields);
    mail.header = complete(&fields, options, now, unique, &mut mail.message_id, &mut mail.from).into();
    mail.eight_bit = !body.is_ascii();
    mail.utf8_header = !mail.header.is_ascii();
    mail.body = body;
    Ok(mail)
}

/// The header to store: trace field, what the message lacks, and its own fields as they came.
fn complete(
    fields: &[scan::Field<'_>],
    options: &RawOptions,
    now: Timestamp,
    unique: u128,
    message_id: &mut String,
    from: &mut String,
) -> Vec<u8> {
    let has = |name: &str| fields.iter().any(|f| f.is(name));
    let mut out = Vec::with_capacity(fields.iter().map(|f| f.whole.len()).sum::<usize>() + 512);
    let mut add = |name: &str, value: &str| {
        crate::header::put(&mut out, name, value);
    };
    let date = identity::date_text(now);
    if let Some(received) = &options.received {
        add("Received", &format!("{}; {date}", one_line(received)));
    }
    if !has("Date") {
        add("Date", &date);
    }
    if let Some(given) = options.from.as_deref().filter(|_| !has("From")) {
        *from = one_line(given);
        add("From", from);
    }
    if !has("Message-ID") {
        *message_id = identity::unique_id(unique, &options.domain);
        add("Message-ID", message_id);
    }
    for field in fields.iter().filter(|f| !f.is_dropped()) {
        out.extend_from_slice(field.whole);
        // The very last line of a message may lack its end.
        if !field.whole.ends_with(b"\n") {
            out.extend_from_slice(b"\r\n");
        }
    }
    out.extend_from_slice(b"\r\n");
    out
}

/// Text of ours without any line break.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
