//! An answer of a DNS server: any bytes are one or none, and there is an end to what is taken from it.

use send::dns::{Answer, read_answer};

pub(super) const WORDS: &[&str] = &[
    "\u{12}\u{34}",
    "\u{81}",
    "\u{00}\u{01}\u{00}\u{01}",
    "\u{00}\u{10}\u{00}\u{01}",
    "\u{c0}\u{0c}",
    "\u{c0}\u{00}",
    "\u{02}s1\u{0a}_domainkey\u{01}x\u{07}example\u{00}",
    "\u{00}\u{00}\u{00}\u{3c}",
    "v=DKIM1; p=",
];

const ID: u16 = 0x1234;

pub(super) fn run(bytes: &[u8]) {
    let answer = read_answer(bytes, ID);
    if let Answer::Records(records) = &answer {
        assert!(records.len() <= 32, "{} records", records.len());
        let octets: usize = records.iter().map(String::len).sum();
        // Names may be compressed, texts never are.
        assert!(octets <= bytes.len(), "{octets} octets out of {}", bytes.len());
    }
    assert_eq!(read_answer(bytes, ID), answer, "reading is the same each time");
}
