//! Addresses, mailboxes and lists of them: what is read can be written and is read the same again.

use envelope::{Address, Mailbox, decode_words};
use message::mailbox_text;

pub(super) const WORDS: &[&str] = &[
    "a@b.example",
    "<a@b.example>",
    "Name <a@b.example>",
    "\"quoted, name\" <a@b.example>",
    "\"quoted local\"@b.example",
    "(comment)",
    "((nested) comment)",
    "group: a@b.example, c@d.example;",
    "=?utf-8?q?J=C3=BCrgen?=",
    "=?utf-8?b?SsO8cmdlbg==?=",
    "=?iso-8859-1*en?q?=FC?=",
    "=?x-unknown?q?=FC?=",
    "=?utf-8?q??=",
    "jürgen@müller.example",
    "a@xn--mller-kva.example",
    "a@[127.0.0.1]",
    "a@[IPv6:::1]",
    "@route.example:a@b.example",
    "山田@例え.テスト",
    "。",
    ",",
    ";",
    ":",
    "<",
    ">",
    "@",
    "\"",
    "\\",
    "(",
    ")",
    ".",
    " ",
    "\t",
    "\r\n ",
    "\0",
    "\u{202e}",
];

pub(super) fn run(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    let decoded = decode_words(&text);
    assert!(decoded.len() <= text.len() * 4 + 16, "decoding made {} of {}", decoded.len(), text.len());
    if let Ok(address) = Address::parse(&text) {
        let again = Address::parse(address.as_str());
        assert_eq!(again.as_ref().map(Address::as_str), Ok(address.as_str()), "{text:?}");
    }
    let Ok(list) = Mailbox::parse_list(&text) else { return };
    for mailbox in &list {
        let wire = mailbox.address.as_str();
        assert!(!wire.contains(['\r', '\n', '\0', ' ', '<', '>']) || wire.starts_with('"'), "{wire:?}");
        assert!(!wire.contains(['\r', '\n', '\0']), "{wire:?}");
        let shown = mailbox_text(mailbox);
        let again = Mailbox::parse_list(&shown);
        assert_eq!(again.as_deref(), Ok(std::slice::from_ref(mailbox)), "{text:?} is shown as {shown:?}");
    }
}
