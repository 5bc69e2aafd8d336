//! AUTH and STARTTLS.

use super::*;

fn closed() -> Settings {
    Settings { open: false, ..settings() }
}

fn check_closed(input: &str, codes: &[u16]) -> Seen {
    let seen = run(closed(), input.as_bytes());
    assert_eq!(seen.codes(), codes, "{input:?}: {}", seen.replies);
    seen
}

#[test]
fn plain_and_login() {
    // "\0tim\0secret", "tim\0tim\0secret", "tim", "secret"
    check_closed("EHLO c\r\nMAIL FROM:<a@b.c>\r\n", &[250, 530]);
    let after = "MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nBDAT 1 LAST\r\nx";
    let seen = check_closed(
        &format!("EHLO c\r\nAUTH PLAIN AHRpbQBzZWNyZXQ=\r\n{after}"),
        &[250, 235, 250, 250, 250],
    );
    assert_eq!(seen.messages[0].0, "ESMTPA <a@b.c>d@e.f");
    check_closed("EHLO c\r\nauth plain\r\ndGltAHRpbQBzZWNyZXQ=\r\n", &[250, 334, 235]);
    check_closed("EHLO c\r\nAUTH LOGIN\r\ndGlt\r\nc2VjcmV0\r\n", &[250, 334, 334, 235]);
    check_closed("EHLO c\r\nAUTH LOGIN dGlt\r\nc2VjcmV0\r\n", &[250, 334, 235]);
    check_closed("EHLO c\r\nAUTH LOGIN dGlt\r\ndGlt\r\nMAIL FROM:<a@b.c>\r\n", &[250, 334, 535, 530]);
}

#[test]
fn b6_101_junk_leaves_a_clean_state() {
    for (line, code) in [
        ("AUTH PLAIN !!!!", 501),
        ("AUTH PLAIN dGlt", 501),
        ("AUTH PLAIN AAAA", 501),
        ("AUTH PLAIN =", 501),
        ("AUTH PLAIN eAB0aW0Ac2VjcmV0", 501),
        ("AUTH", 501),
        ("AUTH GSSAPI", 504),
    ] {
        let rest = "\r\nAUTH PLAIN AHRpbQBzZWNyZXQ=\r\nAUTH PLAIN AHRpbQBzZWNyZXQ=\r\n";
        check_closed(&format!("EHLO c\r\n{line}{rest}"), &[250, code, 235, 503]);
    }
    check_closed("EHLO c\r\nAUTH PLAIN\r\n*\r\nNOOP\r\n", &[250, 334, 501, 250]);
    check_closed("HELO c\r\nAUTH PLAIN AHRpbQBzZWNyZXQ=\r\n", &[250, 503]);
    check(&format!("{OPENING}AUTH PLAIN AHRpbQBzZWNyZXQ=\r\n"), &[250, 250, 250, 503]);
    let long = "A".repeat(100_000);
    let seen = whole(closed(), format!("EHLO c\r\nAUTH PLAIN\r\n{long}\r\nNOOP\r\n").as_bytes());
    assert_eq!(seen.codes(), [250, 334, 500, 250]);
    let guess = "AUTH PLAIN AHRpbQBzZWNyZQ==\r\n".repeat(6);
    check_closed(&format!("EHLO c\r\n{guess}"), &[250, 535, 535, 535, 535, 535, 421]);
}

#[test]
fn b6_99_no_login_in_clear() {
    let clear = Settings { private: false, starttls: true, ..closed() };
    let mut session = Session::new(clear.clone(), false);
    session.push(b"EHLO c\r\nAUTH PLAIN AHRpbQBzZWNyZXQ=\r\n");
    assert_eq!(session.poll(), Event::Input);
    assert!(session.take_output().windows(10).any(|w| w == b"538 5.7.11"));
    let input = ["EHLO c\r\nSTARTTLS\r\n", "EHLO c\r\nAUTH PLAIN AHRpbQBzZWNyZXQ=\r\nSTARTTLS\r\n"];
    let seen = drive(&mut Session::new(clear, false), &input.map(str::as_bytes));
    assert_eq!(seen.codes(), [250, 220, 250, 235, 503]);
    assert_eq!(seen.replies.matches("STARTTLS").count(), 1);
    assert!(!seen.replies.contains("c2VjcmV0") && !seen.replies.contains("AHRpbQ"), "no secret comes back");
}

#[test]
fn the_second_greeting_is_owed_after_starttls() {
    let clear = Settings { private: false, starttls: true, ..closed() };
    let input = ["EHLO c\r\nSTARTTLS\r\n", "AUTH PLAIN AHRpbQBzZWNyZXQ=\r\nHELO c\r\nAUTH PLAIN\r\n"];
    let seen = drive(&mut Session::new(clear, false), &input.map(str::as_bytes));
    assert_eq!(seen.codes(), [250, 220, 503, 250, 503]);
}

#[test]
fn nothing_crosses_the_seam_of_starttls() {
    let settings = Settings { private: false, starttls: true, ..settings() };
    let injected = "EHLO c\r\nSTARTTLS\r\nMAIL FROM:<a@b.c>\r\n";
    let seen = whole(settings.clone(), injected.as_bytes());
    assert_eq!((seen.codes(), seen.closed), (vec![250, 503], true));
    let mut session = Session::new(settings.clone(), false);
    session.push(b"EHLO c\r\nSTARTTLS\r\n");
    assert_eq!(session.poll(), Event::StartTls);
    session.push(b"NOOP\r\n");
    assert_eq!(session.poll(), Event::Close);
    let parts = ["EHLO c\r\nMAIL FROM:<a@b.c>\r\nSTARTTLS\r\n", "RCPT TO:<d@e.f>\r\nMAIL FROM:<a@b.c>\r\n"];
    let seen = drive(&mut Session::new(settings, false), &parts.map(str::as_bytes));
    assert_eq!(seen.codes(), [250, 250, 220, 503, 503], "what was said in clear is forgotten");
}
