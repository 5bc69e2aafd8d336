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
