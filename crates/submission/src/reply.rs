//! What the library answers, in the words of SMTP.

use envelope::Reply;
use postrider::SubmitError;

/// Most mistakes told in one reply.
const MOST_LINES: usize = 10;
/// Characters of one line; RFC 5321 4.5.3.1.5 allows 512 octets.
const MOST_CHARS: usize = 120;

/// The one place where an error becomes a code (RFC 3463). Causes inside are not for the peer.
pub(crate) fn to_error(error: &SubmitError) -> Reply {
    match error {
        SubmitError::Invalid(mistakes) => {
            let told = mistakes.iter().take(MOST_LINES).map(ToString::to_string);
            lines(554, "5.6.0", told)
        }
        SubmitError::TooLarge(text) => lines(552, "5.3.4", [text.clone()]),
        SubmitError::Forbidden(text) => lines(550, "5.7.1", [text.clone()]),
        SubmitError::Loop(text) => lines(554, "5.4.6", [text.clone()]),
        SubmitError::KeyReused(_) => {
            Reply::new(554, "5.7.0 This idempotency key was used for another message")
        }
        SubmitError::KeyInFlight => Reply::new(451, "4.3.0 The first message with this key is under way"),
        SubmitError::Busy(_) => Reply::new(452, "4.3.1 No room now, try again later"),
        SubmitError::Store(_) => Reply::new(451, "4.3.0 Cannot store mail now, try again later"),
    }
}

fn lines(code: u16, status: &str, texts: impl IntoIterator<Item = String>) -> Reply {
    let line = |text: String| {
        // Without SMTPUTF8 a reply is ASCII (RFC 5321 4.2).
        let plain = |c: char| if c.is_ascii() { c } else { '?' };
        let short: String = text.chars().take(MOST_CHARS).map(plain).collect();
        format!("{status} {short}").into()
    };
    Reply { code, lines: texts.into_iter().map(line).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use postrider::{FieldError, JobId};

    #[test]
    fn every_error_has_its_code_and_no_cause_of_ours() {
        let check = |error: SubmitError, want: &str| {
            let reply = to_error(&error).to_string();
            assert!(reply.starts_with(want), "{reply}");
            assert!(!reply.contains("/var"), "{reply}");
        };
        let mistake = |n: usize| FieldError { field: format!("f{n}"), problem: "wrong; mend it".into() };
        check(SubmitError::Invalid(vec![mistake(1)]), "554 5.6.0 f1: wrong; mend it");
        check(SubmitError::TooLarge("big".into()), "552 5.3.4 big");
        check(
            SubmitError::Forbidden("not b\u{fc}cher.example\r\n250 Ok".into()),
            "550 5.7.1 not b?cher.example",
        );
        check(SubmitError::Forbidden("not you".into()), "550 5.7.1 not you");
        check(SubmitError::Loop("loop: again".into()), "554 5.4.6 loop: again");
        check(SubmitError::KeyReused(JobId(Default::default())), "554 5.7.0 ");
        check(SubmitError::KeyInFlight, "451 4.3.0 ");
        check(SubmitError::Busy("/var full".into()), "452 4.3.1 ");
        check(SubmitError::Store("/var/x: I/O error".into()), "451 4.3.0 ");
        let many = SubmitError::Invalid((0..99).map(mistake).collect());
        assert_eq!(to_error(&many).lines.len(), MOST_LINES);
    }
}
