//! Mail that goes in circles: its `Received` fields tell where it was (RFC 5321 6.3).

use crate::SubmitError;

/// Times a mail may have been here before: once through a list or a forwarder is no circle.
const OURS: usize = 1;
/// Relays a mail may have passed; RFC 5321 6.3 asks for 100 or more of those that find loops by this
/// number alone, real routes have a dozen.
const ANY: usize = 100;

/// How this instance signs its `Received` fields. Whoever folds the field anew may part the two words.
pub(crate) fn mark(instance: &str) -> String {
    format!("(postrider {instance})")
}

/// Refuses a mail that was here too often, or everywhere.
pub(crate) fn check(raw: &[u8], instance: &str) -> Result<(), SubmitError> {
    let (mut any, mut ours, mut in_trace) = (0, 0, false);
    for line in raw.split(|b| *b == b'\n') {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            break;
        }
        if !line.starts_with(b" ") && !line.starts_with(b"\t") {
            in_trace = line.get(..9).is_some_and(|name| name.eq_ignore_ascii_case(b"received:"));
            any += usize::from(in_trace);
        }
        ours += usize::from(in_trace && memchr::memmem::find(line, instance.as_bytes()).is_some());
    }
    let why = match () {
        () if ours > OURS => {
            format!("loop: the message was here {ours} times before; its relay sends it back to us")
        }
        () if any > ANY => format!("loop: the message has passed {any} relays"),
        () => return Ok(()),
    };
    tracing::error!("{why}");
    Err(SubmitError::Loop(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b3_71_a_mail_that_goes_in_circles_is_refused() {
        let trace =
            |by: &str| format!("Received: from a\r\n by {by} id 1; Mon, 5 Jan 2026 10:00:00 +0000\r\n");
        let (ours, other) = (trace("mx (postrider 0123)"), trace("mx (postrider 4567)"));
        let check = |header: String, want: Option<&str>| {
            let mail = format!("{header}Subject: {ours}\r\n\r\n{ours}{ours}{ours}");
            let got = check(mail.as_bytes(), "0123").err().map(|e| e.to_string());
            assert!(
                match want {
                    Some(want) => got.as_ref().is_some_and(|got| got.contains(want)),
                    None => got.is_none(),
                },
                "{got:?}"
            );
        };
        check(String::new(), None);
        check(ours.clone(), None);
        check(other.repeat(50), None);
        check(ours.repeat(2), Some("here 2 times"));
        check(
            format!("{ours}X: y\r\n{other}{}", trace("mx (postrider\r\n 0123)").to_uppercase()),
            Some("here 2"),
        );
        check(other.repeat(101), Some("passed 101 relays"));
        check(format!("X-Received: a\r\n by (postrider 0123)\r\n {ours}"), None);
    }
}
