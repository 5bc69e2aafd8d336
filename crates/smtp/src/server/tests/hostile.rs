//! Limits, and clients that are none.

use super::*;

#[test]
fn b6_97_other_protocols_are_sent_away() {
    for line in [
        "GET / HTTP/1.1",
        "POST /x HTTP/1.0",
        "CONNECT a:25 HTTP/1.1",
        "Subject: x",
        "Host: x",
        "\u{16}\u{3}",
    ] {
        let seen = check(&format!("{line}\r\nNOOP\r\n"), &[554]);
        assert!(seen.closed, "{line}");
    }
    assert!(whole(settings(), b"\x16\x03\x01\x02").closed);
}

#[test]
fn b6_103_lines_have_limits() {
    check("NO\0OP\r\nNOOP \u{1}\r\nNOOP\nNOOP\r\nNO\rOP\r\n", &[500, 500, 500, 250, 500]);
    let seen = whole(settings(), b"NOOP \xff\r\nNOOP\r\n");
    assert_eq!(seen.codes(), [500, 250]);
    let long = |octets: usize| format!("NOOP {}\r\nNOOP\r\n", "x".repeat(octets));
    assert_eq!(whole(settings(), long(510).as_bytes()).codes(), [250, 250]);
    assert_eq!(whole(settings(), long(5000).as_bytes()).codes(), [500, 250]);
    let mut session = Session::new(settings(), false);
    let many = vec![b'x'; 4096];
    let parts: Vec<&[u8]> = (0..300).map(|_| &many[..]).collect();
    let seen = drive(&mut session, &parts);
    assert!(seen.closed && session.lines.rest().len() <= 4096);
    let junk = "junk\r\n".repeat(30);
    let seen = check(&junk, &[&[500; 20][..], &[421]].concat());
    assert!(seen.closed);
}

#[test]
fn b6_104_counts_have_limits() {
    let recipients: String = (0..5).map(|n| format!("RCPT TO:<u{n}@e.f>\r\n")).collect();
    check(
        &format!("EHLO c\r\nMAIL FROM:<a@b.c>\r\n{recipients}NOOP\r\n"),
        &[250, 250, 250, 250, 250, 452, 452, 250],
    );
    for line in ["NOOP\r\n", "RSET\r\n", "VRFY x\r\n"] {
        let seen = whole(settings(), line.repeat(10_000).as_bytes());
        assert_eq!((seen.codes().last(), seen.closed), (Some(&421), true), "{line:?}");
    }
}

#[test]
fn b6_105_size_is_held_to() {
    check("EHLO c\r\nMAIL FROM:<a@b.c> SIZE=1001\r\n", &[250, 552]);
    for size in ["-1", "123456789012345678901234567890", "x", ""] {
        check(&format!("EHLO c\r\nMAIL FROM:<a@b.c> SIZE={size}\r\n"), &[250, 501]);
    }
    let line = format!("{}\r\n", "x".repeat(98));
    let seen =
        check(&format!("{OPENING}DATA\r\n{}.\r\nNOOP\r\n", line.repeat(10)), &[250, 250, 250, 354, 250, 250]);
    assert_eq!(seen.messages[0].1.len(), 1000);
    check(&format!("{OPENING}DATA\r\n{}.\r\nNOOP\r\n", line.repeat(11)), &[250, 250, 250, 354, 552, 250]);
    let endless = format!("{OPENING}DATA\r\n{}", line.repeat(100));
    let parts: Vec<&[u8]> = endless.as_bytes().chunks(100).collect();
    let mut session = Session::new(settings(), false);
    let seen = drive(&mut session, &parts);
    assert_eq!((seen.codes(), seen.closed, session.held()), (vec![250, 250, 250, 354, 552], true, 0));
    let chunk = format!("BDAT 600\r\n{}", "x".repeat(600));
    check(&format!("{OPENING}{chunk}{chunk}{chunk}NOOP\r\n"), &[250, 250, 250, 250, 552, 503, 250]);
    let seen = check(&format!("{OPENING}BDAT 1001\r\n"), &[250, 250, 250, 552]);
    assert!(seen.closed);
}

#[test]
fn a_spoiled_body_is_read_to_its_end() {
    for (begin, end) in [("DATA\r\nab", "cd\r\n.\r\nNOOP\r\n"), ("BDAT 6 LAST\r\nab", "cd\r\nNOOP\r\n")] {
        let mut session = Session::new(settings(), false);
        drive(&mut session, &[OPENING.as_bytes(), begin.as_bytes()]);
        assert!(session.held() >= 2 && session.receiving());
        session.spoil(Reply::new(452, "4.3.1 No room"));
        let seen = drive(&mut session, &[end.as_bytes()]);
        assert_eq!(seen.replies, "452 4.3.1 No room\r\n250 2.0.0 Ok\r\n");
        assert!(seen.messages.is_empty() && !session.receiving());
    }
}

#[test]
fn no_octets_panic() {
    use proptest::prelude::*;
    let word = prop::sample::select(vec![
        "EHLO c\r\n",
        "MAIL FROM:<a@b.c>\r\n",
        "RCPT TO:<d@e.f>\r\n",
        "DATA\r\n",
        "BDAT 3\r\n",
        "BDAT 2 LAST\r\n",
        "AUTH LOGIN\r\n",
        "RSET\r\n",
        ".\r\n",
        "x\r\n",
        "\r",
        "\n",
        ".",
        "\0",
        "STARTTLS\r\n",
        "*\r\n",
    ]);
    proptest!(|(words in prop::collection::vec(word, 0..20))| {
        let all = Settings { starttls: true, ..settings() };
        let text = words.concat();
        whole(all.clone(), text.as_bytes());
        drive(&mut Session::new(all, false), &text.as_bytes().chunks(1).collect::<Vec<_>>());
    });
}
