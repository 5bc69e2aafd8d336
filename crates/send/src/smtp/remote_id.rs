//! The peer's own id for a mail, read from its final 250: what an operator searches in the peer's log.

use envelope::Reply;
use memchr::memmem;

const LONGEST: usize = 128;

/// `queued as X` (Postfix, Haraka, ours), `queued on HOST X` (Yandex), `id=X` (Exim), `Message accepted for delivery`
/// after the id (Sendmail, OpenSMTPD), `Saved` after it (Dovecot), `- gsmtp` after it (Gmail), `Ok X` and no more
/// (Amazon SES), `<X>` (Exchange, and others). None of it is standardised.
pub(super) fn read(reply: &Reply) -> Option<Box<str>> {
    let text = reply.lines.last()?;
    let find = |mark: &str| memmem::find(text.as_bytes(), mark.as_bytes());
    let after = |mark: &str| find(mark).and_then(|at| text.get(at + mark.len()..));
    let before = |mark: &str| find(mark).and_then(|at| text.get(..at));
    let before_any =
        [" Message accepted for delivery", " Saved", " - gsmtp"].iter().find_map(|mark| before(mark));
    let word = if let Some(rest) = after("queued as ").or_else(|| after("id=")) {
        rest.split_ascii_whitespace().next()
    } else if let Some(rest) = after("queued on ") {
        rest.split_ascii_whitespace().nth(1)
    } else if let Some(head) = before_any {
        head.split_ascii_whitespace().next_back()
    } else if let Some(rest) = text.strip_prefix("Ok ") {
        Some(rest).filter(|rest| rest.contains(|c: char| c.is_ascii_digit()) && !rest.contains(' '))
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

    const SES: &str = "0102018f4b3c2d1e-0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-000000";

    #[test]
    fn ids_are_read_as_the_common_servers_write_them() {
        let check = |text: &str, want: Option<&str>| {
            assert_eq!(read(&Reply::new(250, text)).as_deref(), want, "{text:?}");
        };
        check("2.0.0 Ok: queued as 4Z1x2y3zABC", Some("4Z1x2y3zABC"));
        check("OK id=1tAbCd-000000001Xy-2aBc", Some("1tAbCd-000000001Xy-2aBc"));
        check("2.0.0 4AB12345 Message accepted for delivery", Some("4AB12345"));
        check("2.6.0 <abc@host> [InternalId=1] Queued mail for delivery", Some("abc@host"));
        check("2.0.0 <ada@example.net> 5NTANezGBGuvOQAAg+zDdQ Saved", Some("5NTANezGBGuvOQAAg+zDdQ"));
        check("2.0.0 5a1b2c3d Message accepted for delivery", Some("5a1b2c3d"));
        check("2.0.0 OK  1588153193 t12si4124567qkh.212 - gsmtp", Some("t12si4124567qkh.212"));
        check("2.0.0 Ok: queued on mx1.example 1588153193-AbCdEf", Some("1588153193-AbCdEf"));
        check("Ok 0102018f4b3c2d1e-0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9-000000", Some(SES));
        check("Ok then", None);
        check("Ok 7 bit", None);
        check("2.0.0 Ok", None);
        check("queued as ", None);
        check("queued as \u{1b}[31mx", None);
        check("", None);
    }
}
