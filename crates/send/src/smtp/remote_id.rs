//! The peer's own id for a mail, read from its final 250: what an operator searches in the peer's log.

use envelope::Reply;

const LONGEST: usize = 128;

/// `queued as X` (Postfix, Haraka, ours), `id=X` (Exim), `Message accepted for delivery` after the
/// id (Sendmail), `<X>` (Exchange, and others). None of it is standardised.
pub(super) fn read(reply: &Reply) -> Option<Box<str>> {
    let text = reply.lines.last()?;
    let after = |mark: &str| text.find(mark).and_then(|at| text.get(at + mark.len()..));
    let before = |mark: &str| text.find(mark).and_then(|at| text.get(..at));
    let word = if let Some(rest) = after("queued as ").or_else(|| after("id=")) {
        rest.split_ascii_whitespace().next()
    } else if let Some(head) = before(" Message accepted for delivery") {
        head.split_ascii_whitespace().next_back()
    } else {
        after("<").and_then(|rest| rest.split_once('>')).map(|(id, _)| id)
    }?;
    let word = word.trim_matches(['<', '>', '(', ')', '.', ',', ';']);
    let plain = !word.is_empty() && word.len() <= LONGEST && word.bytes().all(|b| b.is_ascii_graphic());
    plain.then(|| word.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_read_as_the_common_servers_write_them() {
        let check = |text: &str, want: Option<&str>| {
            assert_eq!(read(&Reply::new(250, text)).as_deref(), want, "{text:?}");
        };
        check("2.0.0 Ok: queued as 4Z1x2y3zABC", Some("4Z1x2y3zABC"));
        check("OK id=1tAbCd-000000001Xy-2aBc", Some("1tAbCd-000000001Xy-2aBc"));
        check("2.0.0 4AB12345 Message accepted for delivery", Some("4AB12345"));
        check("2.6.0 <abc@host> [InternalId=1] Queued mail for delivery", Some("abc@host"));
        check("2.0.0 Ok", None);
        check("queued as ", None);
        check("queued as \u{1b}[31mx", None);
        check("", None);
    }
}
