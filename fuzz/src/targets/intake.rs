//! Raw messages: what is taken in is taken in again unchanged, and nothing that must not leave leaves.

use bytes::Bytes;
use jiff::Timestamp;
use message::{RawOptions, admit_raw, to_seven_bit};

pub(super) const WORDS: &[&str] = &[
    "From: a@b.example\r\n",
    "To: c@d.example\r\n",
    "Bcc: hidden@d.example\r\n",
    "Return-Path: <x@y.example>\r\n",
    "Subject: =?utf-8?q?x?=\r\n",
    "X-Postrider-Tag: a=b\r\n",
    "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n",
    "Message-ID: <x@y.example>\r\n",
    "Resent-Bcc: x@y.example\r\n",
    "Received: from x by y; z\r\n",
    "From : a@b.example\r\n",
    "\r\n",
    "\r\n\r\n",
    "Content-Type: multipart/mixed; boundary=\"b\"\r\n",
    "Content-Type: text/plain; charset=utf-8\r\n",
    "Content-Type: message/rfc822\r\n",
    "Content-Transfer-Encoding: 8bit\r\n",
    "--b\r\n",
    "--b--\r\n",
    "größer\r\n",
    "\r\n ",
    "\n",
    "\r",
    "\0",
    ".\r\n",
    ":",
    " ",
    "\t",
    "é",
    "x",
    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
];

/// Takes the bytes in as they are, and behind a From field with their line ends mended.
pub(super) fn run(bytes: &[u8]) {
    let mut mended = b"From: a@b.example\r\n".to_vec();
    for line in bytes.split(|&b| b == b'\n') {
        mended.extend(line.iter().filter(|&&b| b != b'\r' && b != 0));
        mended.extend_from_slice(b"\r\n");
    }
    take_in(&Bytes::copy_from_slice(bytes));
    take_in(&Bytes::from(mended));
}

fn take_in(raw: &Bytes) {
    for accept_bare_lf in [false, true] {
        let options = RawOptions {
            received: Some("from x by y with ESMTP".into()),
            domain: "x.example".into(),
            from: accept_bare_lf.then(|| "user@x.example".into()),
            accept_bare_lf,
        };
        let Ok(mail) = admit_raw(raw, &options, Timestamp::UNIX_EPOCH, 7) else { continue };
        assert!(mail.header.ends_with(b"\r\n"), "the header does not end");
        let head = String::from_utf8_lossy(&mail.header).to_ascii_lowercase();
        for hidden in ["bcc:", "resent-bcc:", "return-path:", "content-length:", "x-postrider-"] {
            let leaks = head.starts_with(hidden) || head.contains(&format!("\r\n{hidden}"));
            assert!(!leaks, "{hidden} leaves");
        }
        for part in [&mail.subject, &mail.from, &mail.message_id] {
            assert!(!part.contains(['\r', '\n', '\0']), "{part:?} is shown");
        }
        let seven = to_seven_bit(mail.clone());
        assert!(
            seven == mail || !seven.eight_bit && seven.body.is_ascii(),
            "neither converted nor left alone"
        );
        let plain = RawOptions::default();
        let again = Bytes::from([&mail.header[..], &mail.body[..]].concat());
        let second = admit_raw(&again, &plain, Timestamp::UNIX_EPOCH, 8);
        let (header, body) = second.map(|m| (m.header, m.body)).unwrap_or_default();
        assert!(header == mail.header && body == mail.body, "taken in twice it is another message");
    }
}
