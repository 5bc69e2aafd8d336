//! Lines to commands and back, and what is refused.

use super::*;
use proptest::prelude::*;

#[test]
fn a_command_prints_as_it_was_parsed() {
    let check = |line: &str| {
        let command = Command::parse(line.as_bytes()).unwrap_or_else(|e| panic!("{line:?}: {e}"));
        let mut wire = Vec::new();
        command.write(&mut wire);
        assert_eq!(String::from_utf8(wire).unwrap(), format!("{line}\r\n"));
    };
    check("EHLO mx.example");
    check("HELO [127.0.0.1]");
    check("LHLO localhost");
    check("MAIL FROM:<>");
    check("MAIL FROM:<a@example.com>");
    check("MAIL FROM:<a@example.com> SIZE=1000 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+20b AUTH=<>");
    check("MAIL FROM:<a@example.com> BODY=7BIT RET=FULL AUTH=u+40example");
    check("RCPT TO:<\"a > b\"@example.com>");
    check("RCPT TO:<a@example.com> NOTIFY=SUCCESS,FAILURE,DELAY ORCPT=rfc822;a+40example.com");
    check("RCPT TO:<a@example.com> NOTIFY=NEVER");
    check("DATA");
    check("BDAT 0 LAST");
    check("BDAT 86");
    check("RSET");
    check("NOOP");
    check("QUIT");
    check("STARTTLS");
    check("AUTH LOGIN");
    check("AUTH PLAIN AGEAYg==");
    check("VRFY somebody");
    check("EXPN list");
    check("HELP");
}

#[test]
fn case_and_blanks_are_free_where_everyone_lets_them_be() {
    let check = |line: &str, want: &str| {
        assert_eq!(Command::parse(line.as_bytes()).map(|c| c.to_string()), Ok(want.into()), "{line:?}");
    };
    check("ehlo  x ", "EHLO x");
    check("mail from: <a@example.com> size=5", "MAIL FROM:<a@example.com> SIZE=5");
    check("Rcpt To:<a@example.com>", "RCPT TO:<a@example.com>");
    check("NOOP anything", "NOOP");
    check("auth plain", "AUTH PLAIN");
}

#[test]
fn what_cannot_be_obeyed_is_refused_by_kind() {
    use CommandError::*;
    let check = |line: &[u8], want: CommandError| {
        assert_eq!(Command::parse(line), Err(want), "{:?}", String::from_utf8_lossy(line));
    };
    check(b"", Unknown);
    check(b"GET / HTTP/1.1", Unknown);
    check(b"Subject: x", Unknown);
    check(b"NOOP\0", BadOctets);
    check(b"NOOP \xff", BadOctets);
    check(b"NOOP\rQUIT", BadOctets);
    check(b"EHLO", BadArgument);
    check(b"EHLO a b", BadArgument);
    check(b"DATA now", BadArgument);
    check(b"MAIL", BadArgument);
    check(b"MAIL TO:<a@example.com>", BadArgument);
    check(b"MAIL FROM:a@example.com", BadAddress);
    check(b"MAIL FROM:<a@example.com", BadAddress);
    check(b"MAIL FROM:<a@example.com>SIZE=1", BadAddress);
    check(b"MAIL FROM:<a@example.com> SIZE=-1", BadParameter);
    check(b"MAIL FROM:<a@example.com> SIZE=1 SIZE=2", BadParameter);
    check(b"MAIL FROM:<a@example.com> SIZE=999999999999999999999999999999", BadParameter);
    check(b"MAIL FROM:<a@example.com> BODY=9BIT", BadParameter);
    check(b"MAIL FROM:<a@example.com> ENVID=a+zz", BadParameter);
    check(b"MAIL FROM:<a@example.com> ENVID=a=b", BadParameter);
    check(b"MAIL FROM:<a@example.com> XFOO=1", UnknownParameter);
    check(b"RCPT TO:<>", BadAddress);
    check(b"RCPT TO:<@relay.example:a@example.com>", BadAddress);
    check(b"RCPT TO:<a@example.com> NOTIFY=NEVER,DELAY", BadParameter);
    check(b"RCPT TO:<a@example.com> ORCPT=a", BadParameter);
    check(b"BDAT x", BadArgument);
    check(b"BDAT 5 FIRST", BadArgument);
    check(b"AUTH", BadArgument);
    check(b"AUTH PL;AIN", BadArgument);
}

#[test]
fn an_initial_response_is_never_shown() {
    let command = Command::parse(b"AUTH PLAIN c2VjcmV0").unwrap();
    assert_eq!(command.to_string(), "AUTH PLAIN ***");
    assert!(!format!("{command:?}").contains("c2VjcmV0"));
}

#[test]
fn words_that_could_end_a_line_cannot_be_made() {
    for text in ["a\r\nQUIT", "a\nb", "a\0", ""] {
        assert_eq!(HelloName::parse(text), None);
        assert_eq!(Word::parse(text), None);
        assert_eq!(Xtext::parse(text, 100), None);
    }
    assert_eq!(Xtext::parse("abc", 2), None);
    let encoded = Xtext::encode("a b+c=d\r\né");
    assert_eq!(Xtext::parse(encoded.as_str(), 100).as_ref(), Some(&encoded));
    assert_eq!(encoded.decode().as_deref(), Some("a b+c=d\r\né"));
}

proptest! {
    #[test]
    fn any_line_is_parsed_or_refused_and_prints_as_one_line(line in "[ -~\r\n\t]{0,80}|(MAIL FROM|RCPT TO):<.{0,20}>.{0,20}") {
        if let Ok(command) = Command::parse(line.as_bytes()) {
            let mut wire = Vec::new();
            command.write(&mut wire);
            prop_assert_eq!(wire.iter().filter(|b| **b == b'\n' || **b == b'\r').count(), 2);
        }
    }
}
