//! A relay's certificate, read to explain it: any bytes are a certificate or none, and what is shown is printable and short.

use send::smtp::CertificateFacts;

pub(super) const WORDS: &[&str] = &[
    "\u{30}\u{03}",
    "\u{30}\u{00}",
    "\u{31}\u{0b}\u{30}\u{09}",
    "\u{06}\u{03}\u{55}\u{04}\u{03}\u{0c}\u{01}x",
    "\u{06}\u{03}\u{55}\u{1d}\u{11}\u{04}\u{04}\u{30}\u{02}",
    "\u{06}\u{03}\u{55}\u{1d}\u{13}\u{04}\u{05}\u{30}\u{03}\u{01}\u{01}",
    "\u{17}\u{0d}260101000000Z",
    "\u{18}\u{0f}20601231235959Z",
    "\u{17}\u{0d}991332250000Z",
    "\u{1b}[31m",
    "\r\n",
];

pub(super) fn run(bytes: &[u8]) {
    let Some(facts) = CertificateFacts::read(bytes) else { return };
    assert!(facts.names.len() <= 32, "{facts:?}");
    let names = facts.names.iter().chain([&facts.subject, &facts.issuer]);
    for name in names {
        assert!(name.len() < 1_000 && !name.chars().any(char::is_control), "{name:?}");
    }
    assert_eq!(CertificateFacts::read(bytes), Some(facts), "reading is the same each time");
}
