//! What people are shown of a raw header: decoded, unfolded, free of control characters.

use super::RawMail;
use super::scan::Field;
use crate::header::mailbox_text;
use bytes::Bytes;
use envelope::{Mailbox, decode_words};

pub(super) fn read(fields: &[Field<'_>]) -> RawMail {
    let text = |name: &str| fields.iter().find(|f| f.is(name)).map(value).unwrap_or_default();
    let list = |name: &str| fields.iter().filter(|f| f.is(name)).flat_map(|f| addresses(&value(f))).collect();
    RawMail {
        header: Bytes::new(),
        body: Bytes::new(),
        message_id: text("Message-ID"),
        subject: clean(&decode_words(&text("Subject"))),
        from: addresses(&text("From")).join(", "),
        to: list("To"),
        cc: list("Cc"),
        bcc: list("Bcc"),
        reply_to: list("Reply-To"),
        options: fields
            .iter()
            .filter_map(|f| Some((f.option_name()?.to_ascii_lowercase(), value(f))))
            .collect(),
        eight_bit: false,
        utf8_header: false,
    }
}

/// Unfolded and trimmed.
fn value(field: &Field<'_>) -> String {
    let text = String::from_utf8_lossy(field.value).replace("\r\n", "");
    clean(text.trim())
}

/// One entry per mailbox; what cannot be read is shown as it stands.
fn addresses(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    match Mailbox::parse_list(text) {
        Ok(list) => list.iter().map(mailbox_text).collect(),
        Err(_) => vec![clean(&decode_words(text))],
    }
}

fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}
