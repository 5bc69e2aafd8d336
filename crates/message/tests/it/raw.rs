//! The raw door: what is refused, dropped, added and shown.

use bytes::Bytes;
use postrider_message::dkim::{BodyHash, KeyKind, SignedFields, Signer, SigningKey, sign, verify};
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
fn b3_61_a_raw_line_over_998_octets_is_refused_at_the_door() {
    let with = |octets: usize| admit(&format!("{WHOLE}\r\n{}\r\n", "x".repeat(octets)), &options());
    assert!(with(998).is_ok());
    for octets in [999, 10_000_000] {
        assert!(with(octets).is_err_and(|e| e.contains("998")), "{octets}");
    }
}

#[test]
fn b7_116_a_field_that_may_stand_once_stands_once() {
    for name in ["From", "Date", "Subject", "Message-ID", "Sender", "To", "Cc", "Reply-To"] {
        let twice = format!("From: a@b.c\r\n{name}: x@y.z\r\n{}: x@y.z\r\n\r\n", name.to_uppercase());
        assert!(admit(&twice, &options()).is_err_and(|e| e.contains("more than once")), "{name}");
    }
    let spaced = "From: a@b.c\r\nFrom : x@y.z\r\n\r\n";
    assert!(admit(spaced, &options()).is_err_and(|e| e.contains("Name: value")));
}

#[test]
fn b7_131_a_signed_mail_stays_as_it_was_signed() {
    let (key, _) = SigningKey::generate(KeyKind::Ed25519).unwrap();
    let header = format!("{WHOLE}MIME-Version: 1.0\r\nContent-Transfer-Encoding: 8bit\r\nTo: b@c.d\r\n\r\n");
    let body = "größer \r\n\r\n.\r\nFrom here  on\r\n\r\n";
    let mut hash = BodyHash::default();
    hash.update(body.as_bytes());
    let now = jiff::Timestamp::UNIX_EPOCH;
    let signer = Signer { domain: "b.c.example", selector: "s", key: &key, expires: None };
    let fields = sign(header.as_bytes(), hash.finish(), &[signer], &SignedFields::default(), now).unwrap();
    let raw = Bytes::from([&fields, header.as_bytes(), body.as_bytes()].concat());
    let how = RawOptions { received: Some("from x by y".into()), ..options() };
    let mail = admit_raw(&raw, &how, now, 1).unwrap();
    let seen = verify(&mail.header, &mail.body, now, |_| Some(key.record()));
    assert_eq!(seen.iter().map(|one| one.outcome.clone()).collect::<Vec<_>>(), [Ok(KeyKind::Ed25519)]);
    let whole = [&mail.header[..], &mail.body].concat();
    assert!(whole.ends_with(&raw), "a byte was changed");
}

#[test]
fn b7_132_hostile_ids_and_dates_are_kept_short() {
    let deep = "(".repeat(50_000);
    for field in ["Date", "Message-ID", "References"] {
        let raw = format!("From: a@b.c\r\n{field}: {deep}\r\n\r\n");
        assert!(admit(&raw, &options()).is_err_and(|e| e.contains("998")), "{field}");
        let folded = deep.as_bytes().chunks(900).map(|c| String::from_utf8_lossy(c)).collect::<Vec<_>>();
        let raw = format!("From: a@b.c\r\n{field}: {}\r\n\r\n", folded.join("\r\n "));
        let mail = admit(&raw, &options()).unwrap();
        assert!(mail.message_id.len() <= 60_000, "{field}");
        let million = format!("From: a@b.c\r\n{field}: {}\r\n\r\n", "x\r\n ".repeat(250_000));
        assert!(admit(&million, &options()).is_err_and(|e| e.contains("102,400")), "{field}");
    }
}

#[test]
fn bare_lf_is_converted_where_allowed() {
    let how = RawOptions { accept_bare_lf: true, ..options() };
    let mail = admit("From: a@b.c\nDate: x\nMessage-ID: <i>\n\nü\nx\n", &how).unwrap();
    assert_eq!(mail.body, "ü\r\nx\r\n");
    assert!(mail.eight_bit && !mail.utf8_header);
}
