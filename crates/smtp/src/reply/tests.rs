//! Replies, split at every place, and what is no reply.

use super::*;
use proptest::prelude::*;

fn read_all(parser: &mut ReplyParser, out: &mut Vec<String>) {
    loop {
        match parser.next_reply() {
            Ok(Some(reply)) => out.push(reply.to_string()),
            Ok(None) => return,
            Err(violation) => return out.push(format!("{violation:?}")),
        }
    }
}

fn check(wire: &[u8], want: &[&str]) {
    for cut in 0..=wire.len() {
        let mut parser = ReplyParser::default();
        let mut seen = Vec::new();
        for part in [&wire[..cut], &wire[cut..]] {
            parser.push(part);
            if !seen.last().is_some_and(|s: &String| s.starts_with(char::is_alphabetic)) {
                read_all(&mut parser, &mut seen);
            }
        }
        assert_eq!(seen, want, "{:?} cut at {cut}", String::from_utf8_lossy(wire));
    }
}

#[test]
fn b3_45_replies_are_read_whole_whatever_the_split() {
    check(b"220 mx ready\r\n", &["220 mx ready"]);
    check(b"250-a\r\n250-b\r\n250 c\r\n", &["250 a / b / c"]);
    check(b"250 a\r\n354 b\r\n", &["250 a", "354 b"]);
    check(b"250 a\r\n35", &["250 a"]);
}

#[test]
fn b3_48_bare_line_feeds_and_missing_text_are_taken() {
    check(b"250 a\n", &["250 a"]);
    check(b"250\r\n", &["250 "]);
    check(b"250\n", &["250 "]);
    check(b"250-\n250 \n", &["250  / "]);
    check(b"250 nul\0 esc\x1b[0m \xff\r\n", &["250 nul\0 esc\x1b[0m \u{fffd}"]);
}

#[test]
fn b3_48_what_is_no_reply_is_a_violation() {
    check(b"25\r\n", &["NotAReply"]);
    check(b"\r\n", &["NotAReply"]);
    check(b"abc hello\r\n", &["NotAReply"]);
    check(b"2500 x\r\n", &["NotAReply"]);
    check(b"+50 x\r\n", &["NotAReply"]);
    check(b"250_x\r\n", &["NotAReply"]);
    check(b"150 x\r\n", &["CodeOutOfRange(150)"]);
    check(b"600 x\r\n", &["CodeOutOfRange(600)"]);
    check(b"250-a\r\n550 b\r\n", &["MixedCodes"]);
    check(b"250 a\r\nGET / HTTP/1.1\r\n", &["250 a", "NotAReply"]);
}

#[test]
fn b3_47_size_is_bounded_by_line_by_count_and_by_sum() {
    let check = |wire: Vec<u8>, want: Violation| {
        let mut parser = ReplyParser::default();
        let end = wire.chunks(1024).find_map(|chunk| {
            parser.push(chunk);
            parser.next_reply().err()
        });
        assert_eq!(end, Some(want));
        assert!(parser.buffer.len() <= limits::REPLY_LINE + 2 * 1024);
    };
    check(vec![b'2'; 10_000_000], Violation::LineTooLong);
    check("250-a\r\n".repeat(1000).into_bytes(), Violation::ReplyTooLong);
    check(format!("250-{}\r\n", "x".repeat(4000)).repeat(100).into_bytes(), Violation::ReplyTooLong);
}

#[test]
fn a_partial_reply_counts_as_held() {
    let mut parser = ReplyParser::default();
    assert!(parser.is_empty());
    parser.push(b"250-a\r\n");
    assert_eq!(parser.next_reply(), Ok(None));
    assert!(!parser.is_empty());
    parser.push(b"250 b\r\n");
    assert!(parser.next_reply().is_ok_and(|reply| reply.is_some()));
    assert!(parser.is_empty());
}

#[test]
fn a_line_cannot_end_a_line_of_ours() {
    let mut out = Vec::new();
    write_reply(&Reply { code: 250, lines: vec!["a\r\n550 b".into(), "c".into()] }, &mut out);
    assert_eq!(out, b"250-a  550 b\r\n250 c\r\n");
    out.clear();
    write_reply(&Reply { code: 250, lines: Vec::new() }, &mut out);
    assert_eq!(out, b"250 \r\n");
}

proptest! {
    #[test]
    fn any_bytes_give_replies_or_a_violation(bytes in prop::collection::vec(any::<u8>(), 0..600), step in 1usize..40) {
        let mut parser = ReplyParser::default();
        for chunk in bytes.chunks(step) {
            parser.push(chunk);
            read_all(&mut parser, &mut Vec::new());
        }
    }
}
