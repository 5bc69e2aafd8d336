//! 8-bit mail made fit for a relay without 8BITMIME: a reader sees the same.

use bytes::Bytes;
use mail_parser::{MessageParser, MimeHeaders};
use postrider_message::{RawMail, RawOptions, admit_raw, to_seven_bit};

const TOP: &str = "From: a@b.c\r\nDate: x\r\nMessage-ID: <i@j>\r\n";

fn admit(raw: &[u8]) -> RawMail {
    let options = RawOptions { domain: "x.y".into(), ..RawOptions::default() };
    admit_raw(&Bytes::copy_from_slice(raw), &options, jiff::Timestamp::UNIX_EPOCH, 1).unwrap()
}

/// What a reader sees of each part: its type, and its content with LF.
fn seen(mail: &RawMail) -> Vec<(String, Vec<u8>)> {
    let raw = [&mail.header[..], &mail.body].concat();
    let parsed = MessageParser::default().parse(&raw).unwrap();
    let kind = |part: &mail_parser::MessagePart<'_>| {
        part.content_type().map(|t| format!("{}/{}", t.ctype(), t.subtype().unwrap_or_default()))
    };
    let leaves = parsed.parts.iter().filter(|part| !part.is_multipart());
    leaves.map(|part| (kind(part).unwrap_or_else(|| "text/plain".into()), part.contents().to_vec())).collect()
}

fn converted(rest: &str) -> RawMail {
    let mail = admit(format!("{TOP}{rest}").as_bytes());
    assert!(mail.eight_bit);
    let done = to_seven_bit(mail.clone());
    assert!(!done.eight_bit && done.body.is_ascii(), "{rest}");
    assert_eq!(seen(&done), seen(&mail), "{}", String::from_utf8_lossy(&done.body));
    let lines = done.body.split_inclusive(|b| *b == b'\n');
    assert!(lines.into_iter().all(|line| line.len() <= 1000), "{rest}");
    assert_eq!(to_seven_bit(done.clone()), done);
    done
}

const MULTIPART: &str = "MIME-Version: 1.0\r\nContent-Type: multipart/mixed;\r\n boundary=\"b 1\"\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\nvorwärts\r\n--b 1\r\nContent-Type: text/plain; charset=utf-8\r\n\
    Content-Transfer-Encoding: 8bit\r\n\r\ngrößer\r\n\r\n--b 1\r\n\r\nplain  stays \r\n\r\n--b 1\r\n\
    Content-Type: multipart/alternative; boundary=c\r\n\r\n--c\r\n\r\nü\r\n--c \r\nContent-Type: text/html; \
    charset=iso-8859-1\r\n\r\n<p>\u{e9}</p>\r\n--c--\r\n--b 1\r\nContent-Type: application/x-y\r\nContent-Transfer-Encoding: \
    binary\r\n\r\n\u{1}\u{e9}\r\n--b 1--\r\nepilog\r\n";

#[test]
fn b3_63_parts_are_encoded_one_by_one() {
    let done = converted(MULTIPART);
    let text = String::from_utf8(done.body.to_vec()).unwrap();
    assert!(text.contains("--b 1\r\n\r\nplain  stays \r\n\r\n--b 1\r\n"), "a 7-bit part changed\n{text}");
    assert!(text.ends_with("\r\n--b 1--\r\nepilog\r\n"), "{text}");
    assert_eq!(String::from_utf8_lossy(&done.header).matches("Content-Transfer-Encoding: 7bit").count(), 1);
}

#[test]
fn a_body_without_parts() {
    let done = converted("\r\ngrößer\r\n");
    let header = String::from_utf8_lossy(&done.header);
    assert!(header.contains("MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n"), "{header}");
    converted("Content-Type: text/plain; charset=utf-8\r\n\r\n山田太郎\r\n\r\n");
    converted(
        "Content-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: 8bit\r\n\r\nno end of line: ü",
    );
    converted("Content-Type: image/x-test\r\nContent-Transfer-Encoding: binary\r\n\r\nü\r\n");
    let latin = [TOP.as_bytes(), b"\r\ngr\xf6\xdfer als eine Zeile aus ASCII\r\n"].concat();
    let done = to_seven_bit(admit(&latin));
    assert_eq!(done.body, "gr=F6=DFer als eine Zeile aus ASCII\r\n");
    assert!(String::from_utf8_lossy(&done.header).contains("charset=unknown-8bit"));
}

#[test]
fn b3_63_what_cannot_be_converted_stays() {
    for rest in [
        "DKIM-Signature: v=1\r\n\r\nü\r\n",
        "ARC-Seal: i=1\r\n\r\nü\r\n",
        "Content-Type: multipart/signed; boundary=b\r\n\r\n--b\r\n\r\nü\r\n--b--\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: multipart/signed; boundary=c\r\n\r\n--c\r\n\r\nü\r\n--c--\r\n--b--\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nX-\u{fc}: y\r\n\r\nü\r\n--b--\r\n",
        "Content-Type: multipart/mixed\r\n\r\n--b\r\n\r\nü\r\n--b--\r\n",
        "Content-Type: multipart/mixed; boundary=b\r\n\r\nno delimiter: ü\r\n",
        "Content-Type: message/global\r\n\r\nSubject: ü\r\n\r\nü\r\n",
        "Content-Transfer-Encoding: quoted-printable\r\n\r\nü\r\n",
        "Content-Type: nonsense\r\n\r\nü\r\n",
    ] {
        let mail = admit(format!("{TOP}{rest}").as_bytes());
        assert_eq!(to_seven_bit(mail.clone()), mail, "{rest}");
    }
    let open = |i: usize| format!("Content-Type: multipart/mixed; boundary=b{i}x\r\n\r\n--b{i}x\r\n");
    let deep: String = (0..200).map(open).collect();
    let mail = admit(format!("{TOP}{deep}\r\nü\r\n").as_bytes());
    assert_eq!(to_seven_bit(mail.clone()), mail);
}

#[test]
fn only_a_whole_line_is_a_delimiter() {
    let parts =
        "Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n\r\nx --b\r\n--bb\r\n--b-\r\nü\r\n--b--\r\n";
    let done = to_seven_bit(admit(format!("{TOP}{parts}").as_bytes()));
    let body = String::from_utf8(done.body.to_vec()).unwrap();
    assert!(body.contains("\r\n\r\nx --b\r\n--bb\r\n--b-\r\n=C3=BC\r\n--b--\r\n"), "{body}");
}

#[test]
fn a_message_in_a_message() {
    let inner = "Content-Type: message/rfc822\r\n\r\nSubject: s\r\nContent-Type: text/plain; charset=utf-8\r\n\r\nü\r\n";
    let done = to_seven_bit(admit(format!("{TOP}{inner}").as_bytes()));
    let want = "Subject: s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\nw7wNCg==";
    assert_eq!((done.body, done.eight_bit), (want.into(), false));
}
