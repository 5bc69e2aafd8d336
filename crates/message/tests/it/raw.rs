//! The raw door: what is refused, dropped, added and shown.

use bytes::Bytes;
use postrider_message::{RawMail, RawOptions, admit_raw};

fn admit(raw: &str, options: &RawOptions) -> Result<RawMail, String> {
    admit_raw(&Bytes::copy_from_slice(raw.as_bytes()), options, jiff::Timestamp::UNIX_EPOCH, 1)
        .map_err(|e| e.to_string())
}

fn options() -> RawOptions {
    RawOptions { domain: "x.y".into(), ..RawOptions::default() }
}

const WHOLE: &str = "From: A <a@b.c>\r\nDate: x\r\nMessage-ID: <i@j>\r\n";

#[test]
fn a_whole_message_stays_as_it_is() {
    let raw = format!("{WHOLE}Subject: =?utf-8?q?=C3=BC?=\r\n x\r\n\r\nbody\r\n");
    let raw = Bytes::from(raw);
    let mail = admit_raw(&raw, &options(), jiff::Timestamp::UNIX_EPOCH, 1).unwrap();
    assert_eq!([&mail.header[..], &mail.body[..]].concat(), raw);
    assert_eq!(mail.body.as_ptr(), raw[raw.len() - 6..].as_ptr(), "the body was copied");
    assert_eq!(
        (mail.subject.as_str(), mail.from.as_str(), mail.message_id.as_str()),
        ("ü x", "A <a@b.c>", "<i@j>")
    );
    assert!(!mail.eight_bit && !mail.utf8_header);
}

#[test]
fn what_must_not_leave_is_dropped() {
    let raw = format!(
        "Return-Path: <r@x>\r\n{WHOLE}bcc: s@x.y,\r\n t@x.y\r\nResent-Bcc: u@x\r\nContent-Length: 5\r\n\
         X-Postrider-Tag: a\r\nX-postrider-priority: bulk\r\nTo: v@w.x\r\n\r\n"
    );
    let mail = admit(&raw, &options()).unwrap();
    assert_eq!(mail.header, format!("{WHOLE}To: v@w.x\r\n\r\n"));
    assert_eq!(mail.bcc, ["s@x.y", "t@x.y"]);
    assert_eq!(mail.options, [("tag".into(), "a".into()), ("priority".to_owned(), "bulk".to_owned())]);
}

#[test]
fn what_lacks_is_added() {
    let how = RawOptions { received: Some("from a by b".into()), from: Some("a@b.c".into()), ..options() };
    let mail = admit("Subject: x\r\n\r\nb", &how).unwrap();
    let date = "Thu, 01 Jan 1970 00:00:00 +0000";
    let id = "<00000000-0000-0000-0000-000000000001@x.y>";
    let want = format!(
        "Received: from a by b; {date}\r\nDate: {date}\r\nFrom: a@b.c\r\nMessage-ID: {id}\r\nSubject: x\r\n\r\n"
    );
    assert_eq!(mail.header, want);
    assert_eq!((mail.message_id.as_str(), mail.from.as_str()), (id, "a@b.c"));
}

#[test]
fn a_header_without_its_last_line_end_is_ended() {
    let mail = admit(&format!("{WHOLE}To: v@w.x"), &options()).unwrap();
    assert_eq!(mail.header, format!("{WHOLE}To: v@w.x\r\n\r\n"));
}

#[test]
fn refused_messages() {
    let check = |raw: String, part: &str| {
        let got = admit(&raw, &options());
        assert!(got.as_ref().is_err_and(|e| e.contains(part)), "{:?}: {got:?}", raw.get(..raw.len().min(80)));
    };
    check("Subject: x\r\n\r\n".into(), "From");
    check(format!("{WHOLE}FROM: x@y.z\r\n\r\n"), "more than once");
    check(format!("{WHOLE}Date: x\r\n\r\n"), "more than once");
    check(format!("{WHOLE}X: a\nBcc: b\r\n\r\n"), "bare CR or LF");
    check(format!("{WHOLE}\r\nbody\rx"), "bare CR or LF");
    check(format!("{WHOLE}From : x@y.z\r\n\r\n"), "Name: value");
    check(format!(" x\r\n{WHOLE}\r\n"), "Name: value");
    check(format!("{WHOLE}no colon\r\n\r\n"), "Name: value");
    check(format!("{WHOLE}X: a\0b\r\n\r\n"), "NUL");
    check(format!("{WHOLE}\r\n{}\r\n", "x".repeat(999)), "998");
    check(format!("{WHOLE}{}\r\n", "X: y\r\n".repeat(18_000)), "102,400");
    check(format!("{WHOLE}{}\r\n", "X: y\r\n".repeat(2_100)), "2000");
    check(String::new(), "From");
    assert!(admit(&format!("{WHOLE}\r\n{}\r\n", "x".repeat(998)), &options()).is_ok());
}

#[test]
fn bare_lf_is_converted_where_allowed() {
    let how = RawOptions { accept_bare_lf: true, ..options() };
    let mail = admit("From: a@b.c\nDate: x\nMessage-ID: <i>\n\nü\nx\n", &how).unwrap();
    assert_eq!(mail.body, "ü\r\nx\r\n");
    assert!(mail.eight_bit && !mail.utf8_header);
}
