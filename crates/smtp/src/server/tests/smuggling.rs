//! Ends of data that are none: each peer must see the same messages.

use super::*;

const SECOND: &str = "MAIL FROM:<evil@x.y>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nevil\r\n.\r\n";

#[test]
fn b3_no_false_end_of_data_is_one() {
    for end in ["\n.\n", "\r.\r", "\r.\n", "\n.\r", "\n.\r\n", "\r\n.\n", "\r.\r\n", "\r\n.\r", "\r\n.\r\r\n"]
    {
        let input = format!("{OPENING}DATA\r\nA: b\r\n\r\nx{end}{SECOND}");
        let seen = check(&input, &[250, 250, 250, 354, 554]);
        assert!(seen.messages.is_empty() && seen.closed, "{end:?}");
    }
    for end in ["\r\n\0.\r\n", "\r\n.\0\r\n"] {
        let input = format!("{OPENING}DATA\r\nA: b\r\n\r\nx{end}{SECOND}");
        let seen = check(&input, &[250, 250, 250, 354, 554]);
        assert!(seen.messages.is_empty(), "{end:?}");
    }
}

#[test]
fn bare_line_ends_in_chunks_are_refused_in_step() {
    for (octets, body) in [(3, "a\nb"), (3, "a\rb"), (2, "a\r"), (4, "\r\n.\n"), (3, "a\0b")] {
        let input = format!("{OPENING}BDAT {octets} LAST\r\n{body}NOOP\r\n");
        assert!(check(&input, &[250, 250, 250, 554, 250]).messages.is_empty(), "{body:?}");
    }
    let split = format!("{OPENING}BDAT 2\r\na\rBDAT 2 LAST\r\nb\nNOOP\r\n");
    check(&split, &[250, 250, 250, 250, 554, 250]);
}

#[test]
fn chunks_are_counted_exactly_on_error_too() {
    check("BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n", &[503, 250]);
    check(
        "EHLO c\r\nMAIL FROM:<a@b.c>\r\nBDAT 6\r\nQUIT\r\nBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n",
        &[250, 250, 503, 503, 250],
    );
    check(&format!("{OPENING}BDAT 2\r\n\nxBDAT 6 LAST\r\nQUIT\r\nNOOP\r\n"), &[250, 250, 250, 554, 503, 250]);
    for line in ["BDAT", "BDAT x", "BDAT -1", "BDAT 1 FIRST", "bdat 99999999999999999999"] {
        let seen = check(&format!("{OPENING}{line}\r\nMAIL FROM:<x@y.z>\r\n"), &[250, 250, 250, 501]);
        assert!(seen.closed, "{line}");
    }
}
