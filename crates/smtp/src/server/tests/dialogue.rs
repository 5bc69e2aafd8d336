//! Good mail, and commands out of their order.

use super::*;

fn message(body: &str) -> Vec<(String, String)> {
    vec![("ESMTP <a@b.c>d@e.f".to_owned(), body.to_owned())]
}

#[test]
fn a_mail_by_data() {
    let seen = check(
        &format!("{OPENING}DATA\r\nA: b\r\n\r\n..x\r\n.y\r\n\r\n.\r\nQUIT\r\n"),
        &[250, 250, 250, 354, 250, 221],
    );
    assert_eq!(seen.messages, message("A: b\r\n\r\n.x\r\ny\r\n\r\n"));
    assert!(seen.closed && seen.replies.contains("250 2.0.0 Ok: queued as 1\r\n"));
}

#[test]
fn a_mail_by_chunks() {
    let seen = check(
        &format!("{OPENING}BDAT 7\r\nA: b\r\n\rBDAT 4\r\n\n.\r\nBDAT 0 LAST\r\nNOOP\r\n"),
        &[250, 250, 250, 250, 250, 250, 250],
    );
    assert_eq!(seen.messages, message("A: b\r\n\r\n.\r\n"));
    let seen = check(&format!("{OPENING}BDAT 6 LAST\r\nQUIT\r\nQUIT\r\n"), &[250, 250, 250, 250, 221]);
    assert_eq!(seen.messages, message("QUIT\r\n"));
}

#[test]
fn what_ehlo_offers() {
    let offer = |settings: Settings| whole(settings, b"EHLO c\r\n").replies;
    let all = offer(Settings { starttls: true, ..settings() });
    for keyword in
        "PIPELINING|SIZE 1000|8BITMIME|SMTPUTF8|CHUNKING|DSN|ENHANCEDSTATUSCODES|AUTH PLAIN LOGIN|STARTTLS"
            .split('|')
    {
        assert!(all.contains(&format!("{keyword}\r\n")), "{keyword}: {all}");
    }
    assert!(!offer(Settings { private: false, ..settings() }).contains("AUTH"));
    assert!(!offer(settings()).contains("STARTTLS"));
    assert_eq!(whole(settings(), b"HELO c\r\n").replies, "220 mx.test ESMTP\r\n250 mx.test\r\n");
}

#[test]
fn b6_108_commands_in_their_order_only() {
    check("MAIL FROM:<a@b.c>\r\nRCPT TO:<d@e.f>\r\nDATA\r\n", &[503, 503, 503]);
    check(&format!("{OPENING}MAIL FROM:<x@y.z>\r\n"), &[250, 250, 250, 503]);
    check("EHLO c\r\nMAIL FROM:<a@b.c>\r\nDATA\r\n", &[250, 250, 503]);
    check(&format!("{OPENING}RSET\r\nDATA\r\n"), &[250, 250, 250, 250, 503]);
    check(&format!("{OPENING}EHLO c\r\nDATA\r\n"), &[250, 250, 250, 250, 503]);
    check(&format!("{OPENING}BDAT 2\r\nx\nRCPT TO:<g@h.i>\r\n"), &[250, 250, 250, 554, 503]);
    check(&format!("{OPENING}BDAT 1\r\nxRCPT TO:<g@h.i>\r\nDATA\r\n"), &[250, 250, 250, 250, 503, 503]);
    check("XCLIENT NAME=x\r\nPROXY TCP4 1 2 3 4\r\nETRN x\r\nLHLO c\r\n", &[500, 500, 500, 502]);
    check("VRFY root\r\nEXPN staff\r\nHELP\r\nNOOP x\r\nSTARTTLS\r\n", &[252, 502, 214, 250, 502]);
}

#[test]
fn b6_107_eight_bit_and_unicode_have_their_rules() {
    // A client's BODY and SMTPUTF8 are permission, not need: octets over 127 are taken without BODY,
    // and a UTF-8 header without SMTPUTF8. An address in UTF-8 changes the protocol and must be announced.
    let seen = check(
        &format!("{OPENING}DATA\r\nSubject: \u{e4}\r\n\r\n\u{f6}\r\n.\r\n"),
        &[250, 250, 250, 354, 250],
    );
    assert_eq!(seen.messages, message("Subject: \u{e4}\r\n\r\n\u{f6}\r\n"));
    for (line, code) in [
        ("MAIL FROM:<a@b.c> BODY=BINARYMIME", 501),
        ("MAIL FROM:<a@b.c> BODY=9BIT", 501),
        ("MAIL FROM:<a@b.c> BODY=8BITMIME BODY=7BIT", 501),
        ("MAIL FROM:<a@b.c> BODY=8BITMIME SMTPUTF8", 250),
        ("MAIL FROM:<a@b.c> SMTPUTF8=1", 501),
        ("MAIL FROM:<\u{e4}@b.c>", 553),
        ("MAIL FROM:<\u{e4}@b.c> SMTPUTF8", 250),
        ("MAIL FROM:<a@b.c> AUTH=x@y.z", 250),
        ("MAIL FROM:<a@b.c> AUTH=a+3", 501),
        ("MAIL FROM:<a@b.c> ENVID=a+2b", 501),
        ("MAIL FROM:<a@b.c> ENVID=a=b", 501),
        ("MAIL FROM:<a@b.c> ENVID=\u{e4}", 501),
        ("MAIL FROM:<a@b.c> X=1", 555),
        ("MAIL FROM:<a@b.c>SIZE=1", 501),
        ("MAIL FROM:<@relay.x:a@b.c>", 501),
        ("MAIL FROM:a@b.c", 501),
    ] {
        check(&format!("EHLO c\r\n{line}\r\n"), &[250, code]);
    }
    let seen = whole(settings(), b"EHLO c\r\nMAIL FROM:<\xe4@b.c> SMTPUTF8\r\nNOOP\r\n");
    assert_eq!(seen.codes(), [250, 500, 250], "not UTF-8");
}

#[test]
fn commands_after_a_refused_one_are_answered_one_by_one() {
    let mail = "MAIL FROM:<bad@x.y>\r\nRCPT TO:<d@e.f>\r\nRCPT TO:<g@h.i>\r\nDATA\r\n";
    let again = "RSET\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<bad@x.y>\r\nRCPT TO:<d@e.f>\r\nDATA\r\nx\r\n.\r\n";
    let seen = check(
        &format!("EHLO c\r\n{mail}{again}QUIT\r\nMAIL FROM:<a@b.c>\r\n"),
        &[250, 550, 503, 503, 503, 250, 250, 550, 250, 354, 250, 221],
    );
    assert_eq!(seen.messages, [("ESMTP <a@b.c>d@e.f".into(), "x\r\n".into())]);
}

#[test]
fn a_client_that_sends_mail_keeps_its_welcome() {
    let mail = "MAIL FROM:<a@b.c>\r\nRCPT TO:<bad@x.y>\r\nRCPT TO:<d@e.f>\r\nBDAT 1 LAST\r\nx";
    let seen = whole(settings(), format!("EHLO c\r\n{}", mail.repeat(50)).as_bytes());
    assert_eq!((seen.messages.len(), seen.closed), (50, false));
}

#[test]
fn nothing_of_a_refused_transaction_stays() {
    let seen = check(
        "EHLO c\r\nMAIL FROM:<a@b.c>\r\nRCPT TO:<bad@x.y>\r\nDATA\r\nRSET\r\nMAIL FROM:<bad@x.y>\r\nRCPT TO:<d@e.f>\r\n\
         MAIL FROM:<g@b.c> SIZE=10 BODY=8BITMIME\r\nRCPT TO:<d@e.f>\r\nRCPT TO:<d@E.F>\r\nDATA\r\nx\r\n.\r\nDATA\r\n",
        &[250, 250, 550, 503, 250, 550, 503, 250, 250, 250, 354, 250, 503],
    );
    assert_eq!(seen.messages, [("ESMTP <g@b.c>d@e.f".into(), "x\r\n".into())]);
}

#[test]
fn parameters_are_kept_or_refused() {
    check("EHLO c\r\nMAIL FROM:<> RET=HDRS ENVID=a+2Bb AUTH=<> SIZE=1000\r\n", &[250, 250]);
    check("EHLO c\r\nMAIL FROM:<a@b.c> BODY=BINARYMIME\r\n", &[250, 501]);
    check("EHLO c\r\nMAIL FROM:<a@b.c> ENVID=a+b\r\n", &[250, 501]);
    check("EHLO c\r\nMAIL FROM:<ä@b.c>\r\nMAIL FROM:<ä@b.c> SMTPUTF8\r\n", &[250, 553, 250]);
    check(&format!("{OPENING}RCPT TO:<ä@b.c>\r\nRCPT TO:<>\r\n"), &[250, 250, 250, 553, 501]);
    let mut session = Session::new(settings(), false);
    session.push(
        b"EHLO c\r\nMAIL FROM:<a@b.c> RET=FULL ENVID=x\r\nRCPT TO:<d@e.f> NOTIFY=NEVER ORCPT=rfc822;q\r\n",
    );
    session.push(b"BDAT 0 LAST\r\n");
    loop {
        match session.poll() {
            Event::Message(message) => {
                let envelope = message.envelope;
                assert_eq!((envelope.ret, envelope.envid.as_deref()), (Some(envelope::Ret::Full), Some("x")));
                assert!(envelope.to[0].notify.never);
                assert_eq!(envelope.to[0].orcpt.as_deref(), Some("rfc822;q"));
                return;
            }
            Event::Input => panic!("no message"),
            _ => session.accept(),
        }
    }
}
